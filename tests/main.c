/* Runs every registered test of one layer and ends with libcheck's summary line. */
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TESTS_MAX = 1024, TIMEOUT_SECONDS = 600 };

static const TTest *tests[TESTS_MAX];
static size_t n_tests;

void test_register(const TTest *test)
{
    if (n_tests == TESTS_MAX) {
        abort();
    }
    tests[n_tests++] = test;
}

static Suite *suite_of_file(const char *file)
{
    const char *base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
    Suite *suite = suite_create(base);
    TCase *cases = tcase_create(base);
    tcase_set_timeout(cases, TIMEOUT_SECONDS);
    for (size_t i = 0; i < n_tests; i++) {
        if (strcmp(tests[i]->file, file) == 0) {
            tcase_add_test(cases, tests[i]);
        }
    }
    suite_add_tcase(suite, cases);
    return suite;
}

static int is_first_of_its_file(size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (strcmp(tests[k]->file, tests[i]->file) == 0) {
            return 0;
        }
    }
    return 1;
}

/* Where grud would listen by default something else does, as on a user's machine beside `make run`:
 * no test may need that port. If it is taken already, that is as good. */
static int occupy_default_port(void)
{
    const struct sockaddr_in address = { .sin_family = AF_INET,
                                         .sin_port = htons(8080),
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0) {
        (void)!listen(fd, 1);
    }
    return fd;
}

int main(void)
{
    int fd = occupy_default_port();
    SRunner *runner = srunner_create(NULL);
    for (size_t i = 0; i < n_tests; i++) {
        if (is_first_of_its_file(i)) {
            srunner_add_suite(runner, suite_of_file(tests[i]->file));
        }
    }
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner), n_run = srunner_ntests_run(runner);
    srunner_free(runner);
    close(fd);
    return failed == 0 && n_run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
