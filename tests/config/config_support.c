#include "config_support.h"

#include "scratch.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

char config_error[CONFIG_ERROR_MAX];

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

bool config_read_lists(const char *const flags[LIST_MAX], const char *const environment[LIST_MAX],
                       struct config *config)
{
    char *argv[LIST_MAX + 2], *variables[LIST_MAX + 2];
    int argc = copy_list("grud", flags, argv);
    copy_list(NULL, environment, variables);
    strcpy(config_error, "untouched");
    bool fine = config_read(argc, argv, variables, config, config_error, sizeof config_error);
    spoil_and_free(argv);
    spoil_and_free(variables);
    return fine;
}

void expect_error(const char *const flags[LIST_MAX], const char *const environment[LIST_MAX],
                  const char *expected)
{
    struct config config, before;
    memset(&config, 0x5a, sizeof config);
    memset(&before, 0x5a, sizeof before);
    ck_assert_msg(!config_read_lists(flags, environment, &config), "no error, but expected: %s",
                  expected);
    ck_assert_str_eq(config_error, expected);
    ck_assert_mem_eq(&config, &before, sizeof config);
}

void expect_file_error(const char *text, size_t n, const char *expected)
{
    char *folder = folder_create(), *path = path_in(folder, "grud.conf"),
         full[2 * CONFIG_ERROR_MAX];
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

void expect_value(const char *const flags[LIST_MAX], const char *const environment[LIST_MAX],
                  const struct config_option *option, const char *expected)
{
    struct config config;
    char text[200];
    ck_assert_msg(config_read_lists(flags, environment, &config), "%s", config_error);
    ck_assert_str_eq(config_error, "untouched");
    value_text(&config, option, text, sizeof text);
    ck_assert_msg(strcmp(text, expected) == 0, "%s is '%s', not '%s'", option->name, text,
                  expected);
    config_done(&config);
}

void option_two_values(const struct config_option *option, char one[100], char other[100])
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

char *option_flag(const struct config_option *option, const char *value)
{
    char *flag;
    ck_assert_int_ge(asprintf(&flag, "--%s=%s", option->name, value), 0);
    return flag;
}

char *option_variable(const struct config_option *option, const char *value)
{
    char name[CONFIG_VARIABLE_MAX], *variable;
    config_variable(option, name);
    ck_assert_int_ge(asprintf(&variable, "%s=%s", name, value), 0);
    return variable;
}
