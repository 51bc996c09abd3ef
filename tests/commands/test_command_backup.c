/* grud backup: what it takes, and what it hands on. */
#include "command_support.h"
#include "commands/command.h"
#include "test.h"

#include <string.h>

static char data_seen[64], to_seen[64];
static enum status answer;

static enum status note(const char *data, const char *to, struct fault *fault)
{
    strncpy(data_seen, data, sizeof data_seen - 1);
    strncpy(to_seen, to, sizeof to_seen - 1);
    return answer == STATUS_OK ? STATUS_OK
                               : fault_set(fault, answer, NULL, "the disk is full of sand");
}

static char *const *environment;

static int backup(int argc, char *const argv[])
{
    return command_backup(argc, argv, environment, note);
}

TEST(the_data_directory_is_that_of_the_options_or_the_environment)
{
    char *const none[] = { NULL }, *const some[] = { (char[]){ "GRUD_DATA=/of/grud" }, NULL };
    environment = none;
    struct outcome outcome = run(backup, "--data", "/d", "/t", NULL);
    ck_assert(outcome.code == 0 && strcmp(outcome.err, "") == 0 && strcmp(outcome.out, "") == 0);
    ck_assert_str_eq(data_seen, "/d");
    ck_assert_str_eq(to_seen, "/t");
    outcome_done(&outcome);
    environment = some;
    outcome = run(backup, "/u", NULL);
    ck_assert_int_eq(outcome.code, 0);
    ck_assert_str_eq(data_seen, "/of/grud");
    ck_assert_str_eq(to_seen, "/u");
    outcome_done(&outcome);
}

TEST(what_went_wrong_is_said)
{
    static char *const none[] = { NULL };
    environment = none;
    answer = STATUS_STORAGE_FAILED;
    struct outcome outcome = run(backup, "--data", "/d", "/t", NULL);
    ck_assert_int_eq(outcome.code, 1);
    ck_assert_str_eq(outcome.err, "grud backup: the disk is full of sand\n");
    outcome_done(&outcome);
    outcome = run(backup, "/t", NULL);
    ck_assert(outcome.code == 2 && strstr(outcome.err, "Say --data DIR"));
    outcome_done(&outcome);
    outcome = run(backup, NULL);
    ck_assert(outcome.code == 2 && strstr(outcome.err, "usage: "));
    outcome_done(&outcome);
    outcome = run(backup, "--help", NULL);
    ck_assert(outcome.code == 0 && strstr(outcome.out, "usage: grud backup [OPTIONS] TO"));
    outcome_done(&outcome);
}
