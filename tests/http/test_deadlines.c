#include "http/deadlines.h"
#include "test.h"

#include <sys/socket.h>
#include <unistd.h>

static const int64_t SECOND = 1000000000;

struct fixture {
    struct deadlines deadlines;
    struct connection connection;
    int client;
};

/* One connection, opened at time 0. */
static void set_up(struct fixture *fixture, int64_t deadline_ns)
{
    int fds[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    deadlines_init(&fixture->deadlines, 2 * SECOND);
    ck_assert_int_eq(fixture->deadlines.next_ns, DEADLINE_NEVER);
    fixture->client = fds[0];
    fixture->connection = (struct connection){ .fd = fds[1], .deadline_ns = deadline_ns };
    deadlines_add(&fixture->deadlines, &fixture->connection, 0);
}

static void tear_down(struct fixture *fixture)
{
    deadlines_remove(&fixture->deadlines, &fixture->connection);
    ck_assert_int_eq(fixture->deadlines.next_ns, DEADLINE_NEVER);
    close(fixture->connection.fd);
    close(fixture->client);
}

static bool is_cut(const struct fixture *fixture)
{
    char byte;
    return recv(fixture->client, &byte, 1, MSG_DONTWAIT) == 0;
}

TEST(a_connection_is_cut_at_its_deadline)
{
    struct fixture fixture;
    set_up(&fixture, 3 * SECOND);
    int64_t now = 0;
    while (now < 3 * SECOND) { /* as the worker does: it sleeps until the sweep that is due */
        ck_assert(!is_cut(&fixture));
        ck_assert_int_gt(fixture.deadlines.next_ns, now);
        now = fixture.deadlines.next_ns;
        deadlines_sweep(&fixture.deadlines, now);
    }
    ck_assert(is_cut(&fixture));
    ck_assert_int_eq(now, 3 * SECOND);
    tear_down(&fixture);
}

TEST(a_deadline_that_is_put_off_does_not_cut)
{
    struct fixture fixture;
    set_up(&fixture, SECOND);
    deadlines_sweep(&fixture.deadlines, SECOND / 2);
    fixture.connection.deadline_ns = DEADLINE_NEVER;
    for (int64_t now = SECOND; now < 10 * SECOND; now += SECOND / 10) {
        deadlines_sweep(&fixture.deadlines, now);
    }
    ck_assert(!is_cut(&fixture));
    tear_down(&fixture);
}

TEST(sweeps_are_rare)
{
    struct fixture fixture;
    set_up(&fixture, 100 * SECOND);
    int n = 0;
    for (int64_t now = 0; now < 60 * SECOND; now = fixture.deadlines.next_ns) {
        deadlines_sweep(&fixture.deadlines, now);
        n++;
    }
    ck_assert_int_le(n, 32);
    tear_down(&fixture);
}

TEST(a_client_that_is_gone_is_found)
{
    struct fixture fixture;
    set_up(&fixture, 100 * SECOND);
    ck_assert_int_eq(send(fixture.client, "x", 1, 0), 1);
    shutdown(fixture.client, SHUT_WR);
    deadlines_sweep(&fixture.deadlines, SECOND);
    ck_assert(!is_cut(&fixture)); /* what it sent is still to be read */
    char byte;
    ck_assert_int_eq(recv(fixture.connection.fd, &byte, 1, 0), 1);
    fixture.connection.is_whole = true;
    deadlines_sweep(&fixture.deadlines, 4 * SECOND);
    ck_assert(!is_cut(&fixture)); /* it may still wait for its answer */
    fixture.connection.is_whole = false;
    deadlines_sweep(&fixture.deadlines, 7 * SECOND);
    ck_assert(is_cut(&fixture));
    tear_down(&fixture);
}

TEST(a_hurry_sweeps_at_once_and_often)
{
    struct fixture fixture;
    set_up(&fixture, 100 * SECOND);
    deadlines_sweep(&fixture.deadlines, SECOND);
    shutdown(fixture.client, SHUT_WR);
    deadlines_hurry(&fixture.deadlines);
    deadlines_sweep(&fixture.deadlines, SECOND + 1);
    ck_assert(is_cut(&fixture));
    ck_assert_int_le(fixture.deadlines.next_ns, SECOND + 1 + SECOND / 4);
    tear_down(&fixture);
}

TEST(shorter_deadlines_are_heeded_from_the_next_sweep_on)
{
    struct fixture fixture;
    set_up(&fixture, 100 * SECOND);
    deadlines_sweep(&fixture.deadlines, fixture.deadlines.next_ns);
    fixture.deadlines.shortest_ns = SECOND;
    int64_t now = fixture.deadlines.next_ns;
    deadlines_sweep(&fixture.deadlines, now);
    fixture.connection.deadline_ns = now + SECOND; /* the shortest that can be set from now on */
    ck_assert_int_eq(fixture.deadlines.next_ns, now + SECOND);
    deadlines_sweep(&fixture.deadlines, now + SECOND);
    ck_assert(is_cut(&fixture));
    tear_down(&fixture);
}
