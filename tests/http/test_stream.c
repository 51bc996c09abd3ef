/* The logic of streams, with a source and a clock of the test's own. */
#include "http/stream.h"
#include "test.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const int64_t MS = 1000000, SECOND = 1000000000;
enum { PATIENCE_SECONDS = 5 };

struct fixture {
    struct streams streams;
    struct stream stream;
    struct connection connection;
    struct arena arena;
    int client;
    /* the source */
    const char *news; /* what it gives next; NULL: nothing */
    bool is_over, is_quick, is_lost;
    int n_reads, n_ends;
    /* what became of it */
    char got[256];
    bool is_suspended, has_ended;
};

static struct fixture *fixture_of(struct stream *stream)
{
    return stream->state;
}

static bool has_news(const void *state)
{
    const struct fixture *fixture = state;
    return fixture->news != NULL || fixture->is_over;
}

static bool read_news(struct service_context *context, void *state, struct text *text)
{
    (void)context;
    struct fixture *fixture = state;
    fixture->n_reads++;
    if (fixture->news) {
        text_append(text, fixture->news, strlen(fixture->news));
    }
    fixture->news = NULL;
    return !fixture->is_over;
}

static bool may_wait(const void *state)
{
    return !((const struct fixture *)state)->is_quick;
}

static bool is_lost(const void *state)
{
    return ((const struct fixture *)state)->is_lost;
}

static void end(void *state)
{
    ((struct fixture *)state)->n_ends++;
}

static void resume(struct stream *stream)
{
    struct fixture *fixture = fixture_of(stream);
    ck_assert(fixture->is_suspended); /* libmicrohttpd must not be asked twice */
    fixture->is_suspended = false;
}

static bool fetch(struct streams *streams)
{
    (void)streams;
    return true; /* `work` reads */
}

/* The worker and the reader, at one time. */
static void work(struct fixture *fixture, int64_t now_ns)
{
    while (fixture->streams.next_ns <= now_ns) {
        streams_tick(&fixture->streams, NULL, now_ns);
        if (!TAILQ_EMPTY(&fixture->streams.fetching)) {
            streams_read(&fixture->streams, NULL);
            streams_end_fetch(&fixture->streams, true, now_ns);
        }
    }
}

/* A stream that begins at time 0. */
static void set_up(struct fixture *fixture)
{
    static const struct stream_source source = { .end = end,
                                                 .has_news = has_news,
                                                 .may_wait = may_wait,
                                                 .is_lost = is_lost,
                                                 .read = read_news };
    int fds[2];
    memset(fixture, 0, sizeof *fixture);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    fixture->client = fds[0];
    fixture->connection.fd = fds[1];
    arena_init(&fixture->arena, 1 << 16);
    streams_init(&fixture->streams, resume, fetch);
    ck_assert_int_eq(fixture->streams.next_ns, DEADLINE_NEVER);
    fixture->stream.source = &source;
    fixture->stream.state = fixture;
    streams_add(&fixture->streams, &fixture->stream, &fixture->connection, &fixture->arena,
                PATIENCE_SECONDS * SECOND, 0);
}

static void tear_down(struct fixture *fixture)
{
    streams_remove(&fixture->streams, &fixture->stream);
    ck_assert(fixture->streams.n == 0 && fixture->streams.next_ns == DEADLINE_NEVER);
    ck_assert_ptr_null(fixture->stream.source);
    ck_assert_int_eq(fixture->n_ends, 1);
    arena_done(&fixture->arena);
    close(fixture->connection.fd);
    close(fixture->client);
}

/* Takes pieces, as libmicrohttpd does, until there are none. Returns all of them. */
static const char *drink(struct fixture *fixture, size_t most, int64_t now_ns)
{
    size_t n_got = 0;
    ssize_t n = 1;
    fixture->got[0] = '\0';
    while (!fixture->is_suspended && !fixture->has_ended && n > 0) {
        n = streams_take(&fixture->streams, &fixture->stream, fixture->got + n_got, most, now_ns);
        n_got += n > 0 ? (size_t)n : 0;
        fixture->is_suspended = n == 0;
        fixture->has_ended = n < 0;
        if (n == 0) {
            work(fixture, now_ns);
            n = !fixture->is_suspended;
        }
    }
    fixture->got[n_got] = '\0';
    return fixture->got;
}

