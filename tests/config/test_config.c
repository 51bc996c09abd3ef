#include "config/config.h"
#include "config/config_options.h"
#include "scratch.h"
#include "test.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading with a file, an environment and flags of a test's own ---- */

enum { ERROR_MAX = 1024, LIST_MAX = 8 };

static char error[ERROR_MAX];

#define LIST(...) ((const char *const[LIST_MAX]){ __VA_ARGS__ })

/* Copies of the strings behind `first`, as main has them: not const, and here gone after the
 * reading. */
static int copy_list(const char *first, const char *const list[LIST_MAX],
                     char *copies[LIST_MAX + 2])
{
    int n = 0;
    memset(copies, 0, (LIST_MAX + 2) * sizeof *copies);
    if (first) {
        copies[n++] = strdup(first);
    }
    for (; *list; list++) {
        copies[n++] = strdup(*list);
    }
    return n;
}

static void spoil_and_free(char *copies[LIST_MAX + 2])
{
    for (; *copies; copies++) {
        memset(*copies, 'x', strlen(*copies));
        free(*copies);
    }
}

static bool read_config(const char *const flags[LIST_MAX], const char *const environment[LIST_MAX],
                        struct config *config)
{
    char *argv[LIST_MAX + 2], *variables[LIST_MAX + 2];
    int argc = copy_list("grud", flags, argv);
    copy_list(NULL, environment, variables);
    strcpy(error, "untouched");
    bool fine = config_read(argc, argv, variables, config, error, sizeof error);
    spoil_and_free(argv);
    spoil_and_free(variables);
    return fine;
}

static void expect_error(const char *const flags[LIST_MAX], const char *const environment[LIST_MAX],
                         const char *expected)
{
    struct config config, before;
    memset(&config, 0x5a, sizeof config);
    memset(&before, 0x5a, sizeof before);
    ck_assert_msg(!read_config(flags, environment, &config), "no error, but expected: %s",
                  expected);
    ck_assert_str_eq(error, expected);
    ck_assert_mem_eq(&config, &before, sizeof config);
}

/* The same with a file of that text, whose name FILE stands for in `expected`. */
static void expect_file_error(const char *text, size_t n, const char *expected)
{
    char *folder = folder_create(), *path = path_in(folder, "grud.conf"), full[2 * ERROR_MAX];
    file_write(path, text, n);
    ck_assert(strncmp(expected, "FILE", 4) == 0);
    snprintf(full, sizeof full, "%s%s", path, expected + 4);
    expect_error(LIST("--config", path), LIST(NULL), full);
    free(path);
    folder_remove(folder);
}

/* An option's value as the text that sets it. */
static void value_text(const struct config *config, const struct config_option *option, char *text,
                       size_t size)
{
    const char *field = (const char *)config + option->offset;
    if (option->type == OPTION_STRING) {
        snprintf(text, size, "%s", *(const char *const *)(const void *)field);
    } else if (option->type == OPTION_SIZE) {
        snprintf(text, size, "%zu", *(const size_t *)(const void *)field);
    } else {
        const char *choice = option->choices;
        for (int i = *(const int *)(const void *)field; i > 0; i--) {
            choice += strcspn(choice, "|") + 1;
        }
        snprintf(text, size, "%.*s", (int)strcspn(choice, "|"), choice);
    }
}

static void expect_value(const char *const flags[LIST_MAX], const char *const environment[LIST_MAX],
                         const struct config_option *option, const char *expected)
{
    struct config config;
    char text[200];
    ck_assert_msg(read_config(flags, environment, &config), "%s", error);
    ck_assert_str_eq(error, "untouched");
    value_text(&config, option, text, sizeof text);
    ck_assert_msg(strcmp(text, expected) == 0, "%s is '%s', not '%s'", option->name, text,
                  expected);
    config_done(&config);
}

/* Two allowed values that differ; the first is not the default. */
static void two_values(const struct config_option *option, char one[100], char other[100])
{
    if (option->type == OPTION_STRING) {
        snprintf(one, 100, "/one#two");
        other[0] = '\0';
    } else if (option->type == OPTION_SIZE) {
        snprintf(one, 100, "%zu", option->most);
        snprintf(other, 100, "%zu", option->least);
    } else {
        snprintf(one, 100, "%s", strrchr(option->choices, '|') + 1);
        snprintf(other, 100, "%.*s", (int)strcspn(option->choices, "|"), option->choices);
    }
}

