#include "codec/put_session_errors.h"

#include "codec/put.h"

static const char frame[] =
    "{\"n\":[],\"mae\":,\"rmse\":,\"mase\":,\"recent_mae\":[],\"intervals\":[]}";
static const char level_frame[] = "{\"level\":,\"coverage\":[],\"recent_coverage\":[],"
                                  "\"observed\":[],\"width\":[]},";

size_t put_session_errors_max(const struct session *session)
{
    const size_t n_outputs = gru_model_info(session->gru)->n_outputs,
                 n_always =
                     sizeof frame + n_outputs * (JSON_INT_MAX + 1) + 3 * PUT_ROW_MAX(n_outputs);
    const struct session_figures *figures = session->figures;
    if (!figures || figures->n_ahead == 0) {
        return n_always;
    }
    const size_t n_rows = figures->n_ahead * PUT_ROW_MAX(n_outputs),
                 n_level = sizeof level_frame + JSON_FLOAT_MAX + n_rows +
                           figures->n_ahead * (PUT_FLOATS_MAX(2) + JSON_INT_MAX + 1);
    return n_always + n_rows + figures->levels.n * n_level;
}

static char *put_level(char *p, const struct session_figures *figures, size_t level,
                       size_t n_outputs)
{
    const size_t n = figures->n_ahead;
    const struct interval_coverage *of = figures->coverage + level * n;
    p = PUT_LITERAL(p, "{\"level\":");
    p = json_print_float(p, (float)figures->levels.level[level]);
    p = PUT_LITERAL(p, ",\"coverage\":[");
    for (size_t ahead = 0; ahead < n; ahead++) {
        p = json_print_float(p, (float)of[ahead].covered);
        *p++ = ',';
    }
    p = PUT_LITERAL(p - 1, "],\"recent_coverage\":[");
    for (size_t ahead = 0; ahead < n; ahead++) {
        p = json_print_float(p, (float)of[ahead].recent);
        *p++ = ',';
    }
    p = PUT_LITERAL(p - 1, "],\"observed\":[");
    for (size_t ahead = 0; ahead < n; ahead++) {
        p = put_unsigned(p, of[ahead].n_scored);
        *p++ = ',';
    }
    p = PUT_LITERAL(p - 1, "],\"width\":");
    p = put_rows(p, figures->widths + level * n * n_outputs, n, n_outputs, n_outputs);
    *p++ = '}';
    return p;
}

static char *put_figures(char *p, const struct session_figures *figures, size_t n_outputs)
{
    p = PUT_LITERAL(p, ",\"mase\":");
    p = put_row(p, figures->mase, n_outputs);
    p = PUT_LITERAL(p, ",\"recent_mae\":");
    p = put_rows(p, figures->recent_mae, figures->n_ahead, n_outputs, n_outputs);
    p = PUT_LITERAL(p, ",\"intervals\":[");
    for (size_t level = 0; level < figures->levels.n; level++) {
        p = put_level(p, figures, level, n_outputs);
        *p++ = ',';
    }
    p -= figures->levels.n > 0;
    *p++ = ']';
    return p;
}

char *put_session_errors(char *p, const struct session *session)
{
    const size_t n_outputs = gru_model_info(session->gru)->n_outputs;
    p = PUT_LITERAL(p, "{\"n\":[");
    for (size_t o = 0; o < n_outputs; o++) {
        p = put_unsigned(p, session->errors.n[o]);
        *p++ = ',';
    }
    p = PUT_LITERAL(p - 1, "],\"mae\":");
    p = put_row(p, session->errors.mae, n_outputs);
    p = PUT_LITERAL(p, ",\"rmse\":");
    p = put_row(p, session->errors.rmse, n_outputs);
    p = session->figures ? put_figures(p, session->figures, n_outputs) : p;
    *p++ = '}';
    return p;
}
