/* A data directory that an older grud left when it was killed: nothing in it is lost, and what was
 * under way goes on. tests/fixtures/formats/make.sh made it, and says what it holds. */
#include "daemon.h"
#include "formats.h"
#include "system_control.h"
#include "test.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define JOBS "/v1/fine_tuning/jobs"
#define PUMP "/v1/models/pump"

enum { ID_SIZE = 64, REPLY_SIZE = 64 << 10, OVER_SECONDS = 300 };

/* A fixture grows old, and what has ended is remembered for a day: the daemon's wall clock stands
 * an hour after the older grud's last write. */
static time_t hour_later(const struct daemon *daemon)
{
    char path[512];
    struct stat last;
    snprintf(path, sizeof path, "%s/data/jobs.db-wal", daemon->directory);
    ck_assert_int_eq(stat(path, &last), 0);
    return last.st_mtime + 3600;
}

static struct daemon start(unsigned format, const char *amend)
{
    const char *const options[] = {
        "--record", "100", "--session-max", "16", "--session-history", "8", "--amend", amend, NULL
    };
    struct daemon daemon = daemon_prepare();
    format_unpack(format, daemon.directory);
    struct system_control *control = system_control_begin();
    atomic_store(&control->wall_set_s, hour_later(&daemon) - time(NULL));
    daemon_start_again(&daemon, options);
    system_control_end(control);
    return daemon;
}

static FILE *open_fixture(unsigned format, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, FORMATS "/%u/%s", format, name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    return file;
}

/* The whole of a file that is small. */
static size_t read_fixture(unsigned format, const char *name, char bytes[REPLY_SIZE])
{
    FILE *file = open_fixture(format, name);
    size_t n = fread(bytes, 1, REPLY_SIZE - 1, file);
    ck_assert_uint_lt(n, REPLY_SIZE - 1);
    bytes[n] = '\0';
    fclose(file);
    return n;
}

/* ---- jobs ---- */

static void find_id(unsigned format, const char *name, char id[ID_SIZE])
{
    char found[32];
    FILE *file = open_fixture(format, "jobs");
    do {
        ck_assert_int_eq(fscanf(file, "%31s %63s", found, id), 2);
    } while (strcmp(found, name) != 0);
    fclose(file);
}

/* Waits until the text is in what is said of a job; rest: "" or a list of its. */
static struct answer wait_for(const struct daemon *daemon, const char *id, const char *rest,
                              const char *text)
{
    char path[192];
    const struct timespec nap = { .tv_nsec = 20000000 };
    const time_t end = time(NULL) + OVER_SECONDS;
    snprintf(path, sizeof path, JOBS "/%s%s", id, rest);
    for (;;) {
        struct answer answer = request(daemon, "GET", path, NULL);
        ck_assert_int_eq(answer.code, 200);
        if (strstr(answer.body, text)) {
            return answer;
        }
        ck_assert_msg(time(NULL) < end, "no %s in %s", text, answer.body);
        answer_free(&answer);
        nanosleep(&nap, NULL);
    }
}

static void steer(const struct daemon *daemon, const char *id, const char *verb)
{
    char path[192];
    snprintf(path, sizeof path, JOBS "/%s/%s", id, verb);
    expect(daemon, "POST", path, NULL, 200, id);
}

/* The job `succeeded` of the fixture once more. */
static void post_again(const struct daemon *daemon, char id[ID_SIZE])
{
    char *body = malloc(REPLY_SIZE);
    ck_assert_ptr_nonnull(body);
    size_t n = (size_t)snprintf(body, REPLY_SIZE,
                                "{\"model\":\"pump\",\"version\":1,\"seed\":7,\"hyperparameters\":{"
                                "\"n_epochs\":3,\"window\":16,\"batch_size\":4},"
                                "\"promotion\":{\"policy\":\"manual\"},\"training\":{\"series\":[");
    for (int k = 0; k < 4; k++) {
        n += (size_t)snprintf(body + n, REPLY_SIZE - n, "%s{\"x\":[", k > 0 ? "," : "");
        for (int t = 0; t < 80; t++) {
            n += (size_t)snprintf(body + n, REPLY_SIZE - n, "%s[%.4f,%.4f]", t > 0 ? "," : "",
                                  sin(0.4 * t + k), cos(0.4 * t + k));
        }
        n += (size_t)snprintf(body + n, REPLY_SIZE - n, "]}");
    }
    snprintf(body + n, REPLY_SIZE - n, "]}}");
    struct answer answer = request(daemon, "POST", JOBS, body);
    ck_assert_msg(answer.code == 202, "%s", answer.body);
    ck_assert_int_eq(sscanf(answer.body, "{\"id\":\"%63[^\"]", id), 1);
    answer_free(&answer);
    free(body);
}

