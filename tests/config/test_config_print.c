/* What is printed about the options. */
#include "config/config.h"
#include "config/config_options.h"
#include "scratch.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

static char *printed(void (*print)(FILE *))
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    ck_assert_ptr_nonnull(out);
    print(out);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

/* With UPDATE_FILES set, the file is written first. */
static void check_file(const char *path, void (*print)(FILE *))
{
    char *expected = printed(print);
    if (getenv("UPDATE_FILES")) { /* NOLINT(concurrency-mt-unsafe) */
        file_write(path, expected, strlen(expected));
    }
    size_t n;
    char *text = file_read(path, &n);
    ck_assert_msg(strcmp(text, expected) == 0, "%s is out of date: UPDATE_FILES=1 writes it", path);
    free(text);
    free(expected);
}

TEST(the_configuration_file_is_up_to_date)
{
    check_file("config/grud.conf", config_print_file);
}

TEST(help_knows_every_option)
{
    char *help = printed(config_print_help), text[200];
    for (size_t i = 0; i < CONFIG_N_OPTIONS; i++) {
        snprintf(text, sizeof text, "  --%s %s ", config_options[i].name, config_options[i].value);
        ck_assert_msg(strstr(help, text) != NULL, "%s", text);
    }
    free(help);
}

TEST(lines_of_help_and_of_the_file_fit_a_terminal)
{
    char *texts[] = { printed(config_print_help), printed(config_print_file) };
    for (size_t i = 0; i < 2; i++) {
        for (const char *line = texts[i]; *line != '\0'; line += strcspn(line, "\n") + 1) {
            size_t n = strcspn(line, "\n");
            ck_assert_msg(n <= 100, "%.*s", (int)n, line);
            ck_assert_msg(n == 0 || line[n - 1] != ' ', "%.*s", (int)n, line);
        }
        free(texts[i]);
    }
}