/* The first bytes of its news are there to be taken. */
static void begin(struct fixture *fixture, int64_t now_ns)
{
    char byte;
    fixture->news = "news";
    ck_assert_int_eq(streams_take(&fixture->streams, &fixture->stream, &byte, 1, now_ns), 0);
    fixture->is_suspended = true;
    work(fixture, now_ns);
    ck_assert(!fixture->is_suspended);
}

/* The worker: sleeps until the tick that is due, and lets go on what has to. */
static const char *turn(struct fixture *fixture, int64_t *now_ns)
{
    ck_assert_int_gt(fixture->streams.next_ns, *now_ns);
    *now_ns = fixture->streams.next_ns;
    work(fixture, *now_ns);
    return drink(fixture, 64, *now_ns);
}

TEST(what_is_there_is_given_and_then_the_connection_waits)
{
    struct fixture fixture;
    set_up(&fixture);
    fixture.news = "one two";
    ck_assert_str_eq(drink(&fixture, 3, 0), "one two");
    ck_assert(fixture.is_suspended && !fixture.has_ended);
    ck_assert_int_eq(fixture.connection.deadline_ns, DEADLINE_NEVER);
    ck_assert_int_eq(fixture.n_reads, 1);
    tear_down(&fixture);
}

TEST(news_leave_with_the_next_tick)
{
    struct fixture fixture;
    int64_t now = 0;
    set_up(&fixture);
    drink(&fixture, 64, now);
    ck_assert(fixture.is_suspended);
    ck_assert_str_eq(turn(&fixture, &now), "");
    fixture.news = "news";
    work(&fixture, now + 1); /* too early */
    ck_assert(fixture.is_suspended);
    int64_t before = now;
    ck_assert_str_eq(turn(&fixture, &now), "news");
    ck_assert_int_le(now - before, 100 * MS);
    ck_assert(fixture.is_suspended);
    tear_down(&fixture);
}

TEST(without_news_nobody_is_asked)
{
    struct fixture fixture;
    int64_t now = 0;
    set_up(&fixture);
    drink(&fixture, 64, now);
    while (now < 13 * SECOND) {
        ck_assert_str_eq(turn(&fixture, &now), "");
        ck_assert(fixture.is_suspended);
    }
    ck_assert_int_eq(fixture.n_reads, 0);
    tear_down(&fixture);
}

TEST(a_silent_stream_pings)
{
    struct fixture fixture;
    int64_t now = 0, last = 0;
    int n_pings = 0;
    set_up(&fixture);
    drink(&fixture, 64, now);
    while (now < 60 * SECOND) {
        const char *got = turn(&fixture, &now);
        if (got[0]) {
            ck_assert_str_eq(got, ": ping\n\n");
            ck_assert_int_le(now - last, 15 * SECOND);
            last = now;
            n_pings++;
        }
    }
    ck_assert_int_eq(n_pings, 4);
    ck_assert_int_eq(fixture.n_reads, 4); /* a ping is a chance to see news that were overlooked */
    tear_down(&fixture);
}

TEST(news_put_off_the_ping)
{
    struct fixture fixture;
    int64_t now = 0;
    set_up(&fixture);
    drink(&fixture, 64, now);
    while (now < 60 * SECOND) {
        fixture.news = now % (10 * SECOND) < 100 * MS ? "news" : NULL;
        const char *got = turn(&fixture, &now);
        ck_assert(!got[0] || strcmp(got, "news") == 0);
    }
    tear_down(&fixture);
}

TEST(the_end_follows_the_last_bytes)
{
    struct fixture fixture;
    int64_t now = 0;
    set_up(&fixture);
    drink(&fixture, 64, now);
    fixture.news = "last";
    fixture.is_over = true;
    ck_assert_str_eq(turn(&fixture, &now), "last");
    ck_assert(fixture.has_ended);
    tear_down(&fixture);
}

TEST(an_end_without_bytes_is_an_end)
{
    struct fixture fixture;
    int64_t now = 0;
    set_up(&fixture);
    drink(&fixture, 64, now);
    fixture.is_over = true;
    ck_assert_str_eq(turn(&fixture, &now), "");
    ck_assert(fixture.has_ended);
    tear_down(&fixture);
}