/* ---- weights ---- */

/* Where the tensors begin in a model file. */
static size_t tensors_at(const char *bytes, size_t n)
{
    uint64_t n_header;
    ck_assert_uint_gt(n, sizeof n_header);
    memcpy(&n_header, bytes, sizeof n_header);
    ck_assert_uint_lt(n_header, n - sizeof n_header);
    return sizeof n_header + (size_t)n_header;
}

static bool has_weights(const struct daemon *daemon, unsigned version, const char *bytes, size_t n)
{
    char path[96];
    snprintf(path, sizeof path, PUMP "/versions/%u/file", version);
    struct answer file = request(daemon, "GET", path, NULL);
    ck_assert_int_eq(file.code, 200);
    size_t at = tensors_at(bytes, n), file_at = tensors_at(file.body, file.n_body);
    bool has =
        file.n_body - file_at == n - at && memcmp(file.body + file_at, bytes + at, n - at) == 0;
    answer_free(&file);
    return has;
}

/* The version that a job makes, once it has. */
static unsigned wait_version(const struct daemon *daemon, const char *id)
{
    struct answer job = wait_for(daemon, id, "", "\"status\":\"succeeded\"");
    unsigned version = (unsigned)number_in(job.body, "fine_tuned_version");
    answer_free(&job);
    return version;
}

/* ---- replies: what was said is still said, whatever may be said beside it ---- */

/* Past a string or a scalar, or past the whole of an object or an array. */
static const char *skip_value(const char *p)
{
    int depth = 0;
    do {
        if (*p == '"') {
            for (p++; *p != '"'; p++) {
                p += *p == '\\';
            }
            p++;
        } else if (*p == '{' || *p == '[') {
            depth++;
            p++;
        } else if (*p == '}' || *p == ']') {
            depth--;
            p++;
        } else {
            p += depth > 0 && strchr(",:", *p) ? 1 : strcspn(p, ",:}]");
        }
    } while (depth > 0);
    return p;
}

/* The value of a member whose name, with its quotes, is the n bytes at `name`; NULL: there is none.
 */
static const char *find_member(const char *object, const char *name, size_t n)
{
    for (const char *p = object + 1; *p == '"'; p += *p == ',') {
        const char *end = skip_value(p);
        if ((size_t)(end - p) == n && memcmp(p, name, n) == 0) {
            return end + 1;
        }
        p = skip_value(end + 1);
    }
    return NULL;
}

/* Whether `is` has all that `was` has; members that were not there are fine. */
static bool covers(const char *is, const char *was)
{
    const bool is_object = *was == '{';
    const size_t n = (size_t)(skip_value(was) - was);
    if (*is != *was || (!is_object && *was != '[')) {
        return (size_t)(skip_value(is) - is) == n && memcmp(is, was, n) == 0;
    }
    is += !is_object;
    for (was++; *was != '}' && *was != ']'; was += *was == ',') {
        const char *value = was, *found = is;
        if (is_object) {
            const char *end = skip_value(was);
            found = find_member(is, was, (size_t)(end - was));
            value = end + 1;
        }
        if (!found || *found == ']' || !covers(found, value)) {
            return false;
        }
        was = skip_value(value);
        if (!is_object) {
            is = skip_value(is);
            is += *is == ',';
        }
    }
    return is_object || *is == ']';
}

