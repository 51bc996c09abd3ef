/* decode_job_lines.c - training series in lines of their own, after the job: application/x-ndjson.
 */
#include "codec/codec.h"
#include "codec/series.h"

#include <stdio.h>
#include <string.h>

struct job_lines {
    struct arena *arena;
    struct codec_limits limits;
    struct gru_info info; /* of the model when the upload began, as far as series depend on it */
    struct series_list list;
};

static struct gru_variable *copy_variables(struct arena *arena,
                                           const struct gru_variable *variables, size_t n)
{
    struct gru_variable *copy = arena_array(arena, n, sizeof *copy);
    return copy != NULL ? memcpy(copy, variables, n * sizeof *copy) : NULL;
}

struct job_lines *codec_job_lines(const struct gru_info *info, const struct codec_limits *limits,
                                  const struct job_target *target, struct arena *arena)
{
    struct job_lines *lines = arena_alloc(arena, sizeof *lines);
    if (lines == NULL) {
        return NULL;
    }
    lines->arena = arena;
    lines->limits = *limits;
    lines->info = *info;
    lines->info.inputs = copy_variables(arena, info->inputs, info->n_inputs);
    lines->info.outputs = copy_variables(arena, info->outputs, info->n_outputs);
    if (lines->info.inputs == NULL || lines->info.outputs == NULL) {
        return NULL;
    }
    series_init(&lines->list, &lines->info, target->loss);
    return lines;
}

enum status codec_job_line(struct job_lines *lines, size_t number, const char *json, size_t n,
                           struct fault *fault)
{
    struct fault own = { .status = STATUS_OK };
    const struct codec_input input = {
        .json = json, .n = n, .limits = lines->limits, .arena = lines->arena, .fault = &own
    };
    struct reader r;
    reader_init(&r, &input);
    r.whole = "the series";
    size_t index = lines->list.n;
    enum status status = reader_end(&r, series_read_one(&r, &lines->list));
    if (status == STATUS_OK) {
        return STATUS_OK;
    }
    if (status == STATUS_REQUEST_TOO_LARGE || status == STATUS_NO_MEMORY) {
        *fault = own;
        return status;
    }
    char param[sizeof own.param + 32] = "";
    if (status != STATUS_INVALID_JSON || own.param[0] != '\0') {
        const char *dot = own.param[0] != '\0' ? "." : "";
        snprintf(param, sizeof param, "training.series[%zu]%s%s", index, dot, own.param);
    }
    return fault_set(fault, status, param, "line %zu: %s", number, own.message);
}

enum status codec_job_lines_end(const struct job_lines *lines, const struct gru_info *info,
                                struct job_request *request, struct fault *fault)
{
    if (lines->list.n == 0) {
        return fault_set(fault, STATUS_MISSING_FIELD, "training.series",
                         "training.series is empty: each line after the first is a series");
    }
    const struct gru_info *then = &lines->info;
    if (info->n_inputs != then->n_inputs || info->n_outputs != then->n_outputs ||
        info->steps != then->steps) {
        return fault_set(fault, STATUS_INCOMPATIBLE_MODEL, "model",
                         "model has changed while its training data were uploaded");
    }
    request->source = JOB_SERIES;
    request->series = lines->list.series;
    request->n_series = lines->list.n;
    return STATUS_OK;
}
