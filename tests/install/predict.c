/* predict.c - a program of a user of the installed library: the answers of a model to the readings
 * on standard input, a number a line. */
#include <gru.h>
#include <stdio.h>
#include <stdlib.h>

enum { VALUES_MAX = 4096 };

static double x[VALUES_MAX], y[VALUES_MAX];

static size_t read_numbers(void)
{
    size_t n = 0;
    while (n < VALUES_MAX && scanf("%lf", &x[n]) == 1) {
        n++;
    }
    return n;
}

static int predict(const struct gru_model *model, struct gru_work *work)
{
    const struct gru_info *info = gru_model_info(model);
    struct gru_lane lane = { .x = x, .n_rows = read_numbers() / info->n_inputs, .y = y };
    if (lane.n_rows * info->y_floats > VALUES_MAX || gru_run(model, work, &lane, 1) != GRU_OK ||
        lane.status != GRU_OK) {
        return EXIT_FAILURE;
    }
    for (size_t k = 0; k < lane.n_rows * info->y_floats; k++) {
        printf("%.9g\n", y[k]);
    }
    return EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
    struct gru_model *model;
    struct gru_work *work;
    struct gru_error error;
    if (argc != 2 || gru_model_load_file(argv[1], &model, &error) != GRU_OK) {
        fprintf(stderr, "predict: %s\n", argc == 2 ? error.message : "usage: predict MODEL");
        return EXIT_FAILURE;
    }
    if (gru_work_create(&work) != GRU_OK) {
        return EXIT_FAILURE;
    }
    int code = predict(model, work);
    gru_work_free(work);
    gru_model_unref(model);
    return code;
}