TEST(a_reply_covers_what_it_covers)
{
    static const struct {
        const char *is, *was;
        bool covers;
    } cases[] = {
        { "{\"a\":1,\"b\":[1,2]}", "{\"b\":[1,2]}", true },
        { "{\"a\":1,\"b\":[1,2]}", "{\"b\":[1,2],\"a\":1}", true },
        { "{\"a\":1}", "{\"a\":1,\"b\":2}", false },
        { "{\"a\":12}", "{\"a\":1}", false },
        { "[{\"a\":\"}\\\"\",\"n\":{\"x\":[]}}]", "[{\"a\":\"}\\\"\"}]", true },
        { "[1,2]", "[1]", false },
        { "[1]", "[1,2]", false },
        { "[]", "[]", true },
        { "{\"a\":{}}", "{\"a\":[]}", false },
        { "{\"a\":null}", "{\"a\":\"\"}", false },
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        ck_assert_msg(covers(cases[k].is, cases[k].was) == cases[k].covers, "%s and %s",
                      cases[k].is, cases[k].was);
    }
}

/* ---- what was, and what becomes of it ---- */

#define MISSING "\"missing\":"

static void expect_replies(const struct daemon *daemon, unsigned format)
{
    char path[192], *due = malloc(REPLY_SIZE);
    int n = 0;
    FILE *file = open_fixture(format, "replies");
    ck_assert_ptr_nonnull(due);
    for (; fscanf(file, "%191s ", path) == 1; n++) {
        ck_assert_ptr_nonnull(fgets(due, REPLY_SIZE, file));
        struct answer answer = request(daemon, "GET", path, NULL);
        ck_assert_int_eq(answer.code, 200);
        char *former = strstr(due, ",\"calibration\":{\"format\":1,"); /* now of another format */
        if (former) {
            memcpy(former, "}\n", sizeof "}\n");
        }
        former = strstr(due, MISSING "\"last\""); /* of files that do not say it */
        if (former) {
            const char *rest = former + strlen(MISSING "\"last\"");
            memmove(former + strlen(MISSING "\"forecast\""), rest, strlen(rest) + 1);
            memcpy(former, MISSING "\"forecast\"", strlen(MISSING "\"forecast\""));
        }
        ck_assert_msg(covers(answer.body, due), "%s was\n%s\nand is\n%s", path, due, answer.body);
        answer_free(&answer);
    }
    ck_assert_int_gt(n, 30);
    fclose(file);
    free(due);
}

/* Returns whether the answer is the older grud's. */
static bool step(const struct daemon *daemon, unsigned format)
{
    char body[64], *due = malloc(REPLY_SIZE);
    ck_assert_ptr_nonnull(due);
    read_fixture(format, "step", due);
    snprintf(body, sizeof body, "{\"x\":[%.4f,%.4f]}", sin(0.4 * 40), cos(0.4 * 40));
    struct answer answer = request(daemon, "POST", PUMP "/sessions/s-1/step", body);
    ck_assert_msg(answer.code == 200 && number_in(answer.body, "step") == 41, "%s", answer.body);
    bool is_due = covers(answer.body, due);
    answer_free(&answer);
    free(due);
    return is_due;
}

TEST(what_the_first_format_holds_is_not_lost_and_goes_on)
{
    char running[ID_SIZE], waiting[ID_SIZE], paused[ID_SIZE], again[ID_SIZE];
    char *weights = malloc(REPLY_SIZE);
    ck_assert_ptr_nonnull(weights);
    struct daemon daemon = start(1, "no");
    find_id(1, "running", running);
    struct answer answer = wait_for(&daemon, running, "/events?limit=100", "training goes on from");
    answer_free(&answer);
    expect(&daemon, "GET", PUMP "/sessions/brief", NULL, 410, "session_expired");
    expect_replies(&daemon, 1);
    bool is_step_equal = step(&daemon, 1);
    steer(&daemon, running, "cancel");
    static const char *const in_turn[] = { "validating", "queued" };
    for (size_t k = 0; k < sizeof in_turn / sizeof *in_turn; k++) {
        find_id(1, in_turn[k], waiting);
        wait_version(&daemon, waiting);
    }

    /* A machine of other instructions rounds otherwise, and shows it by the weights of a new job.
     */
    find_id(1, "paused", paused);
    steer(&daemon, paused, "resume");
    unsigned resumed = wait_version(&daemon, paused);
    post_again(&daemon, again);
    unsigned version = wait_version(&daemon, again);
    answer = request(&daemon, "GET", PUMP "/versions/3/file", NULL);
    ck_assert_int_eq(answer.code, 200);
    if (has_weights(&daemon, version, answer.body, answer.n_body)) {
        size_t n = read_fixture(1, "resumed.safetensors", weights);
        ck_assert_msg(has_weights(&daemon, resumed, weights, n),
                      "the resumed job did not come to the weights that it had to");
        ck_assert(is_step_equal);
    }
    answer_free(&answer);
    free(weights);
    daemon_stop(&daemon);
}

