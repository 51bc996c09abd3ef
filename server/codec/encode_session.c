/* encode_session.c - sessions: a row of the list, and the whole of one. */
#include "base/clock.h"
#include "codec/calibration_fields.h"
#include "codec/put.h"
#include "codec/put_session_errors.h"

enum {
    SECONDS_MAX = JSON_INT_MAX + 4, /* with the milliseconds */
    ROW_FRAME = 128,
    TIME_MAX = sizeof "{\"last_at\":,\"restarted\":true}" + JSON_DOUBLE_MAX + JSON_INT_MAX
};

#define ROW_MAX                                                                                    \
    (ROW_FRAME + PUT_STRING_MAX(SESSION_ID_MAX) + PUT_STRING_MAX(MODEL_NAME_MAX) +                 \
     2 * JSON_INT_MAX + 3 * SECONDS_MAX)

/* Unix seconds, with milliseconds where there are some. */
static char *put_time(char *p, int64_t time_ms)
{
    p = json_print_int(p, time_ms / 1000);
    int rest = (int)(time_ms % 1000);
    if (rest > 0) {
        *p++ = '.';
        for (int unit = 100; rest > 0; unit /= 10) {
            *p++ = (char)('0' + rest / unit);
            rest %= unit;
        }
    }
    return p;
}

/* {"session":...,"expires_at":... without the closing brace; at most ROW_MAX bytes. model: NULL, or
 * to be said. */
static char *put_row_members(char *p, const struct session_row *row, const char *model)
{
    p = PUT_LITERAL(p, "{");
    if (model) {
        p = PUT_LITERAL(p, "\"model\":");
        p = put_string(p, model);
        *p++ = ',';
    }
    p = PUT_LITERAL(p, "\"session\":");
    p = put_string(p, row->session);
    p = PUT_LITERAL(p, ",\"step\":");
    p = put_unsigned(p, row->step);
    p = PUT_LITERAL(p, ",\"version\":");
    p = put_unsigned(p, row->version);
    p = PUT_LITERAL(p, ",\"created_at\":");
    p = put_time(p, clock_wall_of(row->created_at_ms));
    p = PUT_LITERAL(p, ",\"last_seen_at\":");
    p = put_time(p, clock_wall_of(row->last_seen_at_ms));
    p = PUT_LITERAL(p, ",\"expires_at\":");
    return row->expires_at_ms == 0 ? PUT_LITERAL(p, "null")
                                   : put_time(p, clock_wall_of(row->expires_at_ms));
}

static void append_row(struct text *text, const struct session_row *row, const char *model)
{
    char *p = text_reserve(text, ROW_MAX);
    if (p != NULL) {
        p = put_row_members(p, row, model);
        *p++ = '}';
        put_end(text, p);
    }
}

/* Text of the characters of names and ids, which JSON leaves as they are. */
static char *put_word(char *p, const char *word)
{
    return put_bytes(p, word, strlen(word));
}

/* ,"next":"...": what names the last row's place in the list. */
static void append_next(struct text *text, const struct session_query *query,
                        const struct session_row *last)
{
    char *p = text_reserve(text, ROW_MAX);
    if (p == NULL) {
        return;
    }
    p = PUT_LITERAL(p, ",\"next\":\"");
    if (query->order == SESSIONS_BY_LAST_SEEN) {
        p = put_time(p, clock_wall_of(last->last_seen_at_ms));
        *p++ = '/';
    }
    if (query->names_models) {
        p = put_word(p, last->model);
        *p++ = '/';
    }
    p = put_word(p, last->session);
    *p++ = '"';
    put_end(text, p);
}

void codec_put_session_list(struct text *text, const struct session_query *query,
                            const struct session_row *rows, size_t n, bool has_more)
{
    static const char more[] = "],\"has_more\":true", no_more[] = "],\"has_more\":false";
    text_append(text, "{\"sessions\":[", strlen("{\"sessions\":["));
    for (size_t i = 0; i < n; i++) {
        append_row(text, &rows[i], query->names_models ? rows[i].model : NULL);
        text_append(text, ",", i + 1 < n);
    }
    text_append(text, has_more ? more : no_more, (has_more ? sizeof more : sizeof no_more) - 1);
    if (has_more && n > 0) {
        append_next(text, query, &rows[n - 1]);
    }
    text_append(text, "}", 1);
}

/* The state by its parts: the hidden state, a layer per row; ... */
static char *put_layers(char *p, const struct gru_model *gru, const float *state)
{
    size_t n_layers = gru_model_info(gru)->n_layers;
    *p++ = '[';
    for (size_t i = 0; i < n_layers; i++) {
        size_t n = gru_state_layer_floats(gru, i);
        p = put_floats(p, state, n);
        *p++ = ',';
        state += n;
    }
    p[-1] = ']';
    return p;
}

