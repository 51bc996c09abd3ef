/* How webhooks reach their receivers, or do not: behind TLS, by names, and with what they ask for.
 */
#include "certificates.h"
#include "daemon.h"
#include "receiver.h"
#include "rule_support.h"
#include "system_control.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PATH_SIZE = 96, URL_SIZE = 128, BODY_SIZE = 512, HOUR_S = 3600, LOG_SIZE = 1 << 16 };

static void put_url(const struct daemon *daemon, const char *name, const char *url)
{
    char path[PATH_SIZE], body[BODY_SIZE];
    snprintf(path, sizeof path, RULES "/%s", name);
    snprintf(body, sizeof body, "{\"coverage\":true,\"below\":1,\"url\":\"%s\"}", url);
    expect(daemon, "PUT", path, body, 201, name);
}

static unsigned count_in_log(const struct daemon *daemon, const char *text)
{
    char *log = malloc(LOG_SIZE);
    unsigned n = 0;
    ck_assert_ptr_nonnull(log);
    daemon_wait_log(daemon, text, log, LOG_SIZE);
    for (const char *at = log; (at = strstr(at, text)) != NULL; at++) {
        n++;
    }
    free(log);
    return n;
}

/* ---- TLS ---- */

struct authorities {
    char folder[32], own[64], own_key[64], other[64], other_key[64], old[64], old_key[64];
};

static struct authorities make_authorities(void)
{
    struct authorities a = { .folder = "/tmp/grud-webhook-XXXXXX" };
    ck_assert_ptr_nonnull(mkdtemp(a.folder));
    snprintf(a.own, sizeof a.own, "%s/own.pem", a.folder);
    snprintf(a.own_key, sizeof a.own_key, "%s/own.key", a.folder);
    snprintf(a.other, sizeof a.other, "%s/other.pem", a.folder);
    snprintf(a.other_key, sizeof a.other_key, "%s/other.key", a.folder);
    snprintf(a.old, sizeof a.old, "%s/old.pem", a.folder);
    snprintf(a.old_key, sizeof a.old_key, "%s/old.key", a.folder);
    certificate_write(a.own, a.own_key, CERTIFICATE_EC, 1, HOUR_S);
    certificate_write(a.other, a.other_key, CERTIFICATE_EC, 2, HOUR_S);
    certificate_write(a.old, a.old_key, CERTIFICATE_EC, 3, -1);
    return a;
}

static void remove_authorities(const struct authorities *a)
{
    const char *const files[] = { a->own, a->own_key, a->other, a->other_key, a->old, a->old_key };
    for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
        unlink(files[k]);
    }
    rmdir(a->folder);
}

/* A daemon that trusts that file, and a rule that fires. "": the system's authorities. */
static struct daemon fire(const char *authority, const char *host, unsigned port)
{
    char url[URL_SIZE];
    struct daemon daemon = rules_start(
        (const char *const[]){ "--webhook-private", "yes", "--webhook-ca", authority, NULL });
    snprintf(url, sizeof url, "https://%s:%u/hook", host, port);
    put_url(&daemon, "r", url);
    rules_step(&daemon, "s", RULES_SCORED);
    return daemon;
}

TEST(a_receiver_whose_certificate_is_trusted_is_told_by_tls)
{
    const struct authorities a = make_authorities();
    struct receiver receiver;
    receiver_start_tls(&receiver, a.own, a.own_key);
    struct daemon daemon = fire(a.own, "localhost", receiver.port);
    expect_told(receiver_wait(&receiver, 1), "firing");
    rules_wait(&daemon, "/metrics", "grud_webhooks_total{outcome=\"delivered\"} 1");
    expect(&daemon, "GET", RULES "/r", NULL, 200, "\"last_failure\":null,\"failures\":0");
    daemon_stop(&daemon);
    receiver_stop(&receiver);
    remove_authorities(&a);
}

