/* See scaler_tensors.h. */
#include "engine/file/scaler_tensors.h"
#include "engine/buffer.h"
#include "engine/fail.h"

#include <stdio.h>
#include <string.h>

/* What a line can show, and what is looked at. */
enum { SHOWN_BYTES = 320, VALUES_MAX = 64 };

/* What is subtracted, and what is divided by. MinMaxScaler's range is the difference of two. */
enum scaler_part { PART_MEAN, PART_STD, PART_LEAST, PART_MOST, N_PARTS };

/* How their names end, in Python's habits and scikit-learn's. */
static const struct {
    const char *end;
    enum scaler_part part;
} ends[] = {
    { "mean", PART_MEAN }, { "mean_", PART_MEAN },     { "mu", PART_MEAN },
    { "std", PART_STD },   { "std_", PART_STD },       { "scale_", PART_STD },
    { "sigma", PART_STD }, { "scale", PART_STD },      { "data_min_", PART_LEAST },
    { "min", PART_LEAST }, { "data_max_", PART_MOST }, { "max", PART_MOST },
};

/* The tensors of the scaler of one side; NULL: none. */
struct scaler {
    const struct tensor_view *parts[N_PARTS];
};

/* "x_mean" ends in "mean" as a word of its own, "running_mean" is a norm's. */
static bool ends_in_word(const char *name, const char *end)
{
    const size_t n = strlen(name), n_end = strlen(end);
    if (n < n_end || strcmp(name + n - n_end, end) != 0 || strstr(name, "running_")) {
        return false;
    }
    return n == n_end || name[n - n_end - 1] == '.' || name[n - n_end - 1] == '_';
}

static bool is_of_outputs(const char *name)
{
    static const char *const words[] = { "y_", "target", "output", "label" };
    bool is = false;
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        is = is || strstr(name, words[k]);
    }
    return is;
}

static bool is_row(const struct tensor_view *tensor)
{
    return tensor->n_values >= 1 && tensor->n_values <= VALUES_MAX && tensor->n_dims <= 2 &&
           (tensor->n_dims < 2 || tensor->dims[0] == 1) && tensor->dtype <= DTYPE_BF16;
}

/* Of the inputs, and of the outputs. */
static void find_scalers(const struct safetensors *file, struct scaler scalers[2])
{
    for (size_t k = 0; k < file->n_tensors; k++) {
        const struct tensor_view *tensor = &file->tensors[k];
        struct scaler *scaler = &scalers[is_of_outputs(tensor->name)];
        for (size_t e = 0; is_row(tensor) && e < sizeof ends / sizeof *ends; e++) {
            if (ends_in_word(tensor->name, ends[e].end) && !scaler->parts[ends[e].part]) {
                scaler->parts[ends[e].part] = tensor;
                break;
            }
        }
    }
}

/* The two tensors that say it: mean and std, or least and most. */
static bool find_pair(const struct scaler *scaler, const struct tensor_view *ret_pair[2],
                      bool *ret_is_range)
{
    for (int is_range = 0; is_range < 2; is_range++) {
        const struct tensor_view *first = scaler->parts[is_range ? PART_LEAST : PART_MEAN];
        const struct tensor_view *second = scaler->parts[is_range ? PART_MOST : PART_STD];
        if (first && second && first->n_values == second->n_values) {
            ret_pair[0] = first;
            ret_pair[1] = second;
            *ret_is_range = is_range;
            return true;
        }
    }
    return false;
}

/* "inputs":[{"mean":20,"std":5}]; false: the numbers are none of a scaling. */
static bool put_side(struct file_text *out, const char *key,
                     const struct tensor_view *const pair[2], bool is_range)
{
    float first[VALUES_MAX], second[VALUES_MAX];
    if (gru_tensor_values(pair[0], first, NULL) != GRU_OK ||
        gru_tensor_values(pair[1], second, NULL) != GRU_OK) {
        return false;
    }
    gru_text_puts(out, out->n > 1 ? ",\"" : "\"");
    gru_text_puts(out, key);
    for (size_t k = 0; k < pair[0]->n_values; k++) {
        const float std = is_range ? second[k] - first[k] : second[k];
        gru_text_puts(out, k > 0 ? ",{\"mean\":" : "\":[{\"mean\":");
        gru_text_put_float(out, first[k]);
        gru_text_puts(out, ",\"std\":");
        gru_text_put_float(out, std);
        gru_text_puts(out, "}");
        if (!(std > 0)) {
            return false;
        }
    }
    gru_text_puts(out, "]");
    return true;
}

bool gru_scaler_diagnose(const struct safetensors *file, struct gru_error *error)
{
    static const char *const keys[] = { "inputs", "outputs" };
    struct scaler scalers[2] = { { .parts = { NULL } } };
    const struct tensor_view *pair[2], *named[2] = { NULL };
    struct file_text line = { 0 };
    bool is_range, is_fine = true;
    find_scalers(file, scalers);
    gru_text_puts(&line, "{");
    for (size_t side = 0; side < 2; side++) {
        if (find_pair(&scalers[side], pair, &is_range)) {
            is_fine = is_fine && put_side(&line, keys[side], pair, is_range);
            memcpy(named, pair, sizeof named);
        }
    }
    gru_text_puts(&line, "}");
    is_fine = is_fine && named[0] && !line.failed;
    if (is_fine) {
        const bool is_short = line.n <= SHOWN_BYTES;
        (void)gru_fail(error, GRU_BAD_TENSORS, gru_show(named[0]->name).text,
                       "tensors '%s' and '%s' are of a scaler, which stands in the metadata: leave "
                       "them out of the file, and say there as \"grud\" %s%.*s%s",
                       gru_show(named[0]->name).text, gru_show(named[1]->name).text,
                       is_short ? "" : "the mean and std of each input and output: ",
                       (int)(is_short ? line.n : SHOWN_BYTES), line.p, is_short ? "" : "…");
    }
    gru_text_done(&line);
    return is_fine;
}
