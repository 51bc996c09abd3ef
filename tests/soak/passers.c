/*
 * passers.c - sessions that come and go, in a model with room for a tenth of them: any client may
 * create, feed, copy, restore, or end any of them at any time, so each may be there, be gone for
 * good (404), or have been ended by the daemon (410: expired, or evicted by a newer one).
 */
#include "caller.h"

#include "test.h"

#include <stdio.h>
#include <string.h>

enum { N_IDS = 1000, N_RECORDED = 20, BATCH_MAX = 16, TEXT_MAX = 8192, NAP_MS = 2 };

struct passers {
    struct caller caller;
    char path[128], text[TEXT_MAX];
};

/* A path below a session that is chosen anew. */
static void choose_session(struct passers *passers, const char *below)
{
    snprintf(passers->path, sizeof passers->path, PASSING "/sessions/passer-%d%s",
             (int)caller_choose(&passers->caller, N_IDS), below);
}

/* {"x":[...]} without the brace at its end, of a session of that name where one is given. */
static size_t print_step(struct passers *passers, char *out, size_t size, const char *session)
{
    char row[ROW_TEXT];
    const double x[INPUTS] = { caller_reading(&passers->caller), caller_reading(&passers->caller) };
    row_print(row, sizeof row, x);
    int n = session ? snprintf(out, size, "{\"session\":\"%s\",\"x\":%s", session, row)
                    : snprintf(out, size, "{\"x\":%s", row);
    ck_assert(n > 0 && (size_t)n < size);
    return (size_t)n;
}

/* One that was ended stays so until somebody says that it may begin anew. */
static void step(struct passers *passers)
{
    choose_session(passers, "/step");
    size_t n = print_step(passers, passers->text, TEXT_MAX, NULL);
    memcpy(passers->text + n, "}", 2);
    if (caller_tell(&passers->caller, KIND_STEP, "200 410", "POST", passers->path, passers->text) ==
        410) {
        *strrchr(passers->path, '/') = '\0';
        caller_tell(&passers->caller, KIND_SESSION_DELETE, "204 404", "DELETE", passers->path,
                    NULL);
    }
}

/* Several in one request, some of them twice; each gets a result of its own. */
static void steps(struct passers *passers)
{
    struct caller *caller = &passers->caller;
    const bool in_lines = caller_choose(caller, 2) == 0;
    const size_t n_steps = caller_choose(caller, BATCH_MAX) + 1;
    const bool to_learn_from = caller_choose(caller, 2) == 0;
    size_t n = in_lines ? 0 : (size_t)sprintf(passers->text, "{\"steps\":[");
    for (size_t k = 0; k < n_steps; k++) {
        char session[32];
        snprintf(session, sizeof session, "passer-%d",
                 (int)caller_choose(caller, to_learn_from ? N_RECORDED : N_IDS));
        passers->text[n] = ',';
        n += !in_lines && k > 0;
        n += print_step(passers, passers->text + n, TEXT_MAX - n, session);
        n += (size_t)snprintf(passers->text + n, TEXT_MAX - n, in_lines ? "}\n" : "}");
    }
    n += in_lines ? 0 : (size_t)snprintf(passers->text + n, TEXT_MAX - n, "]}");
    struct answer answer =
        caller_ask_typed(caller, in_lines ? KIND_STEPS_LINES : KIND_STEPS, "200", "POST",
                         to_learn_from ? LEARNER "/steps" : PASSING "/steps",
                         in_lines ? "application/x-ndjson" : NULL, passers->text, n);
    size_t n_answered = 0;
    for (const char *at = answer.body; (at = strpbrk(at, "ye")); at++) {
        n_answered += strncmp(at, "y\":[", 4) == 0 || strncmp(at, "error\":{", 8) == 0;
    }
    ck_assert_msg(n_answered == n_steps, "%zu results of %zu: %.600s", n_answered, n_steps,
                  answer.body);
    answer_free(&answer);
}

static void create(struct passers *passers)
{
    choose_session(passers, "");
    snprintf(passers->text, TEXT_MAX, "{\"ttl\":%d}", (int)caller_choose(&passers->caller, 3) + 1);
    caller_tell(&passers->caller, KIND_SESSION_PUT, "200 201", "PUT", passers->path, passers->text);
}

/* What GET gave is PUT under another name. */
static void restore(struct passers *passers)
{
    choose_session(passers, "");
    struct answer answer =
        caller_ask(&passers->caller, KIND_SESSION_GET, "200 404 410", "GET", passers->path, NULL);
    if (answer.code == 200) {
        choose_session(passers, "");
        caller_tell(&passers->caller, KIND_SESSION_PUT, "200 201", "PUT", passers->path,
                    answer.body);
    }
    answer_free(&answer);
}

static void fork_one(struct passers *passers)
{
    choose_session(passers, "/fork");
    snprintf(passers->text, TEXT_MAX, "{\"to\":\"passer-%d\"}",
             (int)caller_choose(&passers->caller, N_IDS));
    caller_tell(&passers->caller, KIND_SESSION_FORK, "201 404 409 410", "POST", passers->path,
                passers->text);
}

/* 422: it was created, and has had no reading. */
static void forecast(struct passers *passers)
{
    choose_session(passers, "/forecast");
    caller_tell(&passers->caller, KIND_FORECAST, "200 404 410 422", "POST", passers->path,
                "{\"horizon\":3}");
}

static void end_one(struct passers *passers)
{
    choose_session(passers, "");
    caller_tell(&passers->caller, KIND_SESSION_DELETE, "204 404", "DELETE", passers->path, NULL);
}

static void list(struct passers *passers)
{
    caller_tell(&passers->caller, KIND_SESSION_LIST, "200", "GET",
                PASSING "/sessions?prefix=passer-4&limit=50&after=passer-42", NULL);
}

static void look(struct passers *passers)
{
    static const char *const paths[] = { "/healthz", "/readyz", "/metrics", "/v1", "/v1/models" };
    caller_tell(&passers->caller, KIND_SYSTEM, "200", "GET",
                paths[caller_choose(&passers->caller, sizeof paths / sizeof *paths)], NULL);
}

void *passers_run(void *place)
{
    static void (*const actions[])(struct passers *) = { step,     step,    step,    steps,
                                                         steps,    create,  restore, fork_one,
                                                         forecast, end_one, list,    look };
    const struct place *mine = place;
    struct passers passers = { .caller = caller_create(mine) };
    while (!mine->soak->is_over) {
        actions[caller_choose(&passers.caller, sizeof actions / sizeof *actions)](&passers);
        soak_nap_ms(NAP_MS);
    }
    caller_done(&passers.caller);
    return NULL;
}
