#include "service/sessions/outlook.h"

#include "gru.h"
#include "service/service_private.h"
#include "service/sessions/session_calibration.h"
#include "service/sessions/sessions.h"

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory to forecast");
}

/* What it says by itself it can always say. */
static size_t n_rows_of(const struct gru_model *gru, size_t n_ahead)
{
    const struct gru_info *info = gru_model_info(gru);
    const bool can_roll = info->n_feeds > 0 && gru_future_rows(gru, n_ahead) == 0;
    return can_roll || n_ahead < info->steps ? n_ahead : info->steps;
}

static enum status look(struct service_context *context, const struct session *session,
                        size_t n_ahead, struct arena *arena, struct outlook *ret_outlook,
                        struct fault *fault)
{
    const struct gru_info *info = gru_model_info(session->gru);
    size_t n = n_rows_of(session->gru, n_ahead);
    double *forecast = arena_array(arena, n * info->n_outputs, sizeof *forecast);
    if (!forecast) {
        return no_memory(fault);
    }
    enum gru_status status =
        gru_forecast(session->gru, context->work, session->state, n, NULL, 0, forecast);
    if (status != GRU_OK && status != GRU_NO_MEMORY && n > info->steps) {
        n = info->steps; /* the roll-out leaves the range of finite numbers */
        status = gru_forecast(session->gru, context->work, session->state, n, NULL, 0, forecast);
    }
    if (status == GRU_NO_MEMORY) {
        return no_memory(fault);
    }
    n = status == GRU_OK ? n : 0;
    atomic_fetch_add_explicit(&context->service->counters.n_forecast_rows, n, memory_order_relaxed);
    *ret_outlook = (struct outlook){ .info = info, .n_rows = n, .forecast = forecast };
    return STATUS_OK;
}

enum status session_outlook(struct service_context *context, const struct model *model,
                            const char *id, size_t n_ahead, struct arena *arena,
                            struct outlook *ret_outlook, struct fault *fault)
{
    struct session session;
    struct session_intervals own;
    struct outlook outlook;
    enum status status = session_read(context, model, id, arena, &session, fault);
    if (status == STATUS_OK) {
        status = look(context, &session, n_ahead, arena, &outlook, fault);
    }
    if (status == STATUS_OK && outlook.n_rows > 0 && session.calibration.levels.n > 0) {
        session_calibration_view(outlook.info, &session.calibration, &own);
        if (interval_replies_room(&own.levels, outlook.n_rows, outlook.info->n_outputs, arena,
                                  &outlook.intervals)) {
            interval_replies_fill(&outlook.intervals, &own.tail.tracker, outlook.forecast);
        } else {
            status = no_memory(fault);
        }
    }
    if (status == STATUS_OK) {
        *ret_outlook = outlook;
    }
    return status;
}
