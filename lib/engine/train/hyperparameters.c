/* The hyper-parameters: their defaults, their ranges, and what fits together, all from the table of
 * gru.h. */
#include "engine/train/hyperparameters.h"
#include "engine/buffer.h"
#include "engine/model.h"
#include "engine/train/loss.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum type { SIZE, REAL, CHOICE };

/* A row of the table. */
struct row {
    const char *parent, *name; /* "hyperparameters", "<field>" */
    enum type type;
    bool none;    /* 0 is allowed, and means none */
    size_t where; /* in struct gru_hyperparameters */
    double least, most;
    const char *words; /* of a CHOICE: "a|b|c" */
};

static const struct row rows[] = {
#define ROW(parent, name, field, type, default_value, none, least, most, words)                    \
    { parent, name, type, none, offsetof(struct gru_hyperparameters, field), least, most, words },
#define SINGLE_ROW(field, ...) ROW("hyperparameters", #field, field, __VA_ARGS__)
#define SCHEDULE_ROW(field, ...)                                                                   \
    ROW("hyperparameters.schedule", &#field[GRU_SCHEDULE_PREFIX], field, __VA_ARGS__)
#define SAMPLING_ROW(field, ...)                                                                   \
    ROW("hyperparameters.sampling", &#field[GRU_SAMPLING_PREFIX], field, __VA_ARGS__)
    GRU_SINGLE_HYPERPARAMETERS(SINGLE_ROW) GRU_SCHEDULE_HYPERPARAMETERS(SCHEDULE_ROW)
        GRU_SAMPLING_HYPERPARAMETERS(SAMPLING_ROW)
#undef SAMPLING_ROW
#undef SCHEDULE_ROW
#undef SINGLE_ROW
#undef ROW
};

struct path {
    char text[96];
};

static struct path path_of(const struct row *row)
{
    struct path path;
    snprintf(path.text, sizeof path.text, "%s.%s", row->parent, row->name);
    return path;
}

void gru_hyperparameters_init(struct gru_hyperparameters *hyperparameters)
{
    *hyperparameters = (struct gru_hyperparameters){
#define DEFAULT(field, type, default_value, ...) .field = (default_value),
        GRU_HYPERPARAMETERS(DEFAULT)
#undef DEFAULT
    };
}

/* ---- ranges ---- */

static enum gru_status check_size(const struct row *row, size_t value, struct gru_error *error)
{
    if ((row->none && value == 0) || (value >= (size_t)row->least && value <= (size_t)row->most)) {
        return GRU_OK;
    }
    const struct path path = path_of(row);
    return gru_fail(error, GRU_BAD_TRAINING, path.text, "'%s' must be from %.0f to %.0f%s, not %zu",
                    path.text, row->least, row->most, row->none ? ", or none" : "", value);
}

static enum gru_status check_real(const struct row *row, double value, struct gru_error *error)
{
    if ((row->none && value == 0) ||
        (value >= row->least && value <= row->most)) { /* false for NaN */
        return GRU_OK;
    }
    const struct path path = path_of(row);
    return gru_fail(error, GRU_BAD_TRAINING, path.text,
                    "'%s' must be a number from %g to %g%s, not %g", path.text, row->least,
                    row->most, row->none ? ", or none" : "", value);
}

static enum gru_status check_choice(const struct row *row, int value, struct gru_error *error)
{
    if (value >= (int)row->least && value <= (int)row->most) {
        return GRU_OK;
    }
    const struct path path = path_of(row);
    return gru_fail(error, GRU_BAD_TRAINING, path.text, "'%s' must be one of %s, not number %d",
                    path.text, row->words, value);
}

static enum gru_status check_row(const struct row *row,
                                 const struct gru_hyperparameters *hyperparameters,
                                 struct gru_error *error)
{
    const char *field = (const char *)hyperparameters + row->where;
    switch (row->type) {
    case SIZE:
        return check_size(row, *(const size_t *)(const void *)field, error);
    case REAL:
        return check_real(row, *(const double *)(const void *)field, error);
    case CHOICE:
        break;
    }
    return check_choice(row, *(const int *)(const void *)field, error);
}

/* ---- what fits together ---- */

static const char loss_param[] = "hyperparameters.loss";

/* The activation that a loss of logits has in itself. */
static enum gru_activation activation_within(enum gru_loss loss)
{
    return loss == GRU_BCE ? GRU_SIGMOID : GRU_SOFTMAX;
}

/* A loss that takes logits needs its own activation, or none, of the read-out and of each head. */
static enum gru_status check_logits(const struct gru_info *info, enum gru_loss loss,
                                    struct gru_error *error)
{
    const char *needed = gru_activation_name(activation_within(loss));
    const char *word = loss == GRU_BCE ? "bce" : "cross_entropy";
    for (size_t k = 0; k < (info->n_heads > 0 ? info->n_heads : 1); k++) {
        const enum gru_activation activation =
            info->n_heads > 0 ? info->heads[k].activation : info->activation;
        char head[32] = "";
        if (info->n_heads > 0) {
            snprintf(head, sizeof head, " of heads[%zu]", k);
        }
        if (activation != activation_within(loss) && activation != GRU_LINEAR) {
            return gru_fail(error, GRU_BAD_TRAINING, loss_param,
                            "the loss '%s' needs a model whose activation%s is %s or linear, not "
                            "%s",
                            word, head, needed, gru_activation_name(activation));
        }
    }
    return GRU_OK;
}

static enum gru_status check_loss(const struct gru_info *info, enum gru_loss loss,
                                  struct gru_error *error)
{
    if (!gru_loss_takes_logits(loss)) {
        return GRU_OK;
    }
    enum gru_status status = check_logits(info, loss, error);
    if (status != GRU_OK) {
        return status;
    }
    for (size_t i = 0; i < info->n_inputs; i++) {
        if (info->inputs[i].transform.kind != GRU_TRANSFORM_NONE) {
            return gru_fail(
                error, GRU_BAD_TRAINING, loss_param,
                "the loss '%s' needs outputs that are probabilities, but '%s' forecasts "
                "the transformed input '%s'",
                loss == GRU_BCE ? "bce" : "cross_entropy",
                gru_show(info->outputs[info->inputs[i].feeds].name).text,
                gru_show(info->inputs[i].name).text);
        }
    }
    if (loss == GRU_CROSS_ENTROPY && info->n_heads > 1) {
        return gru_fail(error, GRU_BAD_TRAINING, loss_param,
                        "the loss 'cross_entropy' needs a model whose outputs are the classes of "
                        "one decision, not %zu heads",
                        info->n_heads);
    }
    if (loss == GRU_CROSS_ENTROPY && info->n_outputs < 2) {
        return gru_fail(
            error, GRU_BAD_TRAINING, loss_param,
            "the loss 'cross_entropy' needs a model with an output for each class, at least 2");
    }
    return GRU_OK;
}

/* What is of some schedules alone has its default with another. */
static enum gru_status check_schedule(const struct gru_hyperparameters *h, struct gru_error *error)
{
    struct gru_hyperparameters defaults;
    gru_hyperparameters_init(&defaults);
    const bool is_step = h->schedule_type == GRU_STEP, is_plateau = h->schedule_type == GRU_PLATEAU;
    const struct {
        const char *param, *of;
        bool is_wrong;
    } fields[] = {
        { "hyperparameters.schedule.step_epochs", "schedule 'step'",
          !is_step && h->schedule_step_epochs != defaults.schedule_step_epochs },
        { "hyperparameters.schedule.factor", "schedules 'step' and 'plateau'",
          !is_step && !is_plateau && h->schedule_factor != defaults.schedule_factor },
        { "hyperparameters.schedule.patience", "schedule 'plateau'",
          !is_plateau && h->schedule_patience != defaults.schedule_patience },
    };
    for (size_t k = 0; k < sizeof fields / sizeof *fields; k++) {
        if (fields[k].is_wrong) {
            return gru_fail(error, GRU_BAD_TRAINING, fields[k].param,
                            "'%s' is of the %s only; leave it out with another, or say the type",
                            fields[k].param, fields[k].of);
        }
    }
    return GRU_OK;
}

static enum gru_status check_class_weights(const struct gru_hyperparameters *h,
                                           const struct gru_info *info, struct gru_error *error)
{
    static const char param[] = "hyperparameters.class_weights";
    if (h->class_weighting == GRU_CLASSES_ALIKE) {
        return GRU_OK;
    }
    if (h->loss != GRU_CROSS_ENTROPY) {
        return gru_fail(error, GRU_BAD_TRAINING, param,
                        "'%s' are of the loss 'cross_entropy' only; leave them out with another",
                        param);
    }
    size_t n = 0;
    while (n < GRU_CLASS_WEIGHTS_MAX && h->class_weights[n] > 0 && isfinite(h->class_weights[n])) {
        n++;
    }
    if (h->class_weighting == GRU_CLASSES_GIVEN && n != info->n_outputs) {
        return gru_fail(error, GRU_BAD_TRAINING, param,
                        "'%s' must be \"balanced\", or a number above 0 for each class: %zu, not "
                        "%zu",
                        param, info->n_outputs, n);
    }
    return GRU_OK;
}

static enum gru_status check_output_weights(const struct gru_hyperparameters *h,
                                            const struct gru_info *info, struct gru_error *error)
{
    static const char param[] = "hyperparameters.output_weights";
    double most = 0;
    if (h->n_output_weights == 0) {
        return GRU_OK;
    }
    if (h->loss == GRU_CROSS_ENTROPY) {
        return gru_fail(error, GRU_BAD_TRAINING, param,
                        "'%s' are of losses that compare each output; with 'cross_entropy' leave "
                        "them out, and weigh classes by 'class_weights'",
                        param);
    }
    if (h->n_output_weights < 0 || h->n_output_weights > GRU_OUTPUT_WEIGHTS_MAX ||
        (size_t)h->n_output_weights != info->n_outputs) {
        return gru_fail(error, GRU_BAD_TRAINING, param,
                        "'%s' must be a number of at least 0 for each output: %zu, not %d", param,
                        info->n_outputs, h->n_output_weights);
    }
    for (int k = 0; k < h->n_output_weights; k++) {
        const double weight = h->output_weights[k];
        if (!(weight >= 0 && isfinite(weight))) {
            char of_one[sizeof param + 16];
            snprintf(of_one, sizeof of_one, "%s[%d]", param, k);
            return gru_fail(error, GRU_BAD_TRAINING, of_one,
                            "'%s' must be a number of at least 0, not %g", of_one, weight);
        }
        most = weight > most ? weight : most;
    }
    return most > 0 ? GRU_OK
                    : gru_fail(error, GRU_BAD_TRAINING, param,
                               "'%s' must have one above 0; leave them out where all outputs "
                               "count alike",
                               param);
}

static enum gru_status check_sampling(const struct gru_hyperparameters *h, struct gru_error *error)
{
    static const char burn_in[] = "hyperparameters.sampling.burn_in",
                      per_epoch[] = "hyperparameters.sampling.per_epoch";
    const bool has_burn_in = h->sampling_burn_in > 0;
    if (h->sampling_length == 0 && (has_burn_in || h->sampling_per_epoch > 0)) {
        const char *param = has_burn_in ? burn_in : per_epoch;
        return gru_fail(error, GRU_BAD_TRAINING, param,
                        "'%s' is of stretches that are drawn; say their "
                        "'hyperparameters.sampling.length', too, or leave it out",
                        param);
    }
    if (h->sampling_length > 0 && h->sampling_burn_in >= h->sampling_length) {
        return gru_fail(
            error, GRU_BAD_TRAINING, burn_in,
            "'%s' must be below 'hyperparameters.sampling.length', %zu, or no row has a "
            "loss; not %zu",
            burn_in, h->sampling_length, h->sampling_burn_in);
    }
    return GRU_OK;
}

static enum gru_status check_horizon(const struct gru_hyperparameters *h,
                                     const struct gru_info *info, struct gru_error *error)
{
    static const char param[] = "hyperparameters.horizon_loss";
    if (h->horizon_loss <= info->steps) {
        return GRU_OK;
    }
    if (info->n_feeds == 0) {
        return gru_fail(error, GRU_BAD_TRAINING, param,
                        "'%s' is %zu, but the model's outputs feed none of its inputs, so it "
                        "forecasts no further than its own %zu %s ahead; leave it out",
                        param, h->horizon_loss, info->steps, info->steps == 1 ? "row" : "rows");
    }
    if (gru_loss_takes_logits((enum gru_loss)h->loss)) {
        return gru_fail(error, GRU_BAD_TRAINING, param,
                        "'%s' is of the losses 'mse', 'mae' and 'huber' only; leave it out with "
                        "another",
                        param);
    }
    return GRU_OK;
}

enum gru_status gru_hyperparameters_check(const struct gru_hyperparameters *hyperparameters,
                                          const struct gru_model *model, struct gru_error *error)
{
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        enum gru_status status = check_row(&rows[k], hyperparameters, error);
        if (status != GRU_OK) {
            return status;
        }
    }
    if (hyperparameters->momentum != 0 && hyperparameters->optimizer != GRU_SGD) {
        return gru_fail(
            error, GRU_BAD_TRAINING, "hyperparameters.momentum",
            "'hyperparameters.momentum' is of the optimizer 'sgd' only; with another it must be "
            "0, not %g",
            hyperparameters->momentum);
    }
    enum gru_status status = check_schedule(hyperparameters, error);
    if (status == GRU_OK) {
        status = check_loss(&model->info, (enum gru_loss)hyperparameters->loss, error);
    }
    if (status == GRU_OK) {
        status = check_class_weights(hyperparameters, &model->info, error);
    }
    if (status == GRU_OK) {
        status = check_sampling(hyperparameters, error);
    }
    if (status == GRU_OK) {
        status = check_horizon(hyperparameters, &model->info, error);
    }
    return status == GRU_OK ? check_output_weights(hyperparameters, &model->info, error) : status;
}

/* ---- as numbers ---- */

void gru_hyperparameters_words(const struct gru_hyperparameters *hyperparameters,
                               uint64_t words[GRU_N_HYPERPARAMETERS])
{
    for (size_t n = 0; n < GRU_N_HYPERPARAMETERS; n++) {
        const char *field = (const char *)hyperparameters + rows[n].where;
        words[n] = 0;
        memcpy(&words[n], field, rows[n].type == CHOICE ? sizeof(int) : sizeof words[n]);
    }
}
