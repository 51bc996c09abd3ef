#include "anywhere.h"

#include "crash.h"
#include "test.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PATHS_MAX = 128, FILES_MAX = 64, SECTOR = 512, N_SESSIONS = 12, OVER_SECONDS = 120 };

#define JOBS "/v1/fine_tuning/jobs"

static const char *const options[] = { "--record", "50", NULL };

/* What is asked, and what was answered by an undamaged directory. */
struct questions {
    size_t n;
    char paths[PATHS_MAX][160];
    struct answer answers[PATHS_MAX];
};

/* The files that may be damaged: all but the lock. nftw has no context. */
static struct {
    size_t n;
    char paths[FILES_MAX][256];
} files;

static void run(const struct daemon *daemon, const char *command)
{
    char line[512];
    snprintf(line, sizeof line, "cd %s && %s", daemon->directory, command);
    ck_assert_int_eq(system(line), 0); // NOLINT(cert-env33-c, concurrency-mt-unsafe): a test
}

/* ---- a directory with something of everything ---- */

static void add_job(const struct daemon *daemon, const char *promotion)
{
    char body[8192], id[64], path[128];
    size_t n = (size_t)snprintf(body, sizeof body,
                                "{\"model\":\"%s\",\"seed\":7,\"metadata\":{\"a\":[1,2]},"
                                "\"hyperparameters\":{\"n_epochs\":3,\"window\":16},"
                                "\"promotion\":{\"policy\":\"%s\"},\"training\":{\"series\":[",
                                crash_models[0].name, promotion);
    for (int k = 0; k < 2; k++) {
        n += (size_t)snprintf(body + n, sizeof body - n, "%s{\"x\":[", k > 0 ? "," : "");
        for (int t = 0; t < 40; t++) {
            n += (size_t)snprintf(body + n, sizeof body - n, "%s[", t > 0 ? "," : "");
            for (unsigned i = 0; i < crash_models[0].n_inputs; i++) {
                n += (size_t)snprintf(body + n, sizeof body - n, "%s%d.%u", i > 0 ? "," : "",
                                      (t * 7 + k) % 5, i);
            }
            n += (size_t)snprintf(body + n, sizeof body - n, "]");
        }
        n += (size_t)snprintf(body + n, sizeof body - n, "]}");
    }
    snprintf(body + n, sizeof body - n, "]}}");
    struct answer answer = request(daemon, "POST", JOBS, body);
    ck_assert_msg(answer.code == 202, "%s", answer.body);
    ck_assert_int_eq(sscanf(answer.body, "{\"id\":\"%63[^\"]", id), 1);
    snprintf(path, sizeof path, JOBS "/%s", id);
    for (time_t end = time(NULL) + OVER_SECONDS; !strstr(answer.body, "\"succeeded\"");) {
        ck_assert_msg(time(NULL) < end && !strstr(answer.body, "\"failed\""), "%s", answer.body);
        answer_free(&answer);
        usleep(20000);
        answer = request(daemon, "GET", path, NULL);
    }
    answer_free(&answer);
}

static void fill(const struct daemon *daemon)
{
    char path[160], body[BODY_MAX];
    crash_add_models(daemon);
    for (unsigned k = 0; k < N_SESSIONS; k++) {
        struct subject session = { .number = k, .model = k % MODELS, .stream = k + 1 };
        for (uint64_t seq = 1; seq <= 5; seq++) {
            step_print(&session, session.stream, seq, false, body);
            snprintf(path, sizeof path, "/v1/models/%s/sessions/s%u/step",
                     crash_models[session.model].name, k);
            expect(daemon, "POST", path, body, 200, NULL);
        }
    }
    add_job(daemon, "manual");
    add_job(daemon, "manual");
    snprintf(path, sizeof path, "/v1/models/%s/versions/2/activate", crash_models[0].name);
    expect(daemon, "POST", path, NULL, 200, NULL);
    run(daemon, "rm *.safetensors");
    crash_add_models(daemon); /* once more: another version of each */
    snprintf(path, sizeof path, "/v1/models/%s/versions/4", crash_models[0].name);
    expect(daemon, "DELETE", path, NULL, 204, NULL);
}

/* ---- questions ---- */

__attribute__((format(printf, 2, 3))) static void add(struct questions *questions,
                                                      const char *format, ...)
{
    va_list arguments;
    ck_assert_uint_lt(questions->n, PATHS_MAX);
    va_start(arguments, format);
    vsnprintf(questions->paths[questions->n++], sizeof questions->paths[0], format, arguments);
    va_end(arguments);
}

static void think_of(struct questions *questions, const struct daemon *daemon)
{
    add(questions, "/v1/models");
    for (unsigned m = 0; m < MODELS; m++) {
        const char *name = crash_models[m].name;
        add(questions, "/v1/models/%s", name);
        for (unsigned version = 1; version <= 4; version++) {
            add(questions, "/v1/models/%s/versions/%u/file", name, version);
        }
    }
    for (unsigned k = 0; k < N_SESSIONS; k++) {
        add(questions, "/v1/models/%s/sessions/s%u", crash_models[k % MODELS].name, k);
    }
    add(questions, JOBS);
    struct answer jobs = request(daemon, "GET", JOBS, NULL);
    for (const char *p = jobs.body; (p = strstr(p, "\"id\":\"ftjob-")) != NULL; p++) {
        char id[64];
        ck_assert_int_eq(sscanf(p, "\"id\":\"%63[^\"]", id), 1);
        add(questions, JOBS "/%s", id);
        add(questions, JOBS "/%s/events?limit=100", id);
        add(questions, JOBS "/%s/checkpoints", id);
    }
    answer_free(&jobs);
}

