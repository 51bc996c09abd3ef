/*
 * keeper.c - who looks after the versions of `shifting`: uploads one, activates any, downloads any,
 * deletes those that are too many, and now and then does what must be refused. The only one who
 * changes them, so every status is known beforehand.
 */
#include "caller.h"

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSIONS_MAX = 6, NAP_MS = 20 };

struct keeper {
    struct caller caller;
    size_t n_versions, active;
    struct {
        unsigned number;
        size_t shift; /* which network it is */
    } versions[VERSIONS_MAX];
    char path[128];
};

static const char *version_path(struct keeper *keeper, size_t k, const char *below)
{
    snprintf(keeper->path, sizeof keeper->path, SHIFTING "/versions/%u%s",
             keeper->versions[k].number, below);
    return keeper->path;
}

static void upload(struct keeper *keeper, size_t shift)
{
    const struct network *network = &keeper->caller.soak->shifts[shift];
    struct answer answer =
        caller_ask_typed(&keeper->caller, KIND_MODEL_PUT, "201", "PUT", SHIFTING,
                         "application/octet-stream", network->bytes, network->n_bytes);
    const char *last = answer.body;
    for (const char *at = last; (at = strstr(at, "{\"version\":")); at++) {
        last = at;
    }
    keeper->versions[keeper->n_versions].number = (unsigned)number_in(last, "version");
    answer_free(&answer);
    keeper->versions[keeper->n_versions++].shift = shift;
}

static void upload_half(struct keeper *keeper)
{
    const struct network *network = &keeper->caller.soak->shifts[0];
    struct answer answer =
        caller_ask_typed(&keeper->caller, KIND_MODEL_PUT, "422", "PUT", SHIFTING,
                         "application/octet-stream", network->bytes, network->n_bytes / 2);
    answer_free(&answer);
}

static void activate(struct keeper *keeper, size_t k)
{
    char active[40];
    struct answer answer = caller_ask(&keeper->caller, KIND_VERSION_ACTIVATE, "200", "POST",
                                      version_path(keeper, k, "/activate"), "{}");
    snprintf(active, sizeof active, "\"active_version\":%u,", keeper->versions[k].number);
    ck_assert_msg(strstr(answer.body, active) != NULL, "no %s in %.400s", active, answer.body);
    answer_free(&answer);
    keeper->active = k;
}

static void download(struct keeper *keeper, size_t k)
{
    const struct network *network = &keeper->caller.soak->shifts[keeper->versions[k].shift];
    struct answer answer = caller_ask(&keeper->caller, KIND_VERSION_FILE, "200", "GET",
                                      version_path(keeper, k, "/file"), NULL);
    ck_assert_uint_eq(answer.n_body, network->n_bytes);
    ck_assert_mem_eq(answer.body, network->bytes, network->n_bytes);
    answer_free(&answer);
}

/* Refused if it is the active one. */
static void drop(struct keeper *keeper, size_t k)
{
    const char *path = version_path(keeper, k, "");
    const bool is_active = k == keeper->active;
    caller_tell(&keeper->caller, KIND_VERSION_DELETE, is_active ? "409" : "204", "DELETE", path,
                NULL);
    if (is_active) {
        return;
    }
    const size_t last = --keeper->n_versions;
    keeper->versions[k] = keeper->versions[last];
    if (keeper->active == last) {
        keeper->active = k;
    }
}

static void act(struct keeper *keeper)
{
    struct caller *caller = &keeper->caller;
    const size_t any = caller_choose(caller, keeper->n_versions);
    switch (caller_choose(caller, 8)) {
    case 0:
    case 1:
        if (keeper->n_versions < VERSIONS_MAX - 1) { /* one place is the last one's */
            upload(keeper, caller_choose(caller, N_SHIFTS));
        } else {
            drop(keeper, any);
        }
        break;
    case 2:
    case 3:
    case 4:
        activate(keeper, any);
        break;
    case 5:
        download(keeper, any);
        break;
    case 6:
        caller_tell(caller, KIND_MODEL_GET, "200", "GET", SHIFTING, NULL);
        break;
    default:
        upload_half(keeper);
    }
}

void *keeper_run(void *place)
{
    const struct place *mine = place;
    struct keeper *keeper = calloc(1, sizeof *keeper);
    ck_assert_ptr_nonnull(keeper);
    keeper->caller = caller_create(mine);
    keeper->versions[0].number = 1; /* of the first shift: uploaded before all began */
    keeper->n_versions = 1;
    while (!mine->soak->is_over) {
        act(keeper);
        soak_nap_ms(NAP_MS);
    }
    caller_done(&keeper->caller);
    return keeper;
}

void keeper_finish(void *context)
{
    struct keeper *keeper = context;
    upload(keeper, 0);
    activate(keeper, keeper->n_versions - 1);
    caller_done(&keeper->caller);
    free(keeper);
}
