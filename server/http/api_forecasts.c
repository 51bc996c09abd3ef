/* api_forecasts.c - the forecasts of single sessions, for Prometheus. On a disk's thread: each is a
 * roll-out, and no step waits for it. */
#include "http/api.h"
#include "http/figure.h"

#include <math.h>
#include <string.h>

enum { SESSIONS_DEFAULT = 1000, SESSIONS_MAX = 10000, ROWS_MAX = 100000 };

/* A family, whose samples must follow one another. */
struct family {
    const char *name, *help;
    struct text text;
};

enum { YHAT, YHAT_LOWER, YHAT_UPPER, N_FAMILIES };

struct forecasts {
    struct request *request;
    const char *prefix;
    size_t n_ahead;
    struct session_row *rows; /* [n_left], used again for each model */
    size_t n_left;            /* sessions that may still be printed */
    size_t n_rows_left;       /* of forecasts */
    struct arena scratch;     /* of one session */
    struct family families[N_FAMILIES];
};

/* ---- samples ---- */

/* level NAN: it has none; a value that is none has no sample. */
static void put_sample(struct family *family, const char *model, const char *session,
                       const char *output, size_t ahead, double level, double value)
{
    struct text *text = &family->text;
    if (!isfinite(value)) {
        return;
    }
    text_print(text, "%s{model=\"%s\",session=\"%s\",output=\"", family->name, model, session);
    figure_put_text(text, output);
    text_print(text, "\",ahead=\"%zu\"", ahead);
    if (!isnan(level)) {
        text_print(text, ",level=\"%.15g\"", level);
    }
    text_print(text, "} %.9g\n", value);
}

static void put_outlook(struct forecasts *forecasts, const char *model, const char *session,
                        const struct outlook *outlook)
{
    const size_t n_outputs = outlook->n_rows > 0 ? outlook->info->n_outputs : 0;
    for (size_t k = 0; k < outlook->n_rows * n_outputs; k++) {
        const char *output = outlook->info->outputs[k % n_outputs].name;
        const size_t ahead = 1 + k / n_outputs;
        put_sample(&forecasts->families[YHAT], model, session, output, ahead, NAN,
                   outlook->forecast[k]);
        for (size_t i = 0; i < outlook->intervals.n; i++) {
            const struct interval_reply *reply = &outlook->intervals.of[i];
            put_sample(&forecasts->families[YHAT_LOWER], model, session, output, ahead,
                       reply->level, reply->lower[k]);
            put_sample(&forecasts->families[YHAT_UPPER], model, session, output, ahead,
                       reply->level, reply->upper[k]);
        }
    }
}

/* ---- sessions ---- */

/* One that ends meanwhile has no sample. */
static enum status put_session(struct forecasts *forecasts, const struct model *model,
                               const char *id)
{
    struct request *request = forecasts->request;
    struct outlook outlook;
    enum status status = session_outlook(request->context, model, id, forecasts->n_ahead,
                                         &forecasts->scratch, &outlook, request->fault);
    if (status == STATUS_OK) {
        put_outlook(forecasts, model->name, id, &outlook);
    }
    arena_reset(&forecasts->scratch);
    return status == STATUS_SESSION_NOT_FOUND || status_http(status) == 410 ? STATUS_OK : status;
}

static enum status put_model(struct forecasts *forecasts, const struct model *model)
{
    struct request *request = forecasts->request;
    const struct session_query query = { .model = model,
                                         .prefix = forecasts->prefix,
                                         .limit = forecasts->n_left };
    size_t n = 0;
    bool has_more;
    enum status status = query.limit > 0 ? session_list(request->context, &query, forecasts->rows,
                                                        &n, &has_more, request->fault)
                                         : STATUS_OK;
    if (status == STATUS_OK && n * forecasts->n_ahead > forecasts->n_rows_left) {
        return fault_set(request->fault, STATUS_INVALID_VALUE, "ahead",
                         "all sessions together have at most %d rows here, and %zu of model '%s' "
                         "times %zu ahead are more; set `limit` or `ahead` lower",
                         ROWS_MAX, n, model->name, forecasts->n_ahead);
    }
    for (size_t k = 0; k < n && status == STATUS_OK; k++) {
        status = put_session(forecasts, model, forecasts->rows[k].session);
    }
    forecasts->n_left -= n;
    forecasts->n_rows_left -= n * forecasts->n_ahead;
    return status;
}

static enum status put_models(struct forecasts *forecasts)
{
    struct request *request = forecasts->request;
    const char *name = request_query(request, "model");
    const struct model *model;
    enum status status = STATUS_OK;
    if (name) {
        status = model_find(request->context, name, &model, request->fault);
        return status == STATUS_OK ? put_model(forecasts, model) : status;
    }
    size_t n;
    const struct model *const *models = models_list(request->context, &n);
    for (size_t k = 0; k < n && status == STATUS_OK; k++) {
        status = put_model(forecasts, models[k]);
    }
    return status;
}

/* ---- the reply ---- */

static enum status read_queries(struct forecasts *forecasts)
{
    struct request *request = forecasts->request;
    enum status status = api_limit(request, SESSIONS_DEFAULT, SESSIONS_MAX, &forecasts->n_left);
    if (status == STATUS_OK) {
        status = api_number(request, "ahead", 1, request->config->horizon_max, &forecasts->n_ahead);
    }
    if (status == STATUS_OK) {
        status = api_id_query(request, "prefix", &forecasts->prefix);
    }
    return status;
}

static enum status reply(struct forecasts *forecasts)
{
    struct text *all = &forecasts->families[YHAT].text;
    for (size_t k = YHAT + 1; k < N_FAMILIES; k++) {
        const struct text *text = &forecasts->families[k].text;
        text_append(all, text->p, text->n);
        all->failed = all->failed || text->failed;
    }
    return api_reply(forecasts->request, 200, all);
}

enum status api_forecasts(struct request *request)
{
    struct forecasts forecasts = {
        .request = request,
        .n_rows_left = ROWS_MAX,
        .families = { [YHAT] = { "grud_yhat", "The forecast, so many steps ahead of now." },
                      [YHAT_LOWER] = { "grud_yhat_lower", "Lower bound of its interval." },
                      [YHAT_UPPER] = { "grud_yhat_upper", "Upper bound of its interval." } }
    };
    enum status status = read_queries(&forecasts);
    if (status != STATUS_OK) {
        return status;
    }
    forecasts.rows = arena_array(request->arena, forecasts.n_left, sizeof *forecasts.rows);
    if (!forecasts.rows) {
        return fault_set(request->fault, STATUS_NO_MEMORY, NULL, "no memory for this request");
    }
    for (size_t k = 0; k < N_FAMILIES; k++) {
        struct family *family = &forecasts.families[k];
        text_init(&family->text, request->arena, 4096);
        figure_put_head(&family->text, family->name, FIGURE_GAUGE, family->help);
    }
    arena_init(&forecasts.scratch, request->arena->cap);
    forecasts.scratch.total = request->arena->total;
    status = put_models(&forecasts);
    arena_done(&forecasts.scratch);
    return status == STATUS_OK ? reply(&forecasts) : status;
}