static void ask_all(struct questions *questions, const struct daemon *daemon)
{
    for (size_t k = 0; k < questions->n; k++) {
        questions->answers[k] = request(daemon, "GET", questions->paths[k], NULL);
    }
}

/* ---- damage ---- */

static int note_file(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)walk;
    if (type == FTW_F && info->st_size > 0 && !strstr(path, "/lock")) {
        ck_assert_uint_lt(files.n, FILES_MAX);
        snprintf(files.paths[files.n++], sizeof files.paths[0], "%s", path);
    }
    return 0;
}

static void find_files(const struct daemon *daemon)
{
    char path[160];
    snprintf(path, sizeof path, "%s/data", daemon->directory);
    files.n = 0;
    ck_assert_int_eq(nftw(path, note_file, 8, FTW_PHYS), 0);
}

/* Says what was done. */
static void hurt_file(uint64_t *random, char what[512])
{
    const char *path = files.paths[random_below(random, files.n)];
    FILE *file = fopen(path, "r+b");
    struct stat info;
    ck_assert(file && fstat(fileno(file), &info) == 0);
    size_t n = (size_t)info.st_size;
    size_t at = random_below(random, n);
    unsigned char bytes[SECTOR] = { 0 };
    switch (random_below(random, 4)) {
    case 0:
        snprintf(what, 512, "%s cut at %zu of %zu", path, at, n);
        ck_assert_int_eq(ftruncate(fileno(file), (off_t)at), 0);
        break;
    case 1:
        at = at / SECTOR * SECTOR;
        snprintf(what, 512, "%s zeroed at %zu", path, at);
        ck_assert_int_eq(fseek(file, (long)at, SEEK_SET), 0);
        fwrite(bytes, 1, n - at < SECTOR ? n - at : SECTOR, file);
        break;
    default:
        snprintf(what, 512, "%s flipped at %zu", path, at);
        ck_assert_int_eq(fseek(file, (long)at, SEEK_SET), 0);
        ck_assert_uint_eq(fread(bytes, 1, 1, file), 1);
        bytes[0] ^= (unsigned char)(1 << random_below(random, 8));
        ck_assert_int_eq(fseek(file, (long)at, SEEK_SET), 0);
        fwrite(bytes, 1, 1, file);
    }
    ck_assert_int_eq(fclose(file), 0);
}

/* ---- what comes of it ---- */

/* Whether the log warns of something since the last call, but for what every start says. */
static bool has_warned(const struct daemon *daemon)
{
    char path[160], line[1024];
    bool has = false;
    snprintf(path, sizeof path, "%s/log", daemon->directory);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file)) {
        has = has || ((strstr(line, " warn ") || strstr(line, " error ")) &&
                      !strstr(line, "running_as_root"));
    }
    fclose(file);
    ck_assert_int_eq(truncate(path, 0), 0);
    return has;
}

static bool is_as_before(const struct answer *now, const struct answer *before)
{
    return now->code == before->code && now->n_body == before->n_body &&
           memcmp(now->body, before->body, before->n_body) == 0;
}

/* Returns whether an answer was another one, or none. */
static bool compare(const struct daemon *daemon, const struct questions *before, const char *what)
{
    struct questions now = *before;
    size_t n_other = 0;
    const char *other = "";
    ask_all(&now, daemon);
    for (size_t k = 0; k < now.n; k++) {
        bool is_same = is_as_before(&now.answers[k], &before->answers[k]);
        bool is_error = now.answers[k].code >= 400 && before->answers[k].code < 400;
        if (!is_same && !is_error) {
            n_other++;
            other = now.paths[k];
        }
        answer_free(&now.answers[k]);
    }
    if (n_other > 0 && !has_warned(daemon)) {
        found(FOUND_WRONG, "%s: %s has another answer, in silence", what, other);
    }
    return n_other > 0;
}

void anywhere_run(uint64_t n_trials, uint64_t *random)
{
    static struct questions before;
    char what[512];
    uint64_t n_refused = 0, n_said = 0;
    struct daemon daemon = daemon_prepare();
    daemon_start_again(&daemon, options);
    fill(&daemon);
    think_of(&before, &daemon);
    ask_all(&before, &daemon);
    daemon_kill(&daemon); /* so that the databases have their logs */
    run(&daemon, "mv data good && cp -a good data && : >log");
    daemon_start_again(&daemon, options);
    ck_assert(!compare(&daemon, &before, "nothing") && !has_warned(&daemon));
    daemon_kill(&daemon);
    for (uint64_t trial = 0; trial < n_trials; trial++) {
        run(&daemon, "rm -rf data && cp -a good data");
        find_files(&daemon);
        hurt_file(random, what);
        if (daemon_try_start(&daemon, options) != -1) {
            n_refused++;
            if (!has_warned(&daemon)) {
                found(FOUND_WRONG, "%s: grud did not start, and did not say why", what);
            }
            continue;
        }
        n_said += compare(&daemon, &before, what);
        daemon_kill(&daemon);
        run(&daemon, ": >log");
    }
    daemon_remove(&daemon);
    printf("%10llu places damaged in a whole data directory, of which\n"
           "%10llu kept grud from starting\n"
           "%10llu gave other answers, and were said\n",
           (unsigned long long)n_trials, (unsigned long long)n_refused, (unsigned long long)n_said);
}