/* Not delivered, tried again, and said once. */
static void expect_not_told(const char *certificate, const char *key, const char *authority,
                            const char *host)
{
    struct receiver receiver;
    receiver_start_tls(&receiver, certificate, key);
    struct daemon daemon = fire(authority, host, receiver.port);
    rules_wait(&daemon, "/metrics", "grud_webhooks_total{outcome=\"failed\"} 2");
    expect(&daemon, "GET", RULES "/r", NULL, 200,
           "\"reason\":\"SSL peer certificate or SSH remote key was not OK\"}");
    expect(&daemon, "GET", "/metrics", NULL, 200, "grud_webhooks_total{outcome=\"delivered\"} 0");
    expect(&daemon, "GET", "/readyz", NULL, 200, NULL);
    ck_assert_uint_eq(count_in_log(&daemon, "warn webhook_fails model=pump rule=r reason="), 1);
    ck_assert_uint_eq(receiver.n, 0);
    daemon_stop(&daemon);
    receiver_stop(&receiver);
}

TEST(a_receiver_whose_certificate_is_not_trusted_is_told_nothing)
{
    const struct authorities a = make_authorities();
    expect_not_told(a.own, a.own_key, a.other, "localhost");
    expect_not_told(a.own, a.own_key, "", "localhost");    /* the system's authorities */
    expect_not_told(a.own, a.own_key, a.own, "127.0.0.1"); /* of another name */
    expect_not_told(a.old, a.old_key, a.old, "localhost"); /* whose time is over */
    remove_authorities(&a);
}

/* It would be missed first when something fires. */
TEST(without_its_authorities_grud_does_not_start)
{
    char log[LOG_SIZE / 16];
    struct daemon daemon = daemon_prepare();
    ck_assert_int_eq(
        daemon_try_start(&daemon, (const char *const[]){ "--webhook-ca", "/no/such.pem", NULL }),
        2);
    daemon_wait_log(&daemon, "param=webhook-ca", log, sizeof log);
    ck_assert_ptr_nonnull(strstr(log, "/no/such.pem"));
    ck_assert_int_eq(
        daemon_try_start(&daemon, (const char *const[]){ "--webhook-ca", "/no/such.pem",
                                                         "--rule-max", "0", NULL }),
        -1); /* which nobody asks for */
    daemon_stop(&daemon);
}

/* ---- when it is tried again ---- */

static int64_t wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

TEST(a_receiver_says_for_how_many_seconds_it_wants_to_be_left_alone)
{
    static const int codes[] = { 429, 503 };
    for (size_t k = 0; k < sizeof codes / sizeof *codes; k++) {
        struct receiver receiver;
        receiver_start(&receiver, 0);
        receiver.headers = "Retry-After: 4\r\n";
        receiver.code = codes[k];
        struct daemon daemon = rules_start(rules_private);
        rules_put(&daemon, "r", receiver.port, 1, "", 201);
        rules_step(&daemon, "s", RULES_SCORED);
        const int64_t first_ms = receiver_wait(&receiver, 1)->at_ms;
        rules_wait(&daemon, "/metrics", "grud_webhooks_total{outcome=\"failed\"} 1");
        receiver.code = 200;
        ck_assert_int_ge(receiver_wait(&receiver, 2)->at_ms - first_ms, 4000);
        ck_assert_uint_eq(count_in_log(&daemon, "webhook_recovered model=pump rule=r"), 1);
        daemon_stop(&daemon);
        receiver_stop(&receiver);
    }
}

TEST(a_receiver_says_until_when_it_wants_to_be_left_alone)
{
    char header[64];
    struct tm parts;
    struct receiver receiver;
    receiver_start(&receiver, 0);
    receiver.code = 503;
    receiver.headers = "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n"; /* which is over */
    struct daemon daemon = rules_start(rules_private);
    rules_put(&daemon, "r", receiver.port, 1, "", 201);
    const time_t until_s = (time_t)(wall_ms() / 1000) + 8;
    const int64_t until_ms = monotonic_ms() + (int64_t)until_s * 1000 - wall_ms();
    strftime(header, sizeof header, "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n",
             gmtime_r(&until_s, &parts));
    rules_step(&daemon, "s", RULES_SCORED);
    rules_wait(&daemon, "/metrics", "grud_webhooks_total{outcome=\"failed\"} 1");
    receiver.headers = header;
    receiver_wait(&receiver, 2);
    rules_wait(&daemon, "/metrics", "grud_webhooks_total{outcome=\"failed\"} 2");
    receiver.code = 200;
    ck_assert_int_ge(receiver_wait(&receiver, 3)->at_ms, until_ms - 10);
    daemon_stop(&daemon);
    receiver_stop(&receiver);
}

