/* Jobs beside streams and verbs of many threads: nobody waits for the trainer, and nothing is
 * torn. */
#include "job_support.h"

#include "service/random.h"
#include "test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct team {
    struct world world;
    struct course course;
    _Atomic bool is_over;
    _Atomic uint64_t n_steps, n_jobs;
    _Atomic unsigned n_failures;
};

struct member {
    struct team *team;
    uint64_t number;
};

static bool take_step(struct service_context *context, struct arena *arena, uint64_t stream,
                      uint64_t number)
{
    double x[INPUTS];
    struct step step = {
        .arena = arena, .model_name = "m", .x = x, .has_seq = true, .seq = number
    };
    struct step *steps[] = { &step };
    snprintf(step.session, sizeof step.session, "pump-%d", (int)stream);
    reading(stream, number, x);
    while (!step.is_done) {
        service_context_turn(context);
        service_steps(context, steps, 1);
    }
    return step.fault.status == STATUS_OK && step.number == number;
}

static void *stream(void *argument)
{
    const struct member *member = argument;
    struct team *team = member->team;
    struct service_context *context;
    struct arena arena;
    arena_init(&arena, (size_t)1 << 30);
    if (service_context_create(team->world.service, &context) != STATUS_OK) {
        abort();
    }
    for (uint64_t number = 1; !atomic_load(&team->is_over); number++) {
        arena_reset(&arena);
        if (!take_step(context, &arena, member->number, number)) {
            atomic_fetch_add(&team->n_failures, 1);
        }
        atomic_fetch_add(&team->n_steps, 1);
    }
    service_context_free(context);
    arena_done(&arena);
    return NULL;
}

static struct job_request any_request(const struct team *team, uint64_t *seed)
{
    static const char *const prefix[] = { "pump-" };
    struct job_request request = team->course.request;
    request.hyperparameters.n_epochs = next_random(seed) % 4 + 1;
    request.dry_run = next_random(seed) % 4 == 0;
    request.seed = next_random(seed);
    if (next_random(seed) % 3 == 0) {
        request.source = JOB_SESSIONS_PREFIX;
        request.series = NULL;
        request.n_series = 0;
        request.sessions = prefix;
        request.n_sessions = 1;
    }
    return request;
}

/* Any verb on any of the newest jobs; that it is refused is as good. */
static void do_any_verb(struct team *team, struct service_context *context, uint64_t *seed)
{
    enum { NEWEST = 4, EVENTS = 8 };
    struct job_filter filter = { .status = -1 };
    struct job jobs[NEWEST];
    struct job job;
    struct job_event events[EVENTS];
    struct job_checkpoint checkpoints[EVENTS];
    struct fault fault;
    size_t n, n_events;
    bool has_more;
    if (job_list(context, &filter, NEWEST, jobs, &n, &has_more, &fault) != STATUS_OK) {
        atomic_fetch_add(&team->n_failures, 1);
        return;
    }
    if (n == 0) {
        return;
    }
    const char *id = jobs[next_random(seed) % n].id;
    enum status status = STATUS_OK;
    switch (next_random(seed) % 6) {
    case 0:
        status = job_cancel(context, id, &job, &fault);
        break;
    case 1:
        status = job_pause(context, id, &job, &fault);
        break;
    case 2:
    case 3:
        status = job_resume(context, id, &job, &fault);
        break;
    case 4:
        status = job_checkpoints(context, id, 0, EVENTS, checkpoints, &n_events, &has_more, &fault);
        break;
    default:
        status = job_events(context, id, 0, EVENTS, &job, events, &n_events, &has_more, &fault);
    }
    if (status != STATUS_OK && status != STATUS_JOB_STATUS_CONFLICT) {
        atomic_fetch_add(&team->n_failures, 1);
    }
}

/* Versions come and go under other hands as well. */
static void change_versions(struct team *team, struct service_context *context, uint64_t *seed)
{
    struct fault fault;
    const struct model *model;
    struct bytes bytes = network_file(HIDDEN, next_random(seed));
    if (model_put(context, "m", bytes.p, bytes.n, &model, &fault) != STATUS_OK) {
        atomic_fetch_add(&team->n_failures, 1);
    }
    free(bytes.p);
    service_context_turn(context);
    if (model_find(context, "m", &model, &fault) == STATUS_OK) {
        unsigned number = model->versions[next_random(seed) % model->n_versions].number;
        (void)!model_delete_version(context, "m", number, &fault); /* refused or not */
    }
}

static void activate_any(struct team *team, struct service_context *context, uint64_t *seed)
{
    struct fault fault;
    const struct model *model;
    service_context_turn(context);
    if (model_find(context, "m", &model, &fault) == STATUS_OK) {
        unsigned number = model->versions[next_random(seed) % model->n_versions].number;
        enum status status = model_activate(context, "m", number, &model, &fault);
        if (status != STATUS_OK && status != STATUS_VERSION_NOT_FOUND) {
            atomic_fetch_add(&team->n_failures, 1);
        }
    }
}

