/* The man pages and the scripts of shells are what the tables say. */
#include "commands/command_table.h"
#include "commands/completion_scripts.h"
#include "commands/manual.h"
#include "config/config_options.h"
#include "scratch.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *manual_of(enum manual_page page, const struct command_line *line)
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    ck_assert_ptr_nonnull(out);
    ck_assert(manual_print(page, line, out));
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

/* With UPDATE_FILES set, the file is written first. */
static void check_file(const char *path, const char *expected)
{
    if (getenv("UPDATE_FILES")) { /* NOLINT(concurrency-mt-unsafe) */
        file_write(path, expected, strlen(expected));
    }
    size_t n;
    char *text = file_read(path, &n);
    ck_assert_msg(strcmp(text, expected) == 0, "%s is out of date: make config-files", path);
    free(text);
}

static void check_manual(const char *path, enum manual_page page, const struct command_line *line)
{
    char *text = manual_of(page, line);
    check_file(path, text);
    free(text);
}

TEST(man_pages_are_up_to_date)
{
    check_manual("config/grud.1", MANUAL_GRUD, NULL);
    check_manual("config/grud.conf.5", MANUAL_CONF, NULL);
    for (size_t k = 0; k < COMMAND_TABLE_N; k++) {
        char path[80];
        snprintf(path, sizeof path, "config/grud-%s.1", command_table[k]->command);
        ck_assert_int_eq(command_table[k]->manual || access(path, F_OK) == 0,
                         command_table[k]->manual != NULL);
        if (command_table[k]->manual) {
            check_manual(path, MANUAL_COMMAND, command_table[k]);
        }
    }
}

TEST(scripts_of_shells_are_up_to_date)
{
    for (size_t k = 0; k < COMPLETION_N_SCRIPTS; k++) {
        check_file(completion_scripts[k].path, completion_scripts[k].text);
    }
}

TEST(man_pages_know_every_option_of_the_daemon)
{
    char *grud = manual_of(MANUAL_GRUD, NULL), *conf = manual_of(MANUAL_CONF, NULL);
    char text[200];
    for (size_t k = 0; k < CONFIG_N_OPTIONS; k++) {
        config_variable(&config_options[k], text);
        ck_assert_msg(strstr(grud, text) != NULL, "%s", text);
        const char *value = config_options[k].value;
        snprintf(text, sizeof text, " =\\fR \\fI%s\\fR\n", *value ? value : "MODE");
        ck_assert_msg(strstr(conf, text) != NULL, "%s", text);
    }
    free(grud);
    free(conf);
}

/* What mandoc -T lint warns of is wrong in some reader. */
TEST(man_pages_are_clean)
{
    if (system("command -v mandoc >/dev/null") != 0) { // NOLINT(cert-env33-c)
        fputs("man pages: SKIPPED, there is no mandoc\n", stderr);
        return;
    }
    // NOLINTNEXTLINE(cert-env33-c): a test's own command
    ck_assert_int_eq(system("mandoc -T lint -W style config/*.[15]"), 0);
}