static char *flag_of(const struct config_option *option, const char *value)
{
    char *flag;
    ck_assert_int_ge(asprintf(&flag, "--%s=%s", option->name, value), 0);
    return flag;
}

static char *variable_of(const struct config_option *option, const char *value)
{
    char name[CONFIG_VARIABLE_MAX], *variable;
    config_variable(option, name);
    ck_assert_int_ge(asprintf(&variable, "%s=%s", name, value), 0);
    return variable;
}

/* ---- the table ---- */

TEST(option_names_are_words_with_dashes_and_unique)
{
    for (size_t i = 0; i < CONFIG_N_OPTIONS; i++) {
        const char *name = config_options[i].name;
        ck_assert_uint_eq(strspn(name, "abcdefghijklmnopqrstuvwxyz-"), strlen(name));
        ck_assert_uint_lt(strlen(name) + 5, CONFIG_VARIABLE_MAX);
        ck_assert_msg(strcmp(name, "config") != 0 && strcmp(name, "kernels") != 0, "%s is taken",
                      name);
        for (size_t k = 0; k < i; k++) {
            ck_assert_str_ne(name, config_options[k].name);
        }
    }
}

TEST(every_option_says_what_it_allows)
{
    for (size_t i = 0; i < CONFIG_N_OPTIONS; i++) {
        const struct config_option *option = &config_options[i];
        ck_assert(*option->help != '\0' && *option->value != '\0');
        ck_assert(option->type != OPTION_SIZE || option->least < option->most);
        ck_assert(option->type != OPTION_CHOICE || strchr(option->choices, '|'));
    }
}

TEST(without_anything_said_every_option_has_its_default)
{
    for (size_t i = 0; i < CONFIG_N_OPTIONS; i++) {
        expect_value(LIST(NULL), LIST("PATH=/bin", "GRUDGE=1", "GRU=2"), &config_options[i],
                     config_options[i].initial);
    }
}

TEST(the_environment_wins_over_the_file_and_flags_over_both)
{
    char *folder = folder_create(), *path = path_in(folder, "grud.conf");
    for (size_t i = 0; i < CONFIG_N_OPTIONS; i++) {
        const struct config_option *option = &config_options[i];
        char one[100], other[100], line[300];
        two_values(option, one, other);
        snprintf(line, sizeof line, "%s = %s\n", option->name, one);
        file_write(path, line, strlen(line));
        char *variable = variable_of(option, other), *flag = flag_of(option, one);
        expect_value(LIST("--config", path), LIST(NULL), option, one);
        expect_value(LIST("--config", path), LIST(variable), option, other);
        expect_value(LIST("--config", path, flag), LIST(variable), option, one);
        expect_value(LIST(flag, "--config", path), LIST(NULL), option, one);
        free(variable);
        free(flag);
    }
    free(path);
    folder_remove(folder);
}

TEST(the_last_of_two_flags_wins)
{
    expect_value(LIST("--workers", "3", "--workers=4"), LIST(NULL),
                 &config_options[CONFIG_INDEX_workers], "4");
}

TEST(the_bounds_of_a_number_are_allowed_and_nothing_beyond)
{
    for (size_t i = 0; i < CONFIG_N_OPTIONS; i++) {
        const struct config_option *option = &config_options[i];
        if (option->type != OPTION_SIZE) {
            continue;
        }
        char value[50], expected[300];
        size_t bad[] = { option->most + 1, option->least - 1 };
        for (size_t k = 0; k < (option->least > 0 ? 2 : 1); k++) {
            snprintf(value, sizeof value, "%zu", bad[k]);
            snprintf(expected, sizeof expected,
                     "flag --%s: option '%s' takes a whole number from %zu to %zu, not '%s'",
                     option->name, option->name, option->least, option->most, value);
            char *flag = flag_of(option, value);
            expect_error(LIST(flag), LIST(NULL), expected);
            free(flag);
        }
    }
}

/* ---- what is refused ---- */