static char *put_last(char *p, const struct gru_model *gru, const float *state)
{
    const struct gru_info *info = gru_model_info(gru);
    *p++ = '[';
    for (size_t i = 0; i < info->n_inputs; i++) {
        p = json_print_real(p, info->is_wide, gru_state_last(gru, state, i));
        *p++ = ',';
    }
    p[-1] = ']';
    return p;
}

static char *put_y(char *p, const struct gru_model *gru, const float *state)
{
    const struct gru_info *info = gru_model_info(gru);
    *p++ = '[';
    for (size_t k = 0; k < info->y_floats; k++) {
        p = json_print_real(p, info->is_wide, gru_state_y(gru, state, k));
        *p++ = ',';
    }
    p[-1] = ']';
    return p;
}

static size_t n_transform_values(const struct gru_model *gru)
{
    size_t n = 0;
    for (size_t i = 0; i < gru_model_info(gru)->n_inputs; i++) {
        n += gru_state_transform_values(gru, i);
    }
    return n;
}

/* ,"transforms":[[...],[]], a row an input; nothing, where none has a transform. */
static char *put_transforms(char *p, const struct gru_model *gru, const float *state)
{
    const struct gru_info *info = gru_model_info(gru);
    if (n_transform_values(gru) == 0) {
        return p;
    }
    p = PUT_LITERAL(p, ",\"transforms\":[");
    for (size_t i = 0; i < info->n_inputs; i++) {
        const size_t n = gru_state_transform_values(gru, i);
        *p++ = '[';
        for (size_t k = 0; k < n; k++) {
            p = json_print_real(p, info->is_wide, gru_state_transform(gru, state, i, k));
            *p++ = k + 1 < n ? ',' : ']';
        }
        if (n == 0) {
            *p++ = ']';
        }
        *p++ = ',';
    }
    p[-1] = ']';
    return p;
}

/* What PUT reads again; of the three only one can be. At most TIME_MAX bytes. */
static char *put_session_time(char *p, const struct session_time *time)
{
    if (!time->is_known) {
        return PUT_LITERAL(p, "null");
    }
    p = PUT_LITERAL(p, "{\"last_at\":");
    p = json_print_double(p, time->last_at);
    if (time->n_filled > 0) {
        p = PUT_LITERAL(p, ",\"filled\":");
        p = put_unsigned(p, time->n_filled);
    } else if (time->is_restarted) {
        p = PUT_LITERAL(p, ",\"restarted\":true");
    } else if (time->is_untimed) {
        p = PUT_LITERAL(p, ",\"untimed\":true");
    }
    *p++ = '}';
    return p;
}

void codec_put_session(struct text *text, const struct session *session)
{
    static const char frame[] = ",\"state\":,\"digest\":,\"ttl\":,\"time\":,\"last\":,\"y\":,"
                                "\"transforms\":,\"readings\":,\"errors\":"
                                ",\"calibration\":}";
    const struct gru_model *gru = session->gru;
    const struct gru_info *info = gru_model_info(gru);
    size_t n_rows = info->n_layers + session->n_readings + info->n_inputs + 5;
    size_t n_values =
        info->y_floats + n_transform_values(gru) + (session->n_readings + 1) * info->n_inputs;
    char digest[DIGEST_TEXT];
    char *p =
        text_reserve(text, ROW_MAX + sizeof frame + sizeof digest + 2 * JSON_INT_MAX + TIME_MAX +
                               PUT_FLOATS_MAX(info->state_floats) + PUT_VALUES_MAX(n_values) +
                               n_rows * PUT_ROW_MAX(0) + put_session_errors_max(session) +
                               calibration_fields_max(info, &session->calibration));
    if (p == NULL) {
        return;
    }
    digest_print(session->digest, digest);
    p = put_row_members(p, &session->row, NULL);
    p = PUT_LITERAL(p, ",\"state\":");
    p = put_layers(p, gru, session->state);
    p = PUT_LITERAL(p, ",\"digest\":");
    p = put_string(p, digest);
    p = PUT_LITERAL(p, ",\"ttl\":");
    p = session->ttl_s < 0 ? PUT_LITERAL(p, "null") : json_print_int(p, session->ttl_s);
    p = PUT_LITERAL(p, ",\"time\":");
    p = put_session_time(p, &session->time);
    p = PUT_LITERAL(p, ",\"last\":");
    p = put_last(p, gru, session->state);
    p = PUT_LITERAL(p, ",\"y\":");
    p = put_y(p, gru, session->state);
    p = put_transforms(p, gru, session->state);
    p = PUT_LITERAL(p, ",\"readings\":");
    p = put_rows(p, info, session->readings, session->n_readings, info->n_inputs);
    p = PUT_LITERAL(p, ",\"errors\":");
    p = put_session_errors(p, session);
    p = PUT_LITERAL(p, ",\"calibration\":");
    p = calibration_fields_put(p, info, &session->calibration);
    *p++ = '}';
    put_end(text, p);
}
