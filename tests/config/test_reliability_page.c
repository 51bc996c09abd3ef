/* docs/RELIABILITY.md names limits with their defaults: those of the table of options. */
#include "config/config_options.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

static const struct config_option *find(const char *name)
{
    for (size_t i = 0; i < CONFIG_N_OPTIONS; i++) {
        if (strcmp(config_options[i].name, name) == 0) {
            return &config_options[i];
        }
    }
    ck_abort_msg("there is no option --%s", name);
}

TEST(the_page_has_the_defaults_of_the_limits)
{
    char line[1024], name[64], initial[64];
    unsigned n_limits = 0;
    FILE *page = fopen("docs/RELIABILITY.md", "re");
    ck_assert_ptr_nonnull(page);
    while (fgets(line, sizeof line, page)) {
        if (sscanf(line, "| `--%63[a-z-]` | %63[0-9] |", name, initial) == 2) {
            ck_assert_str_eq(initial, find(name)->initial);
            n_limits++;
        }
    }
    fclose(page);
    ck_assert_uint_gt(n_limits, 10);
}