/* Intervals are compared where the forecast is the same: on a machine of the same instructions. */
static void expect_intervals_go_on(unsigned format, const char *amend)
{
    char *due = malloc(REPLY_SIZE);
    ck_assert_ptr_nonnull(due);
    struct daemon daemon = start(format, amend);
    expect(&daemon, "GET", PUMP "/sessions/brief", NULL, 410, "session_expired");
    expect_replies(&daemon, format);
    read_fixture(format, "intervals", due);
    struct answer answer =
        request(&daemon, "POST", PUMP "/sessions/c-1/forecast", "{\"horizon\":3,\"level\":0.9}");
    ck_assert_int_eq(answer.code, 200);
    ck_assert_ptr_nonnull(strstr(due, ",\"coverage\":"));
    ck_assert_msg(strstr(answer.body, strstr(due, ",\"coverage\":")) != NULL, "%s", answer.body);
    const char *forecast = find_member(due, "\"forecast\"", strlen("\"forecast\""));
    if (covers(find_member(answer.body, "\"forecast\"", strlen("\"forecast\"")), forecast)) {
        ck_assert_msg(covers(answer.body, due), "was\n%s\nand is\n%s", due, answer.body);
    }
    answer_free(&answer);
    expect(&daemon, "POST", PUMP "/sessions/c-2/step", "{\"x\":[0,1],\"at\":1700000000,\"seq\":62}",
           409, "1700035400");
    free(due);
    daemon_stop(&daemon);
}

/* As they are, and converted to records with a base. */
TEST(sessions_from_the_third_format_on_go_on_with_their_intervals)
{
    for (unsigned format = 3; format <= 4; format++) {
        expect_intervals_go_on(format, "no");
        expect_intervals_go_on(format, "yes");
    }
}

/* As after an attempt with a newer grud: the file is not taken for a damaged one. */
TEST(a_newer_format_ends_the_start_with_both_numbers)
{
    char command[320], log[4096];
    struct daemon daemon = daemon_prepare();
    format_unpack(1, daemon.directory); /* whose pages have no checksums */
    /* the user version of an SQLite file: 4 bytes at 60, the highest first */
    snprintf(command, sizeof command,
             "cd %s/data && rm jobs.db-wal jobs.db-shm && printf '\\000\\000\\003\\350' | "
             "dd of=jobs.db bs=1 seek=60 conv=notrunc 2>/dev/null",
             daemon.directory);
    ck_assert_int_eq(system(command), 0); // NOLINT(cert-env33-c, concurrency-mt-unsafe): a test
    ck_assert_int_eq(daemon_try_start(&daemon, NULL), 2);
    daemon_wait_log(&daemon, "jobs.db has format 1000, but this version of grud reads up to ", log,
                    sizeof log);
    daemon_remove(&daemon);
}

