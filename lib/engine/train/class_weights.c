/* See class_weights.h. */
#include "engine/train/class_weights.h"

#include <math.h>

/* How many training targets each class has; returns their number. */
static double count_targets(const struct dataset *dataset, double *counts)
{
    double n = 0;
    for (size_t s = 0; s < gru_dataset_n_series(dataset, PART_TRAIN); s++) {
        const struct dataset_lane lane = gru_dataset_lane(dataset, PART_TRAIN, s);
        for (size_t t = 0; t < lane.n_rows; t++) {
            for (size_t k = 0; k < dataset->width; k++) {
                const float class = gru_dataset_raw_target(dataset, &lane, t, k);
                if (!isnan(class)) {
                    counts[(size_t) class]++;
                    n++;
                }
            }
        }
    }
    return n;
}

static void balance(const struct dataset *dataset, double *weights)
{
    const size_t n_classes = dataset->info->n_outputs;
    size_t n_found = 0;
    for (size_t k = 0; k < n_classes; k++) {
        weights[k] = 0;
    }
    const double n = count_targets(dataset, weights);
    for (size_t k = 0; k < n_classes; k++) {
        n_found += weights[k] > 0;
    }
    for (size_t k = 0; k < n_classes; k++) {
        weights[k] = weights[k] > 0 ? n / (weights[k] * (double)n_found) : 1;
    }
}

void gru_class_weights_find(const struct dataset *dataset, double *weights)
{
    const struct gru_hyperparameters *h = &dataset->training->hyperparameters;
    if (h->class_weighting == GRU_CLASSES_BALANCED) {
        balance(dataset, weights);
        return;
    }
    for (size_t k = 0; k < dataset->info->n_outputs; k++) {
        weights[k] = h->class_weighting == GRU_CLASSES_GIVEN ? h->class_weights[k] : 1;
    }
}
