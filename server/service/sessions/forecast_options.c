#include "service/sessions/forecast_options.h"

#include "base/digest.h"
#include "service/service_private.h"

enum status forecast_options_fault(const struct gru_model *gru, enum gru_status status,
                                   const struct forecast_options *forecast_options,
                                   struct fault *fault)
{
    switch (status) {
    case GRU_NO_ROLL_OUT:
        return fault_set(fault, STATUS_HORIZON_NOT_SUPPORTED, "horizon",
                         "no output of this model feeds an input, so it cannot forecast beyond its "
                         "own %zu step%s",
                         gru_model_info(gru)->steps, gru_model_info(gru)->steps == 1 ? "" : "s");
    case GRU_BAD_FUTURE:
        return fault_set(fault, STATUS_WRONG_LENGTH, "future",
                         "a horizon of %zu needs %zu rows of known future inputs, got %zu",
                         forecast_options->horizon, gru_future_rows(gru, forecast_options->horizon),
                         forecast_options->n_future_rows);
    case GRU_NO_READING:
        return fault_set(fault, STATUS_NO_READING, NULL,
                         "the session has had no reading yet to forecast from");
    case GRU_MISSING_INPUT:
        return fault_set(
            fault, STATUS_MISSING_INPUT, "future",
            "a known future input is missing, and the model's policy is to refuse that");
    case GRU_NON_FINITE:
        return fault_set(fault, STATUS_NON_FINITE_RESULT, "horizon",
                         "the forecast leaves the range of finite numbers");
    default:
        return fault_set(fault, status_of_gru(status), NULL, "%s", gru_status_text(status));
    }
}

uint64_t forecast_options_columns(const struct gru_info *info)
{
    uint64_t columns = 0;
    for (size_t i = 0; i < info->n_inputs; i++) {
        const unsigned char is_known = info->inputs[i].feeds < 0;
        columns = digest_64(&is_known, sizeof is_known, columns);
    }
    return columns;
}

size_t forecast_options_rows(const struct gru_info *info,
                             const struct forecast_options *forecast_options)
{
    if (forecast_options->horizon > 0) {
        return forecast_options->horizon;
    }
    return info->steps > 1 ? info->steps : 0;
}

enum status forecast_options_room(const struct gru_info *info,
                                  const struct forecast_options *forecast_options,
                                  struct arena *arena, double **ret_forecast, size_t *ret_n,
                                  struct fault *fault)
{
    size_t n = forecast_options_rows(info, forecast_options);
    if (forecast_options->n_future_rows > 0 &&
        forecast_options->future_columns != forecast_options_columns(info)) {
        return fault_set(
            fault, STATUS_INCOMPATIBLE_MODEL, "future",
            "a version was activated meanwhile whose outputs feed other inputs, so that these "
            "values do not fit; send them for that version");
    }
    double *forecast = n > 0 ? arena_array(arena, n * info->n_outputs, sizeof *forecast) : NULL;
    if (n > 0 && !forecast) {
        return fault_no_room(fault, arena->is_full, "horizon",
                             "a forecast of %zu rows is more than a reply may hold", n);
    }
    *ret_forecast = forecast;
    *ret_n = n;
    return STATUS_OK;
}

enum status forecast_options_run(struct service_context *context, const struct gru_model *gru,
                                 const float *state,
                                 const struct forecast_options *forecast_options,
                                 struct arena *arena, double **ret_forecast, size_t *ret_n,
                                 struct fault *fault)
{
    enum status status = forecast_options_room(gru_model_info(gru), forecast_options, arena,
                                               ret_forecast, ret_n, fault);
    if (status != STATUS_OK || *ret_n == 0) {
        return status;
    }
    enum gru_status failure =
        gru_forecast(gru, context->work, state, *ret_n, forecast_options->future,
                     forecast_options->n_future_rows, *ret_forecast);
    if (failure != GRU_OK) {
        return forecast_options_fault(gru, failure, forecast_options, fault);
    }
    atomic_fetch_add_explicit(&context->service->counters.n_forecast_rows, *ret_n,
                              memory_order_relaxed);
    return STATUS_OK;
}