/* However many sessions it fires in. */
TEST(that_a_receiver_refuses_is_said_once_until_it_is_well)
{
    struct receiver receiver;
    receiver_start(&receiver, 0);
    receiver.code = 404;
    struct daemon daemon = rules_start(rules_private);
    rules_put(&daemon, "r", receiver.port, 1, "", 201);
    rules_step(&daemon, "a", RULES_SCORED);
    rules_step(&daemon, "b", RULES_SCORED);
    rules_wait(&daemon, "/metrics", "grud_webhooks_total{outcome=\"refused\"} 2");
    ck_assert_uint_eq(count_in_log(&daemon, "webhook_refused"), 1);
    receiver.code = 200;
    rules_step(&daemon, "c", RULES_SCORED);
    rules_wait(&daemon, "/metrics", "grud_webhooks_total{outcome=\"delivered\"} 1");
    ck_assert_uint_eq(count_in_log(&daemon, "webhook_recovered"), 1);
    receiver.code = 404;
    rules_step(&daemon, "d", RULES_SCORED);
    rules_wait(&daemon, "/metrics", "grud_webhooks_total{outcome=\"refused\"} 3");
    ck_assert_uint_eq(count_in_log(&daemon, "webhook_refused"), 2);
    daemon_stop(&daemon);
    receiver_stop(&receiver);
}

/* ---- names ---- */

/* Of a name whose servers do not answer nobody waits for: not other rules, and not the end. */
TEST(a_name_that_is_looked_up_for_ever_keeps_nobody_waiting)
{
    struct receiver receiver;
    receiver_start(&receiver, 0);
    struct system_control *control = system_control_begin();
    control->names_hang = true;
    struct daemon daemon = rules_start(rules_private);
    put_url(&daemon, "slow", "http://slow.example.org/");
    rules_put(&daemon, "r", receiver.port, 1, "", 201);
    rules_step(&daemon, "s", RULES_SCORED);
    expect_told(receiver_wait(&receiver, 1), "firing");
    rules_wait(&daemon, RULES "/slow", "\"last_failure\":{");
    expect(&daemon, "DELETE", "/v1/models/pump/sessions/s", NULL, 204, NULL);
    expect_told(receiver_wait(&receiver, 2), "resolved");
    daemon_stop(&daemon);
    control->names_hang = false;
    system_control_end(control);
    receiver_stop(&receiver);
}

/* ---- what ends while a post is on its way ---- */

#define SESSION "/v1/models/pump/sessions/s"

enum { SLOW_MS = 1000 };

/* A rule that has fired in s; the receiver has the post, and answers in a while. */
static struct daemon begin_post(struct receiver *receiver, const char *const *options)
{
    receiver_start(receiver, 0);
    receiver->delay_ms = SLOW_MS;
    struct daemon daemon = rules_start(options);
    rules_put(&daemon, "r", receiver->port, 1, "", 201);
    rules_step(&daemon, "s", RULES_SCORED);
    receiver_wait(receiver, 1);
    return daemon;
}

/* The end is told after the firing, once each, with the same beginning. */
static void expect_end(struct receiver *receiver, struct daemon *daemon, const char *reason)
{
    char text[64];
    const struct received *begun = &receiver->received[0], *ended = receiver_wait(receiver, 2);
    expect_told(begun, "firing");
    expect_told(ended, "resolved");
    snprintf(text, sizeof text, "\"reason\":\"%s\"", reason);
    ck_assert_msg(strstr(ended->body, text) != NULL, "%s", ended->body);
    ck_assert(number_in(begun->body, "since") == number_in(ended->body, "since"));
    ck_assert(number_in(ended->body, "at") >= number_in(ended->body, "since"));
    rules_wait(daemon, "/metrics", "grud_webhooks_total{outcome=\"delivered\"} 2");
    ck_assert_uint_eq(receiver->n, 2);
    daemon_stop(daemon);
    receiver_stop(receiver);
}

