/* What errors of the engine mean. */
#include "cluster/cluster_trouble.h"

#include "test.h"

#include <string.h>

static struct cluster_reply error_of(const char *text)
{
    return (struct cluster_reply){ .type = CLUSTER_ERROR,
                                   .text = { .bytes = text, .n = strlen(text) } };
}

TEST(errors_are_known_by_what_they_begin_with)
{
    static const struct {
        const char *text;
        enum cluster_trouble trouble;
        bool ends;
    } errors[] = {
        { "WRONGPASS invalid username-password pair or user is disabled.", CLUSTER_IS_PASSWORD,
          true },
        { "NOAUTH Authentication required.", CLUSTER_IS_NO_PASSWORD, true },
        { "ERR AUTH <password> called without any password configured", CLUSTER_IS_VAIN_PASSWORD,
          true },
        { "NOPERM this user has no permissions to run the 'info' command", CLUSTER_IS_PERMISSION,
          false },
        { "READONLY You can't write against a read only replica.", CLUSTER_IS_REPLICA, true },
        { "LOADING Redis is loading the dataset in memory", CLUSTER_IS_LOADING, true },
        { "BUSY Redis is busy running a script.", CLUSTER_IS_BUSY, false },
        { "OOM command not allowed when used memory > 'maxmemory'.", CLUSTER_IS_FULL, false },
        { "MISCONF Redis is configured to save RDB snapshots", CLUSTER_IS_DISK, false },
        { "NOREPLICAS Not enough good replicas to write.", CLUSTER_IS_NO_REPLICAS, false },
        { "WRONGTYPE Operation against a key holding the wrong kind of value", CLUSTER_IS_KEY_TYPE,
          false },
        { "ERR Function not found", CLUSTER_IS_LIBRARY_GONE, true },
        { "ERR unknown command 'FUNCTION'", CLUSTER_IS_TOO_OLD, true },
        { "GRUDEPOCH the engine is another one", CLUSTER_IS_EPOCH, true },
        { "CROSSSLOT Keys in request don't hash to the same slot", CLUSTER_IS_SHARDED, true },
        { "ERR something else", CLUSTER_IS_REFUSED, false },
        { "", CLUSTER_IS_REFUSED, false },
    };
    for (size_t k = 0; k < sizeof errors / sizeof *errors; k++) {
        const struct cluster_reply reply = error_of(errors[k].text);
        const enum cluster_trouble trouble = cluster_reply_trouble(&reply);
        ck_assert_msg(trouble == errors[k].trouble, "%s: %s", errors[k].text,
                      cluster_trouble_word(trouble));
        ck_assert_int_eq(cluster_trouble_ends(trouble), errors[k].ends);
    }
    const struct cluster_reply text = { .type = CLUSTER_TEXT, .text = CLUSTER_WORD("OOM") };
    ck_assert_int_eq(cluster_reply_trouble(&text), CLUSTER_IS_NONE);
}

TEST(clients_are_not_told_what_the_engine_said)
{
    const struct cluster_reply reply = error_of("MISCONF s3cret");
    struct fault fault;
    ck_assert_int_eq(cluster_reply_fault(&reply, &fault), STATUS_STORAGE_FAILED);
    ck_assert_ptr_nonnull(strstr(fault.message, "s3cret"));
    const struct fault told = fault_for_clients(&fault);
    ck_assert_str_eq(told.message,
                     "the cluster's engine cannot write to its disk and takes nothing new");
}

TEST(every_trouble_has_a_sentence_and_a_status)
{
    for (int k = CLUSTER_IS_CONNECTING; k <= CLUSTER_IS_REFUSED; k++) {
        struct fault fault;
        const enum status status = cluster_trouble_fault((enum cluster_trouble)k, "why", &fault);
        ck_assert(status == STATUS_STORAGE_FAILED || status == STATUS_INVALID_VALUE);
        ck_assert_int_eq(fault_may_pass(&fault), status == STATUS_STORAGE_FAILED);
        ck_assert_str_eq(fault.param, "cluster");
        ck_assert_uint_gt(fault.n_public, 20);
        ck_assert_str_eq(fault.message + fault.n_public, " (why)");
    }
}