/* tests/fixtures/formats/calibrations.sh made them, and says what there is. */
TEST(calibrations_of_the_third_format_go_on)
{
    enum { REPLIES = 10 };
    char path[192], body[192], *due = malloc(REPLY_SIZE);
    ck_assert_ptr_nonnull(due);
    struct daemon daemon = daemon_prepare();
    format_unpack_archive(3, "calibrations", daemon.directory);
    daemon_start_again(&daemon, (const char *const[]){ "--session-history", "8", NULL });
    FILE *file = open_fixture(3, "calibrations");
    for (size_t k = 0; k < REPLIES; k++) {
        ck_assert_int_eq(fscanf(file, "%191s %191s ", path, body), 2);
        ck_assert_ptr_nonnull(fgets(due, REPLY_SIZE, file));
        struct answer answer = request(&daemon, "POST", path, body);
        ck_assert_int_eq(answer.code, 200);
        ck_assert_msg(covers(answer.body, due), "%s was\n%s\nand is\n%s", path, due, answer.body);
        answer_free(&answer);
    }
    fclose(file);
    free(due);
    expect(&daemon, "GET", "/v1/models/meter/sessions/far", NULL, 200,
           "\"calibration\":{\"format\":2,\"step\":101,\"levels\":[0.8,0.9,0.95],\"horizons\":24,");
    daemon_stop(&daemon);
}

/* The same text, but for the digits of numbers that were floats: up to `end` in both. */
static bool same_as_floats(const char *is, const char *was, const char *end)
{
    const size_t n = strlen(end);
    while (*was && strncmp(was, end, n) != 0) {
        char *is_end, *was_end;
        const bool is_number = strchr("-0123456789", *is) && strchr("-0123456789", *was);
        if (!is_number && *is++ != *was++) {
            return false;
        }
        if (is_number) {
            if ((float)strtod(is, &is_end) != (float)strtod(was, &was_end)) {
                return false;
            }
            is = is_end;
            was = was_end;
        }
    }
    return *was == '\0' || strncmp(is, end, n) == 0;
}

static void expect_counter(const struct daemon *daemon)
{
    char path[192], *due = malloc(REPLY_SIZE);
    int n = 0;
    FILE *file = open_fixture(5, "counter");
    ck_assert_ptr_nonnull(due);
    for (; fscanf(file, "%191s ", path) == 1; n++) {
        ck_assert_ptr_nonnull(fgets(due, REPLY_SIZE, file));
        due[strcspn(due, "\n")] = '\0';
        struct answer answer = request(daemon, "GET", path, NULL);
        ck_assert_int_eq(answer.code, 200);
        ck_assert_msg(same_as_floats(answer.body, due, ",\"calibration\":"),
                      "%s was\n%s\nand is\n%s", path, due, answer.body);
        answer_free(&answer);
    }
    ck_assert_int_eq(n, 4);
    fclose(file);
    free(due);
}

/* tests/fixtures/formats/counter.sh made it: a float for each value, where two are kept now. What
 * comes from here on has its units, and what had been learned of errors goes on. */
TEST(a_counter_that_was_kept_in_floats_goes_on_with_its_units)
{
    const char *const options[] = { "--session-history", "8", "--record", "100", NULL };
    struct daemon daemon = daemon_prepare();
    format_unpack_archive(5, "counter", daemon.directory);
    for (int round = 0; round < 2; round++) {
        daemon_start_again(&daemon, options);
        expect_counter(&daemon);
        ck_assert_int_eq(daemon_end(&daemon), 0);
    }
    daemon_start_again(&daemon, options);
    static const char *const sessions[] = { "plain", "told" };
    for (int k = 0; k < 4; k++) {
        char path[96], body[64], due[64];
        snprintf(path, sizeof path, "/v1/models/counter/sessions/%s/step", sessions[k / 2]);
        snprintf(body, sizeof body, "{\"x\":[%d,0.5]}", 100000003 + k % 2);
        snprintf(due, sizeof due, "\"step\":%d,\"version\":1,\"y\":[%d]", 41 + k % 2,
                 100000003 + k % 2);
        expect(&daemon, "POST", path, body, 200, due);
    }
    struct answer answer = request(&daemon, "GET", "/v1/models/counter/sessions/told", NULL);
    ck_assert_msg(strstr(answer.body, "\"observed\":[21]"), "%s", answer.body);
    answer_free(&answer);
    daemon_stop(&daemon);
}
