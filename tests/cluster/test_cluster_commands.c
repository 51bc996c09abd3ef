/* The bytes of commands, and who waits for which reply. */
#include "cluster/cluster_commands.h"

#include "test.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1 << 20 };

static void ignore(void *arg, const struct cluster_reply *reply, bool was_sent)
{
    (void)arg;
    (void)reply;
    (void)was_sent;
}

static struct cluster_command numbered(uintptr_t number)
{
    return (struct cluster_command){ .done = ignore, .arg = (void *)number };
}

TEST(a_command_is_a_list_of_texts)
{
    static const char wanted[] = "*3\r\n$3\r\nSET\r\n$0\r\n\r\n$13\r\na\r\n\0$1\r\nbcdef\r\n"
                                 "*1\r\n$4\r\nPING\r\n";
    const struct cluster_text set[] = { CLUSTER_WORD("SET"),
                                        CLUSTER_WORD(""),
                                        { .bytes = "a\r\n\0$1\r\nbcdef", .n = 13 } },
                              ping = CLUSTER_WORD("PING");
    struct cluster_commands commands = { .n = 0 };
    ck_assert(cluster_commands_add(&commands, set, 3, MOST, numbered(1)));
    ck_assert(cluster_commands_add(&commands, &ping, 1, MOST, numbered(2)));
    const struct cluster_text unsent = cluster_commands_unsent(&commands);
    ck_assert_uint_eq(unsent.n, sizeof wanted - 1);
    ck_assert_mem_eq(unsent.bytes, wanted, unsent.n);
    cluster_commands_done(&commands);
}

/* Commands come and go in any number, and are written in pieces of any size: the bytes and the
 * order stay those of the commands. */
TEST(order_and_bytes_survive_growth_and_pieces)
{
    enum { N = 4000, LENGTH_MAX = 700 };
    char value[LENGTH_MAX];
    struct cluster_commands commands = { .n = 0 };
    char *sent = malloc((size_t)N * (LENGTH_MAX + 64)),
         *wanted = malloc((size_t)N * (LENGTH_MAX + 64));
    size_t n_sent = 0, n_wanted = 0;
    uintptr_t n_added = 0, n_taken = 0;
    unsigned random = 7;
    ck_assert(sent && wanted);
    while (n_taken < N) {
        random = random * 1103515245U + 12345U;
        const size_t length = (random >> 8) % LENGTH_MAX;
        if (n_added < N && (random >> 28) < 9) {
            memset(value, 'a' + (int)(n_added % 26), length);
            const struct cluster_text text = { .bytes = value, .n = length };
            ck_assert(cluster_commands_add(&commands, &text, 1, MOST, numbered(++n_added)));
            n_wanted += (size_t)sprintf(wanted + n_wanted, "*1\r\n$%zu\r\n%.*s\r\n", length,
                                        (int)length, value);
        } else if (commands.n > 0 && (random >> 28) < 12) {
            ck_assert_uint_eq((uintptr_t)cluster_commands_take(&commands).arg, ++n_taken);
        } else if (commands.n > 0) {
            const struct cluster_text unsent = cluster_commands_unsent(&commands);
            const size_t piece = unsent.n < 3 * length ? unsent.n : 3 * length;
            memcpy(sent + n_sent, unsent.bytes, piece);
            n_sent += piece;
            cluster_commands_note_sent(&commands, piece);
        }
    }
    const struct cluster_text unsent = cluster_commands_unsent(&commands);
    memcpy(sent + n_sent, unsent.bytes, unsent.n);
    ck_assert_uint_eq(n_sent + unsent.n, n_wanted);
    ck_assert_mem_eq(sent, wanted, n_wanted);
    cluster_commands_done(&commands);
    free(sent);
    free(wanted);
}

TEST(what_was_sent_of_is_known)
{
    const struct cluster_text ping = CLUSTER_WORD("PING");
    struct cluster_commands commands = { .n = 0 };
    ck_assert(cluster_commands_add(&commands, &ping, 1, MOST, numbered(1)));
    ck_assert(cluster_commands_add(&commands, &ping, 1, MOST, numbered(2)));
    const size_t n = cluster_commands_unsent(&commands).n / 2;
    ck_assert(!cluster_command_was_sent(&commands, cluster_commands_first(&commands)));
    cluster_commands_note_sent(&commands, 1);
    ck_assert(cluster_command_was_sent(&commands, cluster_commands_first(&commands)));
    cluster_commands_note_sent(&commands, n - 1);
    (void)cluster_commands_take(&commands);
    ck_assert(!cluster_command_was_sent(&commands, cluster_commands_first(&commands)));
    cluster_commands_note_sent(&commands, 1);
    ck_assert(cluster_command_was_sent(&commands, cluster_commands_first(&commands)));
    cluster_commands_done(&commands);
}

TEST(what_is_too_much_is_not_added)
{
    const struct cluster_text huge = { .bytes = "", .n = SIZE_MAX - 8 },
                              ping = CLUSTER_WORD("PING");
    struct cluster_commands commands = { .n = 0 };
    ck_assert(!cluster_commands_add(&commands, &huge, 1, MOST, numbered(1)));
    ck_assert(!cluster_commands_add(&commands, &ping, 1, 16, numbered(1)));
    ck_assert_uint_eq(commands.n, 0);
    ck_assert_uint_eq(cluster_commands_unsent(&commands).n, 0);
    ck_assert_ptr_null(cluster_commands_first(&commands));
    cluster_commands_done(&commands);
}
