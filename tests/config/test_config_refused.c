/* What is refused of a configuration, and in which words. */
#include "config/config_support.h"
#include "scratch.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

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
        char expected[200], *flag = option_flag(&config_options[CONFIG_INDEX_workers], values[i]);
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
            *variable = option_variable(&config_options[CONFIG_INDEX_session_full], values[i]);
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
        char *variable = option_variable(option, value[0]), *flag = option_flag(option, value[0]);
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
