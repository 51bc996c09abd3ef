#include "config/config_support.h"
#include "scratch.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

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
        ck_assert(*option->help != '\0');
        ck_assert(*option->value != '\0' || option->type == OPTION_CHOICE);
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
        option_two_values(option, one, other);
        snprintf(line, sizeof line, "%s = %s\n", option->name, one);
        file_write(path, line, strlen(line));
        char *variable = option_variable(option, other), *flag = option_flag(option, one);
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

/* --no-page: what follows is the next flag, not its value. */
TEST(a_flag_without_a_value_stands_alone)
{
    const struct config_option *option = &config_options[CONFIG_INDEX_no_page];
    expect_value(LIST("--no-page"), LIST(NULL), option, "yes");
    expect_value(LIST("--no-page", "--workers", "3"), LIST(NULL), option, "yes");
    expect_value(LIST("--no-page=no"), LIST("GRUD_NO_PAGE=yes"), option, "no");
    expect_value(LIST(NULL), LIST("GRUD_NO_PAGE=yes"), option, "yes");
    expect_error(LIST("--no-page", "yes"), LIST(NULL),
                 "command line: expected a flag such as --listen, not 'yes'");
    expect_error(LIST("--no-page=maybe"), LIST(NULL),
                 "flag --no-page: option 'no-page' takes one of no|yes, not 'maybe'");
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
            char *flag = option_flag(option, value);
            expect_error(LIST(flag), LIST(NULL), expected);
            free(flag);
        }
    }
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
    ck_assert(config_read_lists(LIST("--data=/somewhere"), LIST("GRUD_MODELS=/models"), &config));
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
    ck_assert(
        config_read_lists(LIST("--session-full=evict", "--log-level=error"), LIST(NULL), &config));
    ck_assert_int_eq(config.session_full, CONFIG_EVICT);
    ck_assert_int_eq(config.log_level, LOG_ERROR);
    config_done(&config);
    ck_assert(
        config_read_lists(LIST("--session-full=reject", "--log-level=debug"), LIST(NULL), &config));
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