TEST(what_is_not_a_plain_number_is_refused)
{
    static const char *const values[] = { "",
                                          " ",
                                          "-1",
                                          "+1",
                                          "1.5",
                                          "1e3",
                                          "0x10",
                                          "1k",
                                          " 1 ",
                                          "1 2",
                                          "12x",
                                          "\xd9\xa1",
                                          "18446744073709551617",
                                          "99999999999999999999999999999999999999" };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char expected[200], *flag = flag_of(&config_options[CONFIG_INDEX_workers], values[i]);
        snprintf(expected, sizeof expected,
                 "flag --workers: option 'workers' takes a whole number from 0 to 256, not '%s'",
                 values[i]);
        expect_error(LIST(flag), LIST(NULL), expected);
        free(flag);
    }
}

TEST(what_is_not_one_of_the_choices_is_refused)
{
    static const char *const values[] = { "",  "rejec",  "rejects", "reject|evict",
                                          "|", "Reject", "evict " };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char expected[200],
            *variable = variable_of(&config_options[CONFIG_INDEX_session_full], values[i]);
        snprintf(expected, sizeof expected,
                 "environment variable GRUD_SESSION_FULL: option 'session-full' takes one of "
                 "reject|evict, "
                 "not '%s'",
                 values[i]);
        expect_error(LIST(NULL), LIST(variable), expected);
        free(variable);
    }
}

TEST(quotes_are_no_part_of_a_value)
{
    static const char *const values[][2] = {
        { "\"/x\"", "/x" }, { "'/x y'", "/x y" }, { "\"/x", "/x" }, { "/x'", "/x" },
        { "\"\"", "" },     { "\"", "" },         { "'30'", "30" }, { "\"no\"", "no" },
    };
    static const size_t options[] = { CONFIG_INDEX_models, CONFIG_INDEX_workers,
                                      CONFIG_INDEX_seccomp };
    char *folder = folder_create(), *path = path_in(folder, "grud.conf");
    for (size_t i = 0; i < 3 * sizeof values / sizeof *values; i++) {
        const struct config_option *option = &config_options[options[i % 3]];
        char line[100], said[200], expected[400];
        const char *const *value = values[i / 3];
        snprintf(line, sizeof line, "\n%s = %s # mine\n", option->name, value[0]);
        snprintf(said, sizeof said, "option '%s' takes its value without quotes: write %s, not %s",
                 option->name, value[1], value[0]);
        snprintf(expected, sizeof expected, "%s:2: %s", path, said);
        text_write(folder, "grud.conf", line);
        expect_error(LIST("--config", path), LIST(NULL), expected);
        char *variable = variable_of(option, value[0]), *flag = flag_of(option, value[0]);
        snprintf(expected, sizeof expected, "flag --%s: %s", option->name, said);
        expect_error(LIST(flag), LIST(NULL), expected);
        *strchr(variable, '=') = '\0';
        snprintf(expected, sizeof expected, "environment variable %s: %s", variable, said);
        variable[strlen(variable)] = '=';
        expect_error(LIST(NULL), LIST(variable), expected);
        free(variable);
        free(flag);
    }
    free(path);
    folder_remove(folder);
    expect_value(LIST("--models", "/it's"), LIST(NULL), &config_options[CONFIG_INDEX_models],
                 "/it's");
}

TEST(a_bad_value_is_refused_even_if_a_better_source_has_another)
{
    expect_error(LIST("--workers=1"), LIST("GRUD_WORKERS=x"),
                 "environment variable GRUD_WORKERS: option 'workers' takes a whole number from 0 "
                 "to 256, not 'x'");
}

TEST(bad_flags_are_refused)
{
    expect_error(LIST("--nonsense", "1"), LIST(NULL),
                 "flag --nonsense: there is no such option; grud --help lists all");
    expect_error(LIST("--nonsense=1"), LIST(NULL),
                 "flag --nonsense: there is no such option; grud --help lists all");
    expect_error(LIST("--session_max", "1"), LIST(NULL),
                 "flag --session_max: there is no such option; grud --help lists all");
    expect_error(LIST("--work", "1"), LIST(NULL),
                 "flag --work: there is no such option; grud --help lists all");
    expect_error(LIST("--listen=:1", "--workers"), LIST(NULL),
                 "flag --workers: its value is missing");
    expect_error(LIST("--config"), LIST(NULL), "flag --config: its value is missing");
    expect_error(LIST("serve"), LIST(NULL),
                 "command line: expected a flag such as --listen, not 'serve'");
    expect_error(LIST(""), LIST(NULL), "command line: expected a flag such as --listen, not ''");
    expect_error(LIST("-w"), LIST(NULL),
                 "command line: expected a flag such as --listen, not '-w'");
    expect_error(LIST("--"), LIST(NULL),
                 "command line: expected a flag such as --listen, not '--'");
    expect_error(LIST("--=1"), LIST(NULL),
                 "flag --: there is no such option; grud --help lists all");
}

