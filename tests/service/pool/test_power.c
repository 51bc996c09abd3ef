/*
 * Power failures. The disk then has any mixture of its sectors as they were when the last sync that
 * worked began, or at some moment since: while it ran, after it, while the next one ran. Sessions
 * are stepped, amended, written anew, forked, deleted and made in between, and in each mixture
 * every session must be in a state that it had at that sync or later, or absent if it was so at
 * some moment since; with readings that belong to that state; and never damaged. Each round goes on
 * from a mixture of the last one.
 *
 *     GRUD_POWER_MIXTURES=300 GRUD_POWER_SEED=1 CK_RUN_SUITE=test_power.c build/tests/test-service
 */
#include "base/digest.h"
#include "service/failing_system.h"
#include "service/models/model_versions.h"
#include "service/pool/record_ring.h"
#include "service/service_support.h"
#include "test.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SESSIONS = 12,
    EVENTS_MAX = 400,
    HISTORY = 8,
    IMAGES_MAX = 6,
    ROUNDS = 6,
    ALL_COMBINATIONS = 8 /* of so many sectors that differ */
};

/* A session after something was done to it. */
struct event {
    bool is_absent;
    uint64_t digest; /* of all but its readings and its base */
    uint64_t base_digest;
    uint64_t step;
    size_t n_readings;
    double readings[HISTORY * INPUTS];
};

struct subject {
    char id[16];
    uint64_t stream;
    struct event events[EVENTS_MAX];
    size_t n_events, synced; /* which of them was the last one when the sync began */
    bool is_another;         /* another life has begun since then */
};

static struct trial {
    struct world world;
    struct subject subjects[SESSIONS];
    struct bytes images[IMAGES_MAX]; /* of the file, at those moments */
    size_t n_images;
    struct pool_options options; /* to open a mixture with */
    char path[PATH_MAX];
    uint64_t random;
    size_t n_mixtures, n_checked, n_before, n_mixed, n_lost, n_damaged, n_forgotten;
} trial;

static uint64_t below(uint64_t n)
{
    trial.random = trial.random * 6364136223846793005ULL + 1442695040888963407ULL;
    return (trial.random >> 33) % n;
}

/* ---- what a session is ---- */

static void look_at(struct pool *pool, const char *id, struct event *event, bool *ret_is_damaged)
{
    struct pool_key key = pool_key_of(id);
    struct fault fault;
    uint32_t slot;
    memset(event, 0, sizeof *event);
    enum claim claim = pool_claim(pool, &key, OWNER_MAIN, 1, &slot, &fault);
    *ret_is_damaged = claim == CLAIM_ENDED;
    event->is_absent = claim != CLAIM_OK;
    if (event->is_absent) {
        ck_assert(claim == CLAIM_ABSENT || claim == CLAIM_ENDED);
        return;
    }
    const struct record_layout *layout = pool_layout(pool, slot);
    char *record = pool_record(pool, slot);
    struct record_copy *copy = record_newest(layout, record);
    const struct record_life *life = &record_header_of(record)->life;
    const uint64_t fields[] = { copy->step,         (uint64_t)copy->last_seen_at_ms,
                                copy->digest,       copy->version,
                                life->created_at_s, life->ttl_s };
    size_t n_values =
        layout->n_outputs * sizeof *copy->errors + layout->state_floats * sizeof(float);
    event->digest = digest_64(fields, sizeof fields, 0) + digest_64(copy->errors, n_values, 0);
    if (record_has_base(layout)) {
        struct record_base *base = record_base_of(layout, copy);
        event->base_digest = digest_64(base, offsetof(struct record_base, errors) + n_values, 0);
    }
    event->step = copy->step;
    event->n_readings = copy->n_readings;
    record_read_readings(layout, record, copy, event->readings);
    pool_release(pool, slot);
}

static void note_event(struct subject *subject)
{
    bool is_damaged;
    ck_assert_uint_lt(subject->n_events, EVENTS_MAX);
    look_at(world_pool(&trial.world), subject->id, &subject->events[subject->n_events++],
            &is_damaged);
    ck_assert(!is_damaged);
}

static struct event *last_event(struct subject *subject)
{
    return &subject->events[subject->n_events - 1];
}

/* ---- what is done to it ---- */