TEST(a_client_that_does_not_read_has_a_deadline)
{
    struct fixture fixture;
    char bytes[4];
    set_up(&fixture);
    begin(&fixture, 7 * SECOND);
    ck_assert_int_eq(streams_take(&fixture.streams, &fixture.stream, bytes, 2, 7 * SECOND), 2);
    ck_assert_int_eq(fixture.connection.deadline_ns, (7 + PATIENCE_SECONDS) * SECOND);
    ck_assert_int_eq(streams_take(&fixture.streams, &fixture.stream, bytes, 2, 9 * SECOND), 2);
    ck_assert_int_eq(fixture.connection.deadline_ns, (9 + PATIENCE_SECONDS) * SECOND);
    /* until libmicrohttpd asks again these bytes are not sent, and ticks leave the stream alone */
    streams_tick(&fixture.streams, NULL, 10 * SECOND);
    ck_assert_int_eq(fixture.connection.deadline_ns, (9 + PATIENCE_SECONDS) * SECOND);
    tear_down(&fixture);
}

/* Half a socket pair hangs up like a TCP connection that was answered with a reset. */
TEST(a_client_that_is_gone_is_noticed_behind_the_ping)
{
    struct fixture fixture;
    int64_t now = 0;
    set_up(&fixture);
    drink(&fixture, 64, now);
    shutdown(fixture.client, SHUT_RDWR);
    while (!fixture.has_ended) {
        turn(&fixture, &now);
    }
    ck_assert_int_le(now, 16 * SECOND);
    tear_down(&fixture);
}

TEST(a_client_that_only_stops_sending_stays)
{
    struct fixture fixture;
    int64_t now = 0;
    set_up(&fixture);
    drink(&fixture, 64, now);
    shutdown(fixture.client, SHUT_WR);
    while (now < 40 * SECOND) {
        turn(&fixture, &now);
        ck_assert(!fixture.has_ended);
    }
    tear_down(&fixture);
}

TEST(closing_ends_all_at_once)
{
    struct fixture fixture;
    int64_t now = SECOND;
    set_up(&fixture);
    drink(&fixture, 64, 0);
    fixture.news = "too late";
    streams_close(&fixture.streams);
    streams_tick(&fixture.streams, NULL, now);
    ck_assert(!fixture.is_suspended);
    ck_assert_str_eq(drink(&fixture, 64, now), "");
    ck_assert(fixture.has_ended);
    ck_assert_int_eq(fixture.n_reads, 0);
    tear_down(&fixture);
}

TEST(closing_lets_what_was_begun_be_sent)
{
    struct fixture fixture;
    char bytes[8];
    set_up(&fixture);
    begin(&fixture, 0);
    ck_assert_int_eq(streams_take(&fixture.streams, &fixture.stream, bytes, 2, 0), 2);
    streams_close(&fixture.streams);
    ck_assert_int_eq(streams_take(&fixture.streams, &fixture.stream, bytes, 8, 0), 2);
    ck_assert_int_eq(streams_take(&fixture.streams, &fixture.stream, bytes, 8, 0), -1);
    tear_down(&fixture);
}

TEST(without_memory_a_stream_ends)
{
    struct fixture fixture;
    set_up(&fixture);
    fixture.news = "news";
    fixture.stream.text.failed = true;
    ck_assert_str_eq(drink(&fixture, 64, 0), "");
    ck_assert(fixture.has_ended);
    tear_down(&fixture);
}

TEST(while_a_stream_is_read_nothing_of_it_is_touched)
{
    struct fixture fixture;
    int64_t now = 0;
    set_up(&fixture);
    drink(&fixture, 64, now);
    fixture.news = "news";
    now = fixture.streams.next_ns;
    streams_tick(&fixture.streams, NULL, now);
    ck_assert(fixture.stream.is_fetching && fixture.is_suspended);
    shutdown(fixture.client, SHUT_RDWR);
    streams_close(&fixture.streams);
    streams_tick(&fixture.streams, NULL, now + 60 * SECOND);
    ck_assert(fixture.stream.is_fetching && fixture.is_suspended && fixture.n_reads == 0);
    streams_read(&fixture.streams, NULL);
    ck_assert(fixture.is_suspended && fixture.n_reads == 1);
    streams_end_fetch(&fixture.streams, true, now + 60 * SECOND);
    ck_assert(!fixture.is_suspended);
    ck_assert_str_eq(drink(&fixture, 64, now), "news");
    ck_assert(fixture.has_ended);
    tear_down(&fixture);
}

