/*
 * driver.c - lets calls of the real daemon fail, one after the other, and looks what comes of it.
 *
 *     SCENARIO=name CLASS=class AT=n STRIDE=k    one scenario, one class, one case; every k-th case
 *
 * Without STRIDE a row of cases is thinned out to a handful.
 */
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { NAMES_MAX = 24, PATH_SIZE = 160 };

struct driver driver;

const int fault_classes[] = { FAULT_MEMORY, FAULT_SPACE, FAULT_IO, FAULT_SHORT, 0 };

/* ---- what is asked for ---- */

static const char *wanted(const char *name)
{
    const char *value = getenv(name); // NOLINT(concurrency-mt-unsafe): there is one thread
    return value && value[0] ? value : NULL;
}

static long wanted_number(const char *name)
{
    const char *value = wanted(name);
    return value ? strtol(value, NULL, 10) : 0;
}

const char *fault_class_name(int class)
{
    return class == FAULT_MEMORY  ? "memory"
           : class == FAULT_SPACE ? "space"
           : class == FAULT_IO    ? "io"
           : class == FAULT_SHORT ? "short"
                                  : "sync";
}

bool fault_class_is_due(int class)
{
    const char *name = wanted("CLASS");
    return !name || strcmp(name, fault_class_name(class)) == 0;
}

/* ---- faults ---- */

void fault_arm(int class, long at, bool is_for_good, const char *threads)
{
    struct fault_control *control = driver.control;
    atomic_store(&control->class, class);
    atomic_store(&control->at, at);
    atomic_store(&control->is_for_good, is_for_good);
    atomic_store(&control->n_calls, 0);
    atomic_store(&control->n_failed, 0);
    control->call[0] = '\0';
    snprintf(control->threads, sizeof control->threads, "%s", threads);
    atomic_store(&control->is_armed, true);
}

long fault_disarm(long *ret_n_calls)
{
    struct fault_control *control = driver.control;
    if (!atomic_exchange(&control->is_armed, false)) {
        return 0;
    }
    long n_failed = atomic_load(&control->n_failed);
    *(atomic_load(&control->class) == FAULT_MEMORY ? &driver.n_memory_faults
                                                   : &driver.n_file_faults) += n_failed;
    if (ret_n_calls) {
        *ret_n_calls = atomic_load(&control->n_calls);
    }
    return n_failed;
}

bool each_case(int class, long n_calls, long n_cases, void (*run_case)(void *context),
               void *context)
{
    long stride = wanted_number("STRIDE"), only = wanted_number("AT");
    if (stride <= 0) {
        stride = n_calls > n_cases ? (n_calls + n_cases - 1) / n_cases : 1;
    }
    bool is_fine = true;
    driver.class = class;
    /* The last ones first: what a request does at its end is what it could forget to undo. */
    for (driver.at = only > 0 ? only : n_calls; is_fine && driver.at > 0; driver.at -= stride) {
        is_fine = guarded(run_case, context);
        if (only > 0) {
            break;
        }
    }
    driver.class = 0;
    return is_fine;
}

/* ---- the daemon ---- */

const char *root_path(const char *name)
{
    static char paths[4][PATH_SIZE];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, PATH_SIZE, "%s/%s", driver.root, name);
    return path;
}

const char *const *options_with(const char *const *more)
{
    static char models[PATH_SIZE];
    static const char *options[NAMES_MAX] = {
        "--workers",       "1",  "--models", models, "--session-max",      "4096",
        "--tombstone-max", "64", "--record", "64",   "--sync-interval-ms", "3600000"
    };
    size_t n = 12;
    snprintf(models, sizeof models, "%s/models", driver.root);
    for (; more && *more && n + 1 < NAMES_MAX; n++) {
        options[n] = *more++;
    }
    options[n] = NULL;
    return options;
}

/* The environment is for the daemon only: this program has long been loaded. */
static void set_shim(bool is_on)
{
    // NOLINTBEGIN(concurrency-mt-unsafe): there is one thread
    if (is_on) {
        setenv("LD_PRELOAD", wanted("SHIM"), 1);
    } else {
        unsetenv("LD_PRELOAD");
    }
    // NOLINTEND(concurrency-mt-unsafe)
}

int shimmed_try_start(const char *const *options)
{
    char log[PATH_SIZE];
    snprintf(log, sizeof log, "%s/log", driver.daemon.directory);
    unlink(log);
    set_shim(true);
    int code = daemon_try_start(&driver.daemon, options);
    set_shim(false);
    driver.is_up = code == -1;
    ck_assert_msg(code < 125, "grud died at its start: %d", code);
    return code;
}

void shimmed_start_again(const char *const *options)
{
    int code = shimmed_try_start(options);
    ck_assert_msg(code == -1, "grud ended at its start with %d", code);
}