static void take_step(struct subject *subject)
{
    double x[INPUTS];
    struct step step;
    subject->is_another = subject->is_another || last_event(subject)->is_absent;
    reading(subject->stream, last_event(subject)->step + 1, x);
    ck_assert_int_eq(step_x(&trial.world, subject->id, x, &step), STATUS_OK);
    note_event(subject);
}

/* Another reading in the place of one of those that are kept. */
static void amend(struct subject *subject)
{
    double x[INPUTS];
    const struct event *now = last_event(subject);
    if (now->is_absent || now->step == 0) {
        return;
    }
    subject->stream++;
    subject->is_another = true;
    reading(subject->stream, now->step, x);
    arena_reset(&trial.world.arena);
    struct step step = step_make(&trial.world, subject->id, x);
    step.may_amend = true;
    step.amends_step = now->step - below(now->step < HISTORY ? now->step : HISTORY);
    const enum status status = step_take(&trial.world, &step);
    ck_assert(status == STATUS_OK || status == STATUS_TOO_LATE); /* one that was put */
    note_event(subject);
}

/* Gets the state of another session that is there, if there is one. */
static void put_anew(struct subject *subject)
{
    bool created;
    struct subject *other = &trial.subjects[below(SESSIONS)];
    if (last_event(other)->is_absent) {
        return;
    }
    struct session session = session_get(&trial.world, other->id);
    struct session_restore restore = restore_of(&session);
    restore.step += below(9);
    ck_assert_int_eq(session_put(trial.world.context, world_model(&trial.world), subject->id,
                                 &restore, &created, &trial.world.fault),
                     STATUS_OK);
    subject->stream++;
    subject->is_another = true;
    note_event(subject);
}

static void end(struct subject *subject)
{
    ck_assert_int_eq(world_delete(&trial.world, subject->id), STATUS_OK);
    subject->stream++;
    subject->is_another = true;
    note_event(subject);
}

static void fork_from(struct subject *subject)
{
    const struct subject *source = &trial.subjects[below(SESSIONS)];
    enum status status = session_fork(trial.world.context, world_model(&trial.world), source->id,
                                      subject->id, &trial.world.arena, &trial.world.fault);
    ck_assert(status == STATUS_OK || status == STATUS_SESSION_NOT_FOUND);
    subject->is_another = true;
    note_event(subject);
}

static void do_something(void)
{
    struct subject *subject = &trial.subjects[below(SESSIONS)];
    bool is_absent = last_event(subject)->is_absent;
    uint64_t what = below(20);
    if (is_absent && what < 8) {
        fork_from(subject);
    } else if (!is_absent && what < 2) {
        end(subject);
    } else if (what < 5) {
        put_anew(subject);
    } else if (what < 9 && trial.world.config.amend) {
        amend(subject);
    } else {
        take_step(subject);
        if (what > 15) {
            take_step(subject);
        }
    }
}

static void do_some_things(uint64_t most)
{
    for (uint64_t n = below(most + 1); n > 0; n--) {
        do_something();
    }
}

/* ---- moments ---- */

static void take_image(void)
{
    const struct pool *pool = world_pool(&trial.world);
    ck_assert_uint_lt(trial.n_images, IMAGES_MAX);
    struct bytes *image = &trial.images[trial.n_images++];
    image->n = atomic_load(&pool->region.size);
    image->p = malloc(image->n);
    ck_assert_ptr_nonnull(image->p);
    ck_assert_int_eq(pread(pool->region.fd, image->p, image->n, 0), (ssize_t)image->n);
}

static void drop_images(void)
{
    while (trial.n_images > 0) {
        free(trial.images[--trial.n_images].p);
    }
}

/* While the disk syncs for the last time that counts. */
static void during_last_sync(void)
{
    while_syncing = NULL;
    for (size_t s = 0; s < SESSIONS; s++) {
        trial.subjects[s].synced = trial.subjects[s].n_events - 1;
        trial.subjects[s].is_another = false;
    }
    take_image();
    do_some_things(8);
    take_image();
}

/* While it syncs and the power fails. */
static void during_failure(void)
{
    while_syncing = NULL;
    do_some_things(8);
    take_image();
}

static void run_to_failure(void)
{
    while_syncing = during_last_sync;
    ck_assert(service_sync(trial.world.service));
    do_some_things(10);
    take_image();
    if (below(2)) {
        while_syncing = during_failure;
        ck_assert(service_sync(trial.world.service));
    }
}

/* ---- mixtures ---- */

