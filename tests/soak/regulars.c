/*
 * regulars.c - sessions that stay for the whole soak, and what libgru says to each of their steps.
 *
 * Those of `regular` have a state of libgru's own beside them, so every y and every forecast is
 * compared. The versions of `shifting` change at moments that a client does not know; what must
 * hold there is that after a switch-over a session's state is that of its last readings in the new
 * version.
 */
#include "caller.h"

#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_SESSIONS = 8, HORIZON_MAX = 24, ROWS_MAX = 120, TEXT_MAX = 8192, NAP_MS = 2 };

struct regular {
    uint64_t n_steps; /* of each of the two */
    uint64_t n_shifting;
    float *state;                    /* in regular */
    double history[HISTORY][INPUTS]; /* in shifting: a ring */
};

struct regulars {
    struct caller caller;
    uint64_t number; /* in the names of the sessions */
    struct gru_work *work;
    struct regular sessions[N_SESSIONS];
    char text[TEXT_MAX];
};

static const struct gru_model *regular_gru(const struct regulars *regulars)
{
    return regulars->caller.soak->regular.gru;
}

static void run(struct regulars *regulars, const struct gru_model *gru, struct gru_lane *lane)
{
    ck_assert_int_eq(gru_run(gru, regulars->work, lane, 1), GRU_OK);
    ck_assert_int_eq(lane->status, GRU_OK);
}

static void choose_reading(struct caller *caller, double x[INPUTS])
{
    for (size_t k = 0; k < INPUTS; k++) {
        x[k] = caller_choose(caller, 20) == 0 ? (double)NAN : caller_reading(caller);
    }
}

/* ---- sessions of one version ---- */

static void expect_forecast(struct regulars *regulars, const struct gru_model *gru,
                            const float *state, const char *answer, size_t horizon)
{
    double forecast[HORIZON_MAX * OUTPUTS];
    ck_assert_int_eq(gru_forecast(gru, regulars->work, state, horizon, NULL, 0, forecast), GRU_OK);
    numbers_expect(answer, "forecast", forecast, horizon * OUTPUTS);
    regulars->caller.soak->n_compared += horizon * OUTPUTS;
}

/* A client that did not hear the answer asks again, and must hear the same. */
static void repeat(struct regulars *regulars, const char *path, const struct answer *answer)
{
    struct answer again =
        caller_ask(&regulars->caller, KIND_STEP_AGAIN, "200", "POST", path, regulars->text);
    ck_assert_str_eq(again.body, answer->body);
    answer_free(&again);
}

/* The step of libgru's own state beside the session. */
static void step_beside(struct regulars *regulars, size_t k, const double x[INPUTS],
                        double y[OUTPUTS])
{
    float *state = regulars->sessions[k].state;
    struct gru_lane lane = { .state_in = state, .state_out = state, .x = x, .n_rows = 1, .y = y };
    run(regulars, regular_gru(regulars), &lane);
}

static void step_regular(struct regulars *regulars, size_t k)
{
    struct caller *caller = &regulars->caller;
    struct regular *session = &regulars->sessions[k];
    char path[128], row[ROW_TEXT];
    double x[INPUTS], y[OUTPUTS];
    size_t horizon = caller_choose(caller, 3) == 0 ? caller_choose(caller, HORIZON_MAX) + 1 : 0;
    choose_reading(caller, x);
    row_print(row, sizeof row, x);
    snprintf(path, sizeof path, REGULAR "/sessions/regular-%d-%zu/step", (int)regulars->number, k);
    int n = snprintf(regulars->text, TEXT_MAX, "{\"x\":%s,\"seq\":%zu", row,
                     (size_t)++session->n_steps);
    if (horizon > 0) {
        n += snprintf(regulars->text + n, TEXT_MAX - (size_t)n, ",\"horizon\":%zu", horizon);
    }
    snprintf(regulars->text + n, TEXT_MAX - (size_t)n, "}");
    struct answer answer = caller_ask(caller, horizon > 0 ? KIND_STEP_AHEAD : KIND_STEP, "200",
                                      "POST", path, regulars->text);
    step_beside(regulars, k, x, y);
    numbers_expect(answer.body, "y", y, OUTPUTS);
    caller->soak->n_compared += OUTPUTS;
    if (horizon > 0) {
        expect_forecast(regulars, regular_gru(regulars), session->state, answer.body, horizon);
    }
    if (caller_choose(caller, 8) == 0) {
        repeat(regulars, path, &answer);
    }
    answer_free(&answer);
}

