/* predictions.c - whole sequences and forecasts, from their beginning to their end
 * (service_support.h). */
#include "service/service_support.h"
#include "test.h"

enum status prediction_make(struct world *world, struct prediction *prediction, struct arena *arena,
                            size_t slice_rows)
{
    enum status status = predict_begin(prediction, arena, &world->fault);
    return status == STATUS_OK ? prediction_finish(world, prediction, slice_rows) : status;
}

enum status prediction_finish(struct world *world, struct prediction *prediction, size_t slice_rows)
{
    enum status status = STATUS_OK;
    prediction->slice_rows = slice_rows > 0 ? slice_rows : prediction->slice_rows;
    while (status == STATUS_OK && prediction->n_rows_left > 0) {
        size_t n_before = prediction->n_rows_left;
        status = predict_go_on(world->context, prediction, &world->fault);
        ck_assert(status != STATUS_OK || prediction->n_rows_left < n_before);
    }
    predict_end(prediction);
    return status;
}

void forecast_begin(struct world *world, struct arena *arena, const char *session,
                    const struct forecast_options *forecast_options,
                    struct session_forecast *ret_forecast)
{
    ck_assert_int_eq(session_forecast_begin(world->context, world_model(world), session,
                                            forecast_options, arena, ret_forecast, &world->fault),
                     STATUS_OK);
}