TEST(unknown_variables_are_refused)
{
    expect_error(
        LIST(NULL), LIST("GRUD_WORKER=1"),
        "environment variable GRUD_WORKER: there is no such option; grud --help lists all");
    expect_error(LIST(NULL), LIST("GRUD_=1"),
                 "environment variable GRUD_: there is no such option; grud --help lists all");
    expect_error(
        LIST(NULL), LIST("GRUD_WORKERS"),
        "environment variable GRUD_WORKERS: there is no such option; grud --help lists all");
    expect_error(
        LIST(NULL), LIST("GRUD_workers=1"),
        "environment variable GRUD_workers: there is no such option; grud --help lists all");
    expect_error(
        LIST(NULL), LIST("GRUD_PORT_FIL=1"),
        "environment variable GRUD_PORT_FIL: there is no such option; grud --help lists all");
}

TEST(variables_of_the_library_and_of_kubernetes_are_let_through)
{
    expect_value(LIST(NULL),
                 LIST("GRUD_KERNELS=avx2", "GRUD_SERVICE_HOST=10.0.0.1",
                      "GRUD_SERVICE_PORT_HTTP=80", "GRUD_PORT=tcp://10.0.0.1:80",
                      "GRUD_PORT_80_TCP_ADDR=10.0.0.1", "GRUD_PORT_FILE=/port"),
                 &config_options[CONFIG_INDEX_port_file], "/port");
}

#define FILE_ERROR(text, expected) expect_file_error((text), sizeof(text) - 1, (expected))

TEST(bad_lines_are_refused_with_their_number)
{
    FILE_ERROR("# fine\n\nnonsense = 1\n",
               "FILE:3: there is no option 'nonsense'; grud --help lists all");
    FILE_ERROR("workers\n", "FILE:1: expected 'name = value', not 'workers'");
    FILE_ERROR("workers = 1\nlisten = :1\nworkers = 1",
               "FILE:3: option 'workers' was already given in line 1");
    FILE_ERROR("workers = \n",
               "FILE:1: option 'workers' takes a whole number from 0 to 256, not ''");
    FILE_ERROR("workers = 1 # one\nlog-level = loud\n",
               "FILE:2: option 'log-level' takes one of debug|info|warn|error, not 'loud'");
    FILE_ERROR("workers = 1\0 2\n", "FILE:1: the line has a NUL byte");
    FILE_ERROR("= 1\n", "FILE:1: there is no option ''; grud --help lists all");
    FILE_ERROR("config = x\n", "FILE:1: there is no option 'config'; grud --help lists all");
    FILE_ERROR("session_max = 1\n",
               "FILE:1: there is no option 'session_max'; grud --help lists all");
    FILE_ERROR("work#ers = 1\n", "FILE:1: there is no option 'work#ers'; grud --help lists all");
}

TEST(long_names_and_values_are_shown_cut)
{
    char text[3000], expected[300];
    memset(text, 'x', sizeof text);
    snprintf(expected, sizeof expected, "FILE:1: expected 'name = value', not '%.100s'", text);
    expect_file_error(text, sizeof text, expected);
}

TEST(a_file_that_cannot_be_read_is_refused)
{
    expect_error(LIST("--config=/nonexistent/grud.conf"), LIST(NULL),
                 "/nonexistent/grud.conf: the configuration file cannot be opened: No such file or "
                 "directory; make or mount "
                 "/nonexistent, or name another place");
    expect_error(LIST(NULL), LIST("GRUD_CONFIG=/tmp"),
                 "/tmp: the configuration file cannot be read: Is a directory");
    size_t n = (1 << 20) + 1;
    char *text = malloc(n);
    ck_assert_ptr_nonnull(text);
    memset(text, '\n', n);
    expect_file_error(text, n, "FILE: the configuration file is longer than 1048576 bytes");
    free(text);
}

