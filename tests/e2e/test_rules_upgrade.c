/* Rules of former formats in this daemon. tests/fixtures/formats/rules.sh made them, and says what
 * they have found. */
#include "daemon.h"
#include "formats.h"
#include "rule_support.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

enum { LINE_SIZE = 1024 };

/* Each line of the fixture stands in what is answered, and goes on there. */
static size_t expect_rules(const struct daemon *daemon, unsigned folder)
{
    char path[64], line[LINE_SIZE];
    size_t n = 0;
    snprintf(path, sizeof path, FORMATS "/%u/rules", folder);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    struct answer answer = request(daemon, "GET", RULES, NULL);
    ck_assert_int_eq(answer.code, 200);
    while (fgets(line, sizeof line, file)) {
        line[strlen(line) - strlen("}\n")] = '\0';
        ck_assert_msg(strstr(answer.body, line) != NULL, "no %s in %s", line, answer.body);
        n++;
    }
    fclose(file);
    answer_free(&answer);
    return n;
}

TEST(rules_of_former_formats_go_on)
{
    for (unsigned folder = 7; folder <= 8; folder++) {
        char figure[64];
        struct daemon daemon = daemon_prepare();
        format_unpack_archive(folder, "rules", daemon.directory);
        for (int round = 0; round < 2; round++) {
            daemon_start_again(&daemon, rules_private);
            const size_t n = expect_rules(&daemon, folder);
            ck_assert_uint_eq(n, folder == 7 ? 3 : 5);
            snprintf(figure, sizeof figure, "\ngrud_rules %zu\n", n);
            expect(&daemon, "GET", "/metrics", NULL, 200, figure);
            expect(&daemon, "GET", RULES "/told", NULL, 200, "\"firing\":[{\"session\":\"a-1\",");
            /* What was owed is tried; nobody listens there. */
            rules_wait(&daemon, RULES "/untold", "\"last_failure\":{");
            rules_wait(&daemon, RULES "/ended", "\"last_failure\":{");
            expect(&daemon, "GET", RULES "/told", NULL, 200, "\"last_failure\":null");
            ck_assert_int_eq(daemon_end(&daemon), 0);
        }
        daemon_start_again(&daemon, rules_private);
        expect(&daemon, "DELETE", RULES "/untold", NULL, 204, NULL);
        daemon_stop(&daemon);
    }
}