TEST(a_rule_is_deleted_while_its_post_is_on_its_way)
{
    struct receiver receiver;
    struct daemon daemon = begin_post(&receiver, rules_private);
    expect(&daemon, "DELETE", RULES "/r", NULL, 204, NULL);
    expect(&daemon, "GET", RULES, NULL, 200, "{\"rules\":[]}");
    expect_end(&receiver, &daemon, "rule_changed");
}

TEST(a_session_is_deleted_while_its_post_is_on_its_way)
{
    struct receiver receiver;
    struct daemon daemon = begin_post(&receiver, rules_private);
    expect(&daemon, "DELETE", SESSION, NULL, 204, NULL);
    expect(&daemon, "DELETE", RULES "/r", NULL, 204,
           NULL); /* which comes too late to be a reason */
    expect_end(&receiver, &daemon, "session_ended");
}

TEST(a_session_is_evicted_while_its_post_is_on_its_way)
{
    struct receiver receiver;
    struct daemon daemon =
        begin_post(&receiver, (const char *const[]){ "--webhook-private", "yes", "--session-max",
                                                     "1", "--session-full", "evict", NULL });
    rules_step(&daemon, "other", 1);
    expect_end(&receiver, &daemon, "session_ended");
}

TEST(another_version_goes_on_with_what_fires)
{
    struct receiver receiver;
    struct daemon daemon = begin_post(&receiver, rules_private);
    daemon_add_model(&daemon, "pump",
                     (const char *const[]){ "--inputs", "temp", "--outputs", "temp", "--layers",
                                            "8", "--force", NULL });
    expect(&daemon, "POST", "/v1/models/pump/versions/2/activate", "{}", 200, NULL);
    rules_step(&daemon, "s", RULES_SCORED);
    expect(&daemon, "GET", SESSION, NULL, 200, "\"version\":2");
    expect(&daemon, "GET", RULES "/r", NULL, 200, "\"states\":{\"firing\":1,\"pending\":0}");
    expect(&daemon, "DELETE", SESSION, NULL, 204, NULL);
    expect_end(&receiver, &daemon, "session_ended");
}

/* Wherever the wall clock is set to: an end is not before its beginning. */
TEST(the_wall_clock_is_set_back_while_a_rule_fires)
{
    static const int64_t day_s = 86400;
    struct receiver receiver;
    struct system_control *control = system_control_begin();
    struct daemon daemon = begin_post(&receiver, rules_private);
    rules_wait(&daemon, "/metrics", "grud_webhooks_total{outcome=\"delivered\"} 1");
    atomic_store(&control->wall_set_s, -day_s);
    char log[LOG_SIZE / 16];
    daemon_wait_log(&daemon, "clock_jumped", log, sizeof log);
    expect(&daemon, "DELETE", SESSION, NULL, 204, NULL);
    const struct received *ended = receiver_wait(&receiver, 2);
    const double since = number_in(receiver.received[0].body, "since");
    expect_told(ended, "resolved");
    ck_assert(number_in(ended->body, "at") >= number_in(ended->body, "since"));
    ck_assert(number_in(ended->body, "since") == since - (double)day_s);
    daemon_stop(&daemon);
    system_control_end(control);
    receiver_stop(&receiver);
}

/* An end gives it two seconds, which is enough here, and a kill none. */
TEST(grud_ends_while_a_post_is_on_its_way)
{
    struct receiver receiver;
    struct daemon daemon = begin_post(&receiver, rules_private);
    ck_assert_int_eq(daemon_end(&daemon), 0);
    daemon_start_again(&daemon, rules_private);
    expect(&daemon, "GET", RULES "/r", NULL, 200, "\"states\":{\"firing\":1,\"pending\":0}");
    rules_step(&daemon, "t", RULES_SCORED);
    receiver_wait(&receiver, 2); /* of t: that of s was noted */
    daemon_kill(&daemon);
    daemon_start_again(&daemon, rules_private);
    const struct received *again = receiver_wait(&receiver, 3);
    ck_assert_str_eq(receiver.received[1].body, again->body); /* with the same id */
    rules_wait(&daemon, "/metrics", "grud_webhooks_total{outcome=\"delivered\"} 1");
    ck_assert_uint_eq(receiver.n, 3);
    daemon_stop(&daemon);
    receiver_stop(&receiver);
}