void shimmed_start(const char *const *options)
{
    driver.daemon = (struct daemon){ .pid = 0 };
    snprintf(driver.daemon.directory, sizeof driver.daemon.directory, "%s", root_path("daemon"));
    ck_assert_int_eq(mkdir(driver.daemon.directory, 0700), 0);
    driver.newest = driver.n_gone = 0;
    shimmed_start_again(options);
}

int shimmed_end(void)
{
    driver.is_up = false;
    int code = daemon_end(&driver.daemon);
    ck_assert_msg(code < 125, "grud died at its end: %d", code);
    return code;
}

void shimmed_remove(void)
{
    daemon_remove(&driver.daemon);
}

bool log_has(const char *text)
{
    char path[PATH_SIZE], line[1024];
    snprintf(path, sizeof path, "%s/log", driver.daemon.directory);
    FILE *file = fopen(path, "r");
    bool found = false;
    while (file && !found && fgets(line, sizeof line, file)) {
        found = strstr(line, text) != NULL;
    }
    if (file) {
        fclose(file);
    }
    return found;
}

/* ---- scenarios ---- */

static void run_scenario(void *context)
{
    const struct scenario *scenario = context;
    scenario->run(scenario);
}

static void run_table(const struct scenario *table)
{
    const char *only = wanted("SCENARIO");
    for (const struct scenario *scenario = table; scenario->name; scenario++) {
        if (only && strcmp(only, scenario->name) != 0) {
            continue;
        }
        struct driver before = driver;
        struct timespec began, ended;
        clock_gettime(CLOCK_MONOTONIC, &began);
        driver.scenario = scenario;
        (void)guarded(run_scenario, (void *)(uintptr_t)scenario);
        clock_gettime(CLOCK_MONOTONIC, &ended);
        printf("%-18s %7ld %7ld %8ld %8ld %8ld %6.1f s\n", scenario->name,
               driver.n_memory_faults - before.n_memory_faults,
               driver.n_file_faults - before.n_file_faults, driver.n_errors - before.n_errors,
               driver.n_cut - before.n_cut, driver.n_exits - before.n_exits,
               (double)(ended.tv_sec - began.tv_sec) +
                   1e-9 * (double)(ended.tv_nsec - began.tv_nsec));
        fflush(stdout);
        if (driver.n_violations == before.n_violations) {
            shimmed_remove();
        } else {
            rename(driver.daemon.directory, root_path(scenario->name)); /* to be looked at */
        }
    }
}

/* ---- the root ---- */

static void make_model(const char *name, const char *size)
{
    char output[4096];
    int code =
        daemon_run((const char *const[]){ "init", "--inputs", "temp,load", "--outputs", "temp,load",
                                          "--layers", size, "-o", root_path(name), NULL },
                   output, sizeof output);
    ck_assert_msg(code == 0, "%s", output);
}

static void make_root(void)
{
    snprintf(driver.root, sizeof driver.root, "/tmp/grud-faults-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(driver.root));
    ck_assert_int_eq(mkdir(root_path("models"), 0700), 0);
    char fixture[4096];
    ck_assert_ptr_nonnull(realpath("tests/fixtures/golden/torch-small.safetensors", fixture));
    ck_assert_int_eq(symlink(fixture, root_path("models/small.safetensors")), 0);
    FILE *file = fopen(root_path("control"), "w+");
    ck_assert(file && ftruncate(fileno(file), sizeof *driver.control) == 0);
    void *page =
        mmap(NULL, sizeof *driver.control, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
    ck_assert_ptr_ne(page, MAP_FAILED);
    fclose(file);
    driver.control = page;
    setenv(FAULT_FILE_VARIABLE, root_path("control"), 1); // NOLINT(concurrency-mt-unsafe)
    make_model("pump", "8");
    make_model("pump-wide", "12");
}

static void remove_root(void)
{
    struct daemon root = { .pid = 0 };
    snprintf(root.directory, sizeof root.directory, "%s", driver.root);
    daemon_remove(&root);
}

int main(void)
{
    ck_assert_msg(wanted("SHIM") != NULL, "SHIM names the shim");
    make_root();
    printf("%-18s %7s %7s %8s %8s %8s\n", "scenario", "memory", "file", "errors", "cut", "exits");
    run_table(request_scenarios);
    run_table(life_scenarios);
    run_table(disk_scenarios);
    printf("%-18s %7ld %7ld %8ld %8ld %8ld\n", "in all", driver.n_memory_faults,
           driver.n_file_faults, driver.n_errors, driver.n_cut, driver.n_exits);
    printf("%ld faults, %ld violations\n", driver.n_memory_faults + driver.n_file_faults,
           driver.n_violations);
    if (driver.n_violations == 0 && driver.n_memory_faults + driver.n_file_faults > 0) {
        remove_root();
        return EXIT_SUCCESS;
    }
    return EXIT_FAILURE;
}