static bool refuse(struct streams *streams)
{
    (void)streams;
    return false;
}

TEST(where_nobody_reads_now_the_next_tick_asks_again)
{
    struct fixture fixture;
    int64_t now = 0;
    set_up(&fixture);
    drink(&fixture, 64, now);
    fixture.streams.fetch = refuse;
    fixture.news = "news";
    ck_assert_int_gt(fixture.streams.next_ns, now);
    now = fixture.streams.next_ns;
    streams_tick(&fixture.streams, NULL, now);
    ck_assert(!fixture.stream.is_fetching && fixture.is_suspended);
    ck_assert_int_gt(fixture.streams.next_ns, now);
    fixture.streams.fetch = fetch;
    ck_assert_str_eq(turn(&fixture, &now), "news");
    tear_down(&fixture);
}

/* ---- sources that need not wait ---- */

TEST(a_source_that_need_not_wait_is_read_at_the_tick_and_no_sooner)
{
    struct fixture fixture;
    int64_t now = 0;
    set_up(&fixture);
    fixture.is_quick = true;
    fixture.news = "first";
    ck_assert_str_eq(drink(&fixture, 64, now), "");
    ck_assert_int_eq(fixture.n_reads, 0); /* what comes until the tick leaves together */
    now = fixture.streams.next_ns;
    streams_tick(&fixture.streams, NULL, now);
    ck_assert(TAILQ_EMPTY(&fixture.streams.fetching) && fixture.n_reads == 1);
    ck_assert_str_eq(drink(&fixture, 64, now), "first");
    fixture.news = "last";
    fixture.is_over = true;
    ck_assert_str_eq(turn(&fixture, &now), "last");
    ck_assert(fixture.has_ended);
    tear_down(&fixture);
}

TEST(a_client_that_is_too_slow_is_cut_off_with_its_bytes_unread)
{
    struct fixture fixture;
    char byte;
    set_up(&fixture);
    begin(&fixture, 0);
    ck_assert_int_eq(streams_take(&fixture.streams, &fixture.stream, &byte, 1, 0), 1);
    streams_tick(&fixture.streams, NULL, SECOND);
    ck_assert_int_gt(fixture.connection.deadline_ns, SECOND);
    fixture.is_lost = true;
    streams_tick(&fixture.streams, NULL, 2 * SECOND);
    ck_assert_int_eq(fixture.connection.deadline_ns, 2 * SECOND);
    tear_down(&fixture);
}

TEST(a_stream_that_is_revoked_ends_at_the_next_tick)
{
    struct fixture fixture;
    set_up(&fixture);
    drink(&fixture, 64, 0);
    fixture.news = "secret";
    streams_revoke(&fixture.streams, &fixture.stream);
    ck_assert_int_eq(fixture.streams.next_ns, 0);
    streams_tick(&fixture.streams, NULL, MS);
    ck_assert(!fixture.is_suspended);
    ck_assert_str_eq(drink(&fixture, 64, MS), "");
    ck_assert(fixture.has_ended && fixture.n_reads == 0);
    tear_down(&fixture);
}

TEST(many_streams_share_one_tick)
{
    enum { N = 50 };
    static struct fixture others[N];
    struct fixture fixture;
    set_up(&fixture);
    drink(&fixture, 64, 0);
    for (int k = 0; k < N; k++) {
        set_up(&others[k]);
        streams_remove(&others[k].streams, &others[k].stream);
        others[k].stream.source = fixture.stream.source;
        streams_add(&fixture.streams, &others[k].stream, &others[k].connection, &others[k].arena,
                    SECOND, 0);
        others[k].stream.is_waiting = true;
        others[k].is_suspended = true;
        others[k].news = k % 2 ? "news" : NULL;
    }
    ck_assert_uint_eq(fixture.streams.n, N + 1);
    work(&fixture, fixture.streams.next_ns);
    for (int k = 0; k < N; k++) {
        ck_assert_int_eq(others[k].is_suspended, k % 2 == 0);
        streams_remove(&fixture.streams, &others[k].stream);
        arena_done(&others[k].arena);
        close(others[k].connection.fd);
        close(others[k].client);
    }
    tear_down(&fixture);
}