/* Lost readings: libgru takes missing ones. */
static void fill(struct regulars *regulars, size_t k)
{
    enum { LOST_MAX = 5 };
    const double missing[INPUTS] = { NAN, NAN };
    struct caller *caller = &regulars->caller;
    struct regular *session = &regulars->sessions[k];
    char path[128], row[ROW_TEXT];
    double x[INPUTS], y[OUTPUTS];
    size_t n_lost = session->n_steps > 0 ? caller_choose(caller, LOST_MAX) + 1 : 0;
    for (size_t t = 0; t < n_lost; t++) {
        step_beside(regulars, k, missing, y);
    }
    choose_reading(caller, x);
    step_beside(regulars, k, x, y);
    session->n_steps += n_lost + 1;
    row_print(row, sizeof row, x);
    snprintf(path, sizeof path, REGULAR "/sessions/regular-%d-%zu/step", (int)regulars->number, k);
    snprintf(regulars->text, TEXT_MAX, "{\"x\":%s,\"seq\":%zu,\"begin\":true,\"fill\":true}", row,
             (size_t)session->n_steps);
    struct answer answer = caller_ask(caller, KIND_STEP_FILL, "200", "POST", path, regulars->text);
    numbers_expect(answer.body, "y", y, OUTPUTS);
    caller->soak->n_compared += OUTPUTS;
    answer_free(&answer);
}

/* A batch of lines, each with its seq. When it is sent again, each line has been done: the last one
 * of each session gets its answer again, the others are said to be repeated. */
static void send_lines(struct regulars *regulars, size_t n, double y[][OUTPUTS])
{
    static const char type[] = "application/x-ndjson";
    const bool is_again = y == NULL;
    struct caller *caller = &regulars->caller;
    struct answer answer =
        caller_ask_typed(caller, is_again ? KIND_LINES_AGAIN : KIND_STEPS_LINES, "200", "POST",
                         REGULAR "/steps", type, regulars->text, strlen(regulars->text));
    const char *line = answer.body;
    for (size_t k = 0; k < n; k++) {
        ck_assert_msg(strncmp(line, "{\"session\":", 11) == 0, "line %zu: %.600s", k, line);
        if (!is_again) {
            numbers_expect(line, "y", y[k], OUTPUTS);
            caller->soak->n_compared += OUTPUTS;
        }
        line += strcspn(line, "\n") + 1;
    }
    ck_assert_msg(*line == '\0', "more than %zu lines: %.600s", n, line);
    answer_free(&answer);
}

static void step_lines(struct regulars *regulars, size_t unused)
{
    enum { LINES_MAX = 24 };
    struct caller *caller = &regulars->caller;
    double x[INPUTS], y[LINES_MAX][OUTPUTS];
    size_t n_lines = caller_choose(caller, LINES_MAX) + 1, n = 0;
    (void)unused;
    for (size_t t = 0; t < n_lines; t++) {
        char row[ROW_TEXT];
        size_t k = caller_choose(caller, N_SESSIONS);
        choose_reading(caller, x);
        row_print(row, sizeof row, x);
        step_beside(regulars, k, x, y[t]);
        n += (size_t)snprintf(regulars->text + n, TEXT_MAX - n,
                              "{\"session\":\"regular-%d-%zu\",\"x\":%s,\"seq\":%zu}\n",
                              (int)regulars->number, k, row,
                              (size_t)++regulars->sessions[k].n_steps);
    }
    send_lines(regulars, n_lines, y);
    if (caller_choose(caller, 4) == 0) {
        send_lines(regulars, n_lines, NULL);
    }
}

/* A session is put over itself, and goes on as if nothing had happened. */
static void put_back(struct regulars *regulars, size_t k)
{
    struct caller *caller = &regulars->caller;
    char path[128];
    if (regulars->sessions[k].n_steps == 0) {
        return;
    }
    snprintf(path, sizeof path, REGULAR "/sessions/regular-%d-%zu", (int)regulars->number, k);
    struct answer answer = caller_ask(caller, KIND_SESSION_GET, "200", "GET", path, NULL);
    caller_tell(caller, KIND_SESSION_PUT, "200", "PUT", path, answer.body);
    answer_free(&answer);
}

static void look_ahead(struct regulars *regulars, size_t k)
{
    char path[128];
    size_t horizon = caller_choose(&regulars->caller, HORIZON_MAX) + 1;
    if (regulars->sessions[k].n_steps == 0) {
        return;
    }
    snprintf(path, sizeof path, REGULAR "/sessions/regular-%d-%zu/forecast", (int)regulars->number,
             k);
    snprintf(regulars->text, TEXT_MAX, "{\"horizon\":%zu}", horizon);
    struct answer answer =
        caller_ask(&regulars->caller, KIND_FORECAST, "200", "POST", path, regulars->text);
    expect_forecast(regulars, regular_gru(regulars), regulars->sessions[k].state, answer.body,
                    horizon);
    answer_free(&answer);
}

