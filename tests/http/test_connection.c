/* Connections: which are let in, what is counted while they are open, and which are told that there
 * are too many. */
#include "http/connection.h"

#include "http/mhd_support.h"
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

enum { HERE = 0x7f000001, THERE = 0x0a000001 };

static uint64_t n_refused(const struct exchange_world *world, enum refusal refusal)
{
    return atomic_load(&world->worker.metrics->refusals[refusal]);
}

static struct sockaddr_in from(uint32_t address)
{
    return (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(address) };
}

static uint64_t key_of(uint32_t address)
{
    const struct sockaddr_in client = from(address);
    return address_key((const struct sockaddr *)&client);
}

static enum MHD_Result accept_from(struct exchange_world *world, uint32_t address)
{
    const struct sockaddr_in client = from(address);
    return connection_on_accept(&world->worker, (const struct sockaddr *)&client, sizeof client);
}

/* ---- letting in ---- */

TEST(beyond_the_limit_a_number_is_let_in_to_be_told_so)
{
    struct exchange_world world;
    exchange_world_begin(&world, NULL);
    world.config.connection_max = 10;
    atomic_store(&world.http.n_connections, 10 + EXCESS_CONNECTIONS - 1);
    ck_assert_int_eq(accept_from(&world, HERE), MHD_YES);
    ck_assert_uint_eq(n_refused(&world, REFUSED_CONNECTION), 0);
    atomic_store(&world.http.n_connections, 10 + EXCESS_CONNECTIONS);
    ck_assert_int_eq(accept_from(&world, HERE), MHD_NO);
    ck_assert_uint_eq(n_refused(&world, REFUSED_CONNECTION), 1);
    exchange_world_end(&world);
}

TEST(one_address_keeps_no_other_out)
{
    struct exchange_world world;
    exchange_world_begin(&world, NULL);
    world.config.connection_address_max = 3;
    for (int k = 0; k < 3 + EXCESS_OF_ADDRESS; k++) {
        ck_assert_int_eq(accept_from(&world, HERE), MHD_YES);
        addresses_enter(&world.http.addresses, key_of(HERE));
    }
    ck_assert_int_eq(accept_from(&world, HERE), MHD_NO);
    ck_assert_uint_eq(n_refused(&world, REFUSED_ADDRESS), 1);
    ck_assert_int_eq(accept_from(&world, THERE), MHD_YES);
    world.config.connection_address_max = 0; /* no limit */
    ck_assert_int_eq(accept_from(&world, HERE), MHD_YES);
    ck_assert_uint_eq(n_refused(&world, REFUSED_ADDRESS), 1);
    exchange_world_end(&world);
}

TEST(an_address_has_many_when_it_has_more_than_it_may)
{
    struct exchange_world world;
    exchange_world_begin(&world, NULL);
    world.config.connection_address_max = 2;
    for (int n = 1; n <= 3; n++) {
        addresses_enter(&world.http.addresses, key_of(HERE));
        ck_assert_int_eq(connection_is_one_of_many(&world.http, key_of(HERE)), n > 2);
    }
    world.config.connection_address_max = 0;
    ck_assert(!connection_is_one_of_many(&world.http, key_of(HERE)));
    exchange_world_end(&world);
}

/* ---- from the accept to the close ---- */

static void expect_counted(const struct exchange_world *world, size_t n_here, size_t n_there)
{
    size_t n = n_here + n_there;
    ck_assert_uint_eq(atomic_load(&world->http.n_connections), n);
    ck_assert_uint_eq(world->worker.deadlines.n_connections, n);
    ck_assert_uint_eq(atomic_load(&world->worker.metrics->n_connections), n);
    ck_assert_uint_eq(addresses_count(&world->http.addresses, key_of(HERE)), n_here);
    ck_assert_uint_eq(addresses_count(&world->http.addresses, key_of(THERE)), n_there);
}

static void close_client(struct MHD_Daemon *daemon, int client)
{
    close(client);
    for (int k = 0; k < 5; k++) {
        MHD_run(daemon);
    }
}

TEST(a_connection_is_counted_until_it_is_closed_by_either_side)
{
    struct exchange_world world;
    int clients[3];
    exchange_world_begin(&world, NULL);
    deadlines_init(&world.worker.deadlines, 1000000000);
    struct MHD_Daemon *daemon = mhd_start(&world);
    expect_counted(&world, 0, 0);
    clients[0] = mhd_connect(daemon, HERE);
    clients[1] = mhd_connect(daemon, HERE);
    expect_counted(&world, 2, 0);
    clients[2] = mhd_connect(daemon, THERE);
    expect_counted(&world, 2, 1);
    close_client(daemon, clients[0]);
    expect_counted(&world, 1, 1);
    MHD_stop_daemon(daemon);
    expect_counted(&world, 0, 0);
    close(clients[1]);
    close(clients[2]);
    exchange_world_end(&world);
}

static const struct connection *newest(const struct exchange_world *world)
{
    return TAILQ_LAST(&world->worker.deadlines.connections, connection_list);
}

TEST(an_excess_connection_has_little_time_for_its_request)
{
    struct exchange_world world;
    int clients[2];
    exchange_world_begin(&world, NULL);
    world.config.connection_max = 1;
    world.config.request_seconds = 60;
    world.worker.now_ns = 1000;
    deadlines_init(&world.worker.deadlines, 1000000000);
    struct MHD_Daemon *daemon = mhd_start(&world);
    clients[0] = mhd_connect(daemon, HERE);
    ck_assert(!newest(&world)->is_excess);
    ck_assert_int_eq(newest(&world)->deadline_ns, 1000 + INT64_C(60000000000));
    clients[1] = mhd_connect(daemon, HERE);
    ck_assert(newest(&world)->is_excess);
    ck_assert_int_eq(newest(&world)->deadline_ns, 1000 + EXCESS_SECONDS * INT64_C(1000000000));
    ck_assert_uint_eq(newest(&world)->address, key_of(HERE));
    MHD_stop_daemon(daemon);
    close(clients[0]);
    close(clients[1]);
    exchange_world_end(&world);
}