static bool differs(size_t at, size_t n, const struct bytes *a, const struct bytes *b)
{
    if (at + n > a->n || at + n > b->n) {
        return at + n <= a->n || at + n <= b->n;
    }
    return memcmp((const char *)a->p + at, (const char *)b->p + at, n) != 0;
}

/* A file of the last image's size, a sector of it from an image that `choose` names. */
static void write_mixture(size_t sector, uint64_t combination, bool is_random)
{
    const struct bytes *last = &trial.images[trial.n_images - 1];
    char *mixture = calloc(1, last->n);
    ck_assert_ptr_nonnull(mixture);
    unsigned n_differing = 0;
    uint64_t two = below(2); /* or all of them */
    for (size_t at = 0; at < last->n; at += sector) {
        bool is_differing = false;
        for (size_t k = 1; k < trial.n_images; k++) {
            is_differing =
                is_differing || differs(at, sector, &trial.images[k - 1], &trial.images[k]);
        }
        size_t which = trial.n_images - 1;
        if (is_differing && is_random) {
            which = two ? below(2) * (trial.n_images - 1) : below(trial.n_images);
        } else if (is_differing) {
            which = (combination >> n_differing & 1) * (trial.n_images - 1);
        }
        n_differing += is_differing;
        if (at + sector <= trial.images[which].n) {
            memcpy(mixture + at, (char *)trial.images[which].p + at, sector);
        }
    }
    file_store(trial.path, mixture, last->n);
    free(mixture);
}

static size_t count_differing(size_t sector)
{
    size_t n = 0;
    const struct bytes *last = &trial.images[trial.n_images - 1];
    for (size_t at = 0; at < last->n; at += sector) {
        n += differs(at, sector, &trial.images[0], last);
    }
    return n;
}

/* Whether it is that event, with some of its last readings. */
static bool is_event(const struct event *found, const struct event *event)
{
    size_t n_missing = event->n_readings - found->n_readings;
    return !event->is_absent && found->digest == event->digest && found->step == event->step &&
           found->n_readings <= event->n_readings &&
           memcmp(found->readings, event->readings + n_missing * INPUTS,
                  found->n_readings * INPUTS * sizeof(double)) == 0;
}

static void judge(const struct subject *subject, const struct event *found)
{
    const struct event *match = NULL;
    bool may_be_absent = false;
    size_t k = subject->n_events;
    while (k > 0 && !match) {
        const struct event *event = &subject->events[--k];
        may_be_absent = may_be_absent || (k >= subject->synced && event->is_absent);
        match = !found->is_absent && is_event(found, event) ? event : NULL;
    }
    if (found->is_absent) {
        trial.n_lost += !may_be_absent;
    } else if (!match || (found->n_readings == match->n_readings &&
                          found->base_digest != match->base_digest)) {
        trial.n_mixed++;
    } else if (k < subject->synced) {
        trial.n_before++;
    } else if (subject->n_events - 1 - subject->synced <= 2 && !subject->is_another) {
        trial.n_forgotten += found->n_readings < match->n_readings;
    }
}

static void check_mixture(struct event found[SESSIONS])
{
    struct pool *pool;
    struct fault fault;
    enum status status = pool_open(&trial.options, &pool, &fault);
    ck_assert_msg(status == STATUS_OK, "%s", fault.message);
    for (size_t s = 0; s < SESSIONS; s++) {
        bool is_damaged;
        look_at(pool, trial.subjects[s].id, &found[s], &is_damaged);
        trial.n_damaged += is_damaged;
        judge(&trial.subjects[s], &found[s]);
        trial.n_checked++;
    }
    trial.n_damaged += atomic_load(&pool->n_ended[TOMBSTONE_DAMAGED]);
    trial.n_mixtures++;
    pool_unref(pool);
}

static void check_mixtures(size_t sector, uint64_t n_mixtures, struct event found[SESSIONS])
{
    bool is_random = count_differing(sector) > ALL_COMBINATIONS;
    uint64_t n = is_random ? n_mixtures : UINT64_C(1) << count_differing(sector);
    for (uint64_t k = 0; k < n; k++) {
        write_mixture(sector, k, is_random);
        check_mixture(found);
    }
}

/* ---- rounds ---- */