/* ---- what is understood ---- */

TEST(the_file_is_found_by_flag_before_environment)
{
    char *folder = folder_create(), *one = path_in(folder, "one"), *two = path_in(folder, "two"),
         *variable;
    text_write(folder, "one", "workers = 1");
    text_write(folder, "two", "workers = 2");
    ck_assert_int_ge(asprintf(&variable, "GRUD_CONFIG=%s", one), 0);
    const struct config_option *workers = &config_options[CONFIG_INDEX_workers];
    expect_value(LIST(NULL), LIST(variable), workers, "1");
    expect_value(LIST("--config", two), LIST(variable), workers, "2");
    expect_value(LIST("--config="), LIST(variable), workers, "0");
    expect_value(LIST(NULL), LIST("GRUD_CONFIG="), workers, "0");
    free(variable);
    free(one);
    free(two);
    folder_remove(folder);
}

TEST(lines_may_have_blanks_comments_and_any_line_end)
{
    char *folder = folder_create(), *path = path_in(folder, "grud.conf");
    text_write(folder, "grud.conf",
               "# a comment = not an option\r\n"
               "\t workers=7\t# seven\r\n"
               "   # indented\n"
               "models = /srv/a b#c = d  \n"
               "data =");
    expect_value(LIST("--config", path), LIST(NULL), &config_options[CONFIG_INDEX_workers], "7");
    expect_value(LIST("--config", path), LIST(NULL), &config_options[CONFIG_INDEX_models],
                 "/srv/a b#c = d");
    expect_value(LIST("--config", path), LIST(NULL), &config_options[CONFIG_INDEX_data], "");
    free(path);
    folder_remove(folder);
}

TEST(an_empty_file_changes_nothing)
{
    expect_value(LIST("--config=/dev/null"), LIST(NULL), &config_options[CONFIG_INDEX_listen],
                 config_options[CONFIG_INDEX_listen].initial);
}

TEST(strings_outlive_their_sources)
{
    struct config config;
    ck_assert(read_config(LIST("--data=/somewhere"), LIST("GRUD_MODELS=/models"), &config));
    ck_assert_str_eq(config.data, "/somewhere");
    ck_assert_str_eq(config.models, "/models");
    ck_assert_str_eq(config.port_file, "");
    config_done(&config);
    config_done(&config);
    config_done(NULL);
}

TEST(choices_are_the_numbers_of_their_enumeration)
{
    struct config config;
    ck_assert(read_config(LIST("--session-full=evict", "--log-level=error"), LIST(NULL), &config));
    ck_assert_int_eq(config.session_full, CONFIG_EVICT);
    ck_assert_int_eq(config.log_level, LOG_ERROR);
    config_done(&config);
    ck_assert(read_config(LIST("--session-full=reject", "--log-level=debug"), LIST(NULL), &config));
    ck_assert_int_eq(config.session_full, CONFIG_REJECT);
    ck_assert_int_eq(config.log_level, LOG_DEBUG);
    config_done(&config);
}

TEST(the_configuration_file_gives_the_defaults_also_without_its_comment_signs)
{
    char *folder = folder_create(), *path = path_in(folder, "grud.conf");
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    config_print_file(file);
    ck_assert_int_eq(fclose(file), 0);
    size_t n;
    char *text = file_read(path, &n);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < CONFIG_N_OPTIONS; i++) {
            expect_value(LIST("--config", path), LIST(NULL), &config_options[i],
                         config_options[i].initial);
        }
        size_t n_options = 0;
        for (char *p = text; *p != '\0'; p++) {
            if (p[0] == '#' && p[1] >= 'a' && p[1] <= 'z' && p > text && p[-1] == '\n') {
                *p = ' ';
                n_options++;
            }
        }
        ck_assert_uint_eq(n_options, pass == 0 ? CONFIG_N_OPTIONS : 0);
        file_write(path, text, strlen(text));
    }
    free(text);
    free(path);
    folder_remove(folder);
}