static void *manage(void *argument)
{
    const struct member *member = argument;
    struct team *team = member->team;
    struct service_context *context;
    uint64_t seed = 88172645463325252ULL + member->number;
    if (service_context_create(team->world.service, &context) != STATUS_OK) {
        abort();
    }
    while (!atomic_load(&team->is_over)) {
        struct fault fault;
        struct job job;
        const struct job_request request = any_request(team, &seed);
        service_context_turn(context);
        enum status status = job_create(context, &request, &job, &fault);
        atomic_fetch_add(&team->n_jobs, status == STATUS_OK);
        if (status != STATUS_OK && status != STATUS_QUEUE_FULL) {
            atomic_fetch_add(&team->n_failures, 1);
        }
        for (int k = 0; k < 4; k++) {
            do_any_verb(team, context, &seed);
        }
        if (member->number == 0) {
            activate_any(team, context, &seed);
        } else {
            change_versions(team, context, &seed);
        }
        sleep_ms(1);
    }
    service_context_free(context);
    return NULL;
}

/* All jobs come to rest: over or paused. */
static struct service_figures wait_settled(struct team *team)
{
    struct service_figures figures;
    for (int ms = 0; ms < 60000; ms++) {
        service_read_figures(team->world.service, &figures);
        if (figures.n_jobs[JOB_VALIDATING] + figures.n_jobs[JOB_QUEUED] +
                figures.n_jobs[JOB_RUNNING] ==
            0) {
            return figures;
        }
        sleep_ms(1);
    }
    ck_abort_msg("there still are jobs at work");
}

/* None is lost, and each version that a job made is that of one that succeeded. */
static void expect_settled(struct team *team)
{
    struct world *world = &team->world;
    const struct service_figures figures = wait_settled(team);
    size_t n = 0;
    for (int k = 0; k < JOB_N_STATUSES; k++) {
        n += figures.n_jobs[k];
    }
    ck_assert_uint_eq(n, atomic_load(&team->n_jobs));
    const struct model *model = world_model(world);
    for (size_t k = 0; k < model->n_versions; k++) {
        if (!model->versions[k].job[0]) {
            continue;
        }
        struct job job = job_get(world, model->versions[k].job);
        ck_assert_int_eq(job.status, JOB_SUCCEEDED);
        ck_assert_uint_eq(job.fine_tuned_version, model->versions[k].number);
    }
}

/* Nobody's verbs have stopped the queue: with the paused jobs out of the way, another one succeeds.
 * (While the verbs rain, none need: on a busy machine the trainer may not run at all, which is what
 * SCHED_IDLE means.) */
static void expect_still_training(struct team *team)
{
    enum { ALL = 64 };
    struct world *world = &team->world;
    struct job_filter filter = { .status = JOB_PAUSED };
    struct job jobs[ALL], job;
    size_t n;
    bool has_more;
    ck_assert_int_eq(job_list(world->context, &filter, ALL, jobs, &n, &has_more, &world->fault),
                     STATUS_OK);
    for (size_t k = 0; k < n; k++) {
        ck_assert_int_eq(job_cancel(world->context, jobs[k].id, &job, &world->fault), STATUS_OK);
    }
    job = course_start(world, &team->course.request);
    job_wait(world, job.id, JOB_SUCCEEDED);
}

TEST(jobs_verbs_and_streams_do_not_disturb_each_other)
{
    enum { STREAMS = 2, MANAGERS = 2, LEAST_STEPS = 2000, LEAST_JOBS = 20, PATIENCE_MS = 60000 };
    static struct team team;
    pthread_t threads[STREAMS + MANAGERS];
    struct member members[STREAMS + MANAGERS];
    memset(&team, 0, sizeof team);
    world_init(&team.world);
    world_use_data(&team.world);
    team.world.config.record = 200;
    team.world.config.job_max = 4;
    world_start(&team.world);
    course_init(&team.course);
    world_start_jobs(&team.world);
    expect_steps(&team.world, "pump-99", 99, 1, 30); /* so that there is something recorded */
    for (uint64_t k = 0; k < STREAMS + MANAGERS; k++) {
        members[k] = (struct member){ &team, k < STREAMS ? k : k - STREAMS };
        ck_assert_int_eq(
            pthread_create(&threads[k], NULL, k < STREAMS ? stream : manage, &members[k]), 0);
    }
    for (int ms = 0; ms < 1000 || ((atomic_load(&team.n_steps) < LEAST_STEPS ||
                                    atomic_load(&team.n_jobs) < LEAST_JOBS) &&
                                   ms < PATIENCE_MS);
         ms++) {
        sleep_ms(1);
    }
    atomic_store(&team.is_over, true);
    for (size_t k = 0; k < STREAMS + MANAGERS; k++) {
        pthread_join(threads[k], NULL);
    }
    ck_assert_uint_eq(atomic_load(&team.n_failures), 0);
    ck_assert_uint_ge(atomic_load(&team.n_jobs), LEAST_JOBS);
    expect_settled(&team);
    expect_still_training(&team);
    world_done(&team.world);
}
