#include "codec/put_session_errors.h"

#include "codec/base64.h"
#include "codec/put.h"

enum { MEANS_FORMAT = 1, WORD_MAX = 32 }; /* of a measure, with what is around it */

static const char frame[] = "{\"n\":[],\"recent\":{},\"recent_mae\":[],\"intervals\":[],\"means\":"
                            "{\"format\":1,\"season\":,\"bytes\":\"\"}}";
static const char level_frame[] = "{\"level\":,\"coverage\":[],\"recent_coverage\":[],"
                                  "\"observed\":[],\"width\":[],\"recent\":{}},";

/* From the first one up to before the other. */
struct measures {
    enum error_measure first, end;
};
static const struct measures of_forecasts = { ERROR_MAE, ERROR_COVERAGE },
                             beyond_rmse = { ERROR_SMAPE, ERROR_COVERAGE },
                             of_intervals = { ERROR_MEAN_WIDTH, ERROR_N_MEASURES };

static size_t measures_max(size_t n_outputs)
{
    return ERROR_N_MEASURES * (WORD_MAX + PUT_ROW_MAX(n_outputs));
}

size_t put_session_errors_max(const struct session *session)
{
    const size_t n_outputs = gru_model_info(session->gru)->n_outputs,
                 n_always = sizeof frame + JSON_INT_MAX + n_outputs * (JSON_INT_MAX + 1) +
                            2 * measures_max(n_outputs) +
                            base64_length(session_errors_bytes(n_outputs, session->errors.season));
    const struct session_figures *figures = session->figures;
    if (!figures || figures->n_ahead == 0) {
        return n_always;
    }
    const size_t n_rows = figures->n_ahead * PUT_ROW_MAX(n_outputs),
                 n_level = sizeof level_frame + JSON_FLOAT_MAX + n_rows +
                           2 * measures_max(n_outputs) +
                           figures->n_ahead * (PUT_FLOATS_MAX(2) + JSON_INT_MAX + 1);
    return n_always + n_rows + figures->levels.n * n_level;
}

/* [[f,...],...]: n_columns of each row. */
static char *put_float_rows(char *p, const float *values, size_t n_rows, size_t n_columns)
{
    *p++ = '[';
    for (size_t i = 0; i < n_rows; i++) {
        p = put_floats(p, values + i * n_columns, n_columns);
        *p++ = ',';
    }
    p -= n_rows > 0;
    *p++ = ']';
    return p;
}

/* "mae":[...],...: a value of each output, without a comma behind the last. */
static char *put_measures(char *p, const struct error_figures *of_outputs, size_t n_outputs,
                          const struct measures *measures)
{
    for (enum error_measure measure = measures->first; measure < measures->end; measure++) {
        p = put_string(p, error_measure_word(measure));
        p = PUT_LITERAL(p, ":[");
        for (size_t o = 0; o < n_outputs; o++) {
            p = json_print_float(p, (float)of_outputs[o].values[measure]);
            *p++ = ',';
        }
        p = PUT_LITERAL(p - 1, "],");
    }
    return p - 1;
}

static char *put_told(char *p, const struct session_figures *figures, size_t level,
                      size_t n_outputs, enum error_span span)
{
    return put_measures(p, figures->of_intervals[span] + level * n_outputs, n_outputs,
                        &of_intervals);
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
    p = put_float_rows(p, figures->widths + level * n * n_outputs, n, n_outputs);
    *p++ = ',';
    p = put_told(p, figures, level, n_outputs, ERROR_SPAN_ALL);
    p = PUT_LITERAL(p, ",\"recent\":{");
    p = put_told(p, figures, level, n_outputs, ERROR_SPAN_RECENT);
    return PUT_LITERAL(p, "}}");
}

/* Without the means over all that are said already. */
static char *put_figures(char *p, const struct session_figures *figures, size_t n_outputs)
{
    *p++ = ',';
    p = put_measures(p, figures->of_outputs[ERROR_SPAN_ALL], n_outputs, &beyond_rmse);
    p = PUT_LITERAL(p, ",\"recent\":{");
    p = put_measures(p, figures->of_outputs[ERROR_SPAN_RECENT], n_outputs, &of_forecasts);
    p = PUT_LITERAL(p, "},\"recent_mae\":");
    p = put_float_rows(p, figures->recent_mae, figures->n_ahead, n_outputs);
    p = PUT_LITERAL(p, ",\"intervals\":[");
    for (size_t level = 0; level < figures->levels.n; level++) {
        p = put_level(p, figures, level, n_outputs);
        *p++ = ',';
    }
    p -= figures->levels.n > 0;
    *p++ = ']';
    return p;
}

/* For PUT. */
static char *put_means(char *p, const struct session_errors *errors, size_t n_outputs)
{
    p = PUT_LITERAL(p, ",\"means\":{\"format\":");
    p = put_unsigned(p, MEANS_FORMAT);
    p = PUT_LITERAL(p, ",\"season\":");
    p = put_unsigned(p, errors->season);
    p = PUT_LITERAL(p, ",\"bytes\":\"");
    p = base64_print(p, errors->means, session_errors_bytes(n_outputs, errors->season));
    return PUT_LITERAL(p, "\"}");
}

char *put_session_errors(char *p, const struct session *session)
{
    const size_t n_outputs = gru_model_info(session->gru)->n_outputs;
    const struct session_errors *errors = &session->errors;
    p = PUT_LITERAL(p, "{\"n\":[");
    for (size_t o = 0; o < n_outputs; o++) {
        p = put_unsigned(p, errors->n[o]);
        *p++ = ',';
    }
    p = PUT_LITERAL(p - 1, "],\"mae\":");
    p = put_floats(p, errors->mae, n_outputs);
    p = PUT_LITERAL(p, ",\"rmse\":");
    p = put_floats(p, errors->rmse, n_outputs);
    p = session->figures ? put_figures(p, session->figures, n_outputs) : p;
    p = errors->means ? put_means(p, errors, n_outputs) : p;
    *p++ = '}';
    return p;
}