/* The next round goes on from what was found last. */
static void go_on(const struct event found[SESSIONS])
{
    char pool[256];
    snprintf(pool, sizeof pool, "%s/sessions/m.pool", trial.world.data);
    ck_assert_int_eq(rename(trial.path, pool), 0);
    world_start(&trial.world);
    for (size_t s = 0; s < SESSIONS; s++) {
        struct subject *subject = &trial.subjects[s];
        subject->n_events = 0;
        subject->stream += 100;
        note_event(subject);
        ck_assert(found[s].is_absent ? last_event(subject)->is_absent
                                     : is_event(last_event(subject), &found[s]));
    }
}

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable); /* NOLINT(concurrency-mt-unsafe) */
    return text && text[0] ? strtoull(text, NULL, 10) : otherwise;
}

static void begin_trial(struct bytes network, size_t sector, bool amends)
{
    memset(&trial, 0, sizeof trial);
    trial.random = number_from("GRUD_POWER_SEED", 0) * 1000003 + network.n * 31 + sector;
    struct world *world = &trial.world;
    world_init(world);
    world_use_data(world);
    world_add_model(world, "m", network);
    world->config.session_history = HISTORY;
    world->config.amend = amends;
    world->config.sync_interval_ms = 3600000;
    world_start(world);
    for (size_t s = 0; s < SESSIONS; s++) {
        struct subject *subject = &trial.subjects[s];
        snprintf(subject->id, sizeof subject->id, "s%d", (int)s);
        subject->stream = s * 1000;
        note_event(subject);
        for (uint64_t n = below(20); n > 0; n--) {
            take_step(subject);
        }
    }
}

static void expect_no_mixture_harms(struct bytes network, size_t sector, bool amends)
{
    struct event found[SESSIONS];
    char ignored[PATH_MAX];
    begin_trial(network, sector, amends);
    for (int round = 0; round < ROUNDS; round++) {
        run_to_failure();
        const struct model *model = world_model(&trial.world);
        trial.options = model_pool_options(trial.world.service, model, model->active->gru, ignored);
        trial.options.name = "m";
        trial.options.memory = NULL; /* the service's, which ends before they are opened */
        snprintf(trial.path, sizeof trial.path, "%s/sessions/mixture.pool", trial.world.data);
        trial.options.path = trial.path;
        world_stop(&trial.world);
        check_mixtures(sector, number_from("GRUD_POWER_MIXTURES", 25), found);
        go_on(found);
        drop_images();
    }
    if (getenv("GRUD_TEST_FIGURES")) { /* NOLINT(concurrency-mt-unsafe) */
        printf("state of %u, sectors of %zu: %zu mixtures, %zu sessions; before the sync %zu, "
               "mixed %zu, lost %zu, damaged %zu, readings forgotten %zu\n",
               trial.options.layout.state_floats, sector, trial.n_mixtures, trial.n_checked,
               trial.n_before, trial.n_mixed, trial.n_lost, trial.n_damaged, trial.n_forgotten);
        fflush(stdout); /* a failed check ends the process at once */
    }
    ck_assert_uint_eq(
        trial.n_before + trial.n_mixed + trial.n_lost + trial.n_damaged + trial.n_forgotten, 0);
    world_done(&trial.world);
}

TEST(no_mixture_of_sectors_harms_small_sessions)
{
    expect_no_mixture_harms(network_file(64, SEED), 512, false);
    expect_no_mixture_harms(network_file(64, SEED), 4096, false);
}

TEST(no_mixture_of_sectors_harms_sessions_of_a_page)
{
    expect_no_mixture_harms(network_file(512, SEED), 512, false);
    expect_no_mixture_harms(network_file(512, SEED), 4096, false);
}

TEST(no_mixture_of_sectors_harms_sessions_of_more_than_a_page)
{
    expect_no_mixture_harms(network_file(1024, SEED), 512, false);
    expect_no_mixture_harms(network_file(1024, SEED), 4096, false);
}

/* With a base in each copy, and stamps in the ring. */
TEST(no_mixture_of_sectors_harms_sessions_of_two_floats_a_value)
{
    expect_no_mixture_harms(network_file_wide(), 512, false);
    expect_no_mixture_harms(network_file_wide(), 512, true);
}

TEST(no_mixture_of_sectors_harms_sessions_with_a_base)
{
    expect_no_mixture_harms(network_file(64, SEED), 512, true);
    expect_no_mixture_harms(network_file(512, SEED), 512, true);
    expect_no_mixture_harms(network_file(512, SEED), 4096, true);
}