/* A whole sequence, which keeps no session. */
static void predict(struct regulars *regulars, size_t k)
{
    static const char path[] = REGULAR "/predict";
    struct caller *caller = &regulars->caller;
    double x[ROWS_MAX][INPUTS], y[ROWS_MAX][OUTPUTS];
    size_t n_rows = caller_choose(caller, ROWS_MAX) + 1;
    size_t n = (size_t)snprintf(regulars->text, TEXT_MAX, "{\"x\":[");
    (void)k;
    for (size_t t = 0; t < n_rows; t++) {
        choose_reading(caller, x[t]);
        regulars->text[n] = ',';
        n += t > 0;
        n += row_print(regulars->text + n, TEXT_MAX - n, x[t]);
    }
    snprintf(regulars->text + n, TEXT_MAX - n, "]}");
    struct answer answer = caller_ask(caller, KIND_PREDICT, "200", "POST", path, regulars->text);
    struct gru_lane lane = { .x = x[0], .n_rows = n_rows, .y = y[0] };
    run(regulars, regular_gru(regulars), &lane);
    numbers_expect(answer.body, "y", y[0], n_rows * OUTPUTS);
    caller->soak->n_compared += n_rows * OUTPUTS;
    answer_free(&answer);
}

/* ---- sessions whose version changes ---- */

static void step_shifting(struct regulars *regulars, size_t k)
{
    struct regular *session = &regulars->sessions[k];
    char path[128], row[ROW_TEXT];
    double *x = session->history[session->n_shifting % HISTORY];
    choose_reading(&regulars->caller, x);
    row_print(row, sizeof row, x);
    snprintf(path, sizeof path, SHIFTING "/sessions/shifting-%d-%zu/step", (int)regulars->number,
             k);
    snprintf(regulars->text, TEXT_MAX, "{\"x\":%s,\"seq\":%zu,\"horizon\":2}", row,
             (size_t)++session->n_shifting);
    caller_tell(&regulars->caller, KIND_STEP_AHEAD, "200", "POST", path, regulars->text);
}

/* The state that the last readings lead to. */
static void replay(struct regulars *regulars, const struct regular *session,
                   const struct gru_model *gru, float *state)
{
    double x[HISTORY][INPUTS], y[HISTORY][OUTPUTS];
    size_t n = session->n_shifting < HISTORY ? session->n_shifting : HISTORY;
    for (size_t t = 0; t < n; t++) {
        memcpy(x[t], session->history[(session->n_shifting - n + t) % HISTORY], sizeof x[t]);
    }
    struct gru_lane lane = { .state_out = state, .x = x[0], .n_rows = n, .y = y[0] };
    run(regulars, gru, &lane);
}

static void finish_shifting(struct regulars *regulars, size_t k)
{
    const struct gru_model *gru = regulars->caller.soak->shifts[0].gru;
    const struct regular *session = &regulars->sessions[k];
    char path[128];
    if (session->n_shifting == 0) {
        return;
    }
    float *state = malloc(gru_model_info(gru)->state_floats * sizeof *state);
    ck_assert_ptr_nonnull(state);
    replay(regulars, session, gru, state);
    snprintf(path, sizeof path, SHIFTING "/sessions/shifting-%d-%zu/forecast",
             (int)regulars->number, k);
    snprintf(regulars->text, TEXT_MAX, "{\"horizon\":%d}", HORIZON_MAX);
    struct answer answer =
        caller_ask(&regulars->caller, KIND_FORECAST, "200", "POST", path, regulars->text);
    expect_forecast(regulars, gru, state, answer.body, HORIZON_MAX);
    answer_free(&answer);
    free(state);
}

/* ---- life ---- */

void *regulars_run(void *place)
{
    static void (*const actions[])(struct regulars *, size_t k) = {
        step_regular, step_regular, step_regular, step_shifting, look_ahead,
        predict,      fill,         step_lines,   step_lines,    put_back
    };
    const struct place *mine = place;
    struct regulars *regulars = calloc(1, sizeof *regulars);
    ck_assert_ptr_nonnull(regulars);
    regulars->caller = caller_create(mine);
    regulars->number = mine->number;
    ck_assert_int_eq(gru_work_create(&regulars->work), GRU_OK);
    for (size_t k = 0; k < N_SESSIONS; k++) {
        const struct gru_model *gru = regular_gru(regulars);
        regulars->sessions[k].state = malloc(gru_model_info(gru)->state_floats * sizeof(float));
        ck_assert_ptr_nonnull(regulars->sessions[k].state);
        gru_state_init(gru, regulars->sessions[k].state);
    }
    while (!mine->soak->is_over) {
        size_t k = caller_choose(&regulars->caller, N_SESSIONS);
        actions[caller_choose(&regulars->caller, sizeof actions / sizeof *actions)](regulars, k);
        soak_nap_ms(NAP_MS);
    }
    caller_done(&regulars->caller);
    return regulars;
}

void regulars_finish(void *context)
{
    struct regulars *regulars = context;
    for (size_t k = 0; k < N_SESSIONS; k++) {
        look_ahead(regulars, k);
        finish_shifting(regulars, k);
        free(regulars->sessions[k].state);
    }
    caller_done(&regulars->caller);
    gru_work_free(regulars->work);
    free(regulars);
}
