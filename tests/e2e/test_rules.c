/* Rules over HTTP, and what their receivers are told. */
#include "daemon.h"
#include "receiver.h"
#include "rule_support.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BODY = 2048 };

TEST(a_rule_is_told_once_when_it_fires_and_once_when_it_ends)
{
    struct receiver receiver;
    receiver_start(&receiver, 0);
    struct daemon daemon = rules_start(rules_private);
    rules_put(&daemon, "r", receiver.port, 3, ",\"prefix\":\"a-\"", 201);
    rules_step(&daemon, "b-1", RULES_SCORED); /* none of the rule's */
    rules_step(&daemon, "a-1", RULES_SCORED);
    const struct received *first = receiver_wait(&receiver, 1);
    expect_told(first, "firing");
    ck_assert_ptr_nonnull(
        strstr(first->body, "\"rule\":\"r\",\"model\":\"pump\",\"session\":\"a-1\""));
    ck_assert_ptr_nonnull(strstr(first->body, "\"threshold\":{\"below\":1}"));
    ck_assert_ptr_nonnull(strstr(first->body, "\"value\":{\"coverage\":0."));
    ck_assert_ptr_nonnull(strstr(first->head, "POST /hook HTTP/1.1"));
    ck_assert_ptr_nonnull(strcasestr(first->head, "\r\nidempotency-key: 1-"));
    ck_assert_ptr_nonnull(strcasestr(first->head, "\r\ncontent-type: application/json\r\n"));
    expect(&daemon, "GET", RULES "/r", NULL, 200, "\"firing\":[{\"session\":\"a-1\",\"since\":");
    expect(&daemon, "GET", RULES, NULL, 200, "\"states\":{\"firing\":1,\"pending\":0}");
    expect(&daemon, "GET", "/metrics", NULL, 200,
           "grud_rule_sessions{model=\"pump\",rule=\"r\",state=\"firing\"} 1");
    rules_step(&daemon, "a-1", RULES_SCORED); /* goes on firing, which is no news */
    expect(&daemon, "DELETE", "/v1/models/pump/sessions/a-1", NULL, 204, NULL);
    const struct received *second = receiver_wait(&receiver, 2);
    expect_told(second, "resolved");
    ck_assert_ptr_nonnull(strstr(second->body, "\"reason\":\"session_ended\""));
    rules_wait(&daemon, "/metrics", "grud_webhooks_total{outcome=\"delivered\"} 2");
    ck_assert_uint_eq(receiver.n, 2);
    daemon_stop(&daemon);
    receiver_stop(&receiver);
}

/* One unusual reading in a batch is told, and that the next is not. */
TEST(an_anomaly_is_told_and_ends_with_the_next_reading)
{
    struct receiver receiver;
    receiver_start(&receiver, 0);
    struct daemon daemon = rules_start(rules_private);
    char body[BODY];
    snprintf(body, sizeof body,
             "{\"anomaly\":true,\"p_value\":0.02,\"url\":\"http://127.0.0.1:%u/\"}", receiver.port);
    expect(&daemon, "PUT", RULES "/odd", body, 201, "\"anomaly\":true,\"p_value\":0.02");
    rules_step(&daemon, "s", RULES_SCORED); /* some of which may be unusual by chance */
    rules_wait(&daemon, RULES "/odd", "\"states\":{\"firing\":0,");
    const size_t n =
        receiver_wait_even(&receiver); /* what began by chance has been told to its end */
    expect(&daemon, "POST", "/v1/models/pump/steps",
           "{\"steps\":[{\"session\":\"s\",\"x\":[1000000]},{\"session\":\"s\",\"x\":[500]},"
           "{\"session\":\"s\",\"x\":[500]}]}",
           200, "\"step\"");
    receiver_wait(&receiver, n + 2);
    expect(&daemon, "GET", RULES "/odd", NULL, 200, "\"states\":{\"firing\":0,");
    ck_assert_ptr_nonnull(strstr(receiver.received[n].body, "\"value\":{\"p_value\":0.0"));
    expect_told(&receiver.received[n], "firing");
    expect_told(&receiver.received[n + 1], "resolved");
    ck_assert_ptr_nonnull(strstr(receiver.received[n + 1].body, "\"reason\":\"condition\""));
    daemon_stop(&daemon);
    receiver_stop(&receiver);
}

TEST(a_crossing_is_told_before_it_comes)
{
    struct receiver receiver;
    receiver_start(&receiver, 0);
    struct daemon daemon = rules_start(rules_private);
    char body[BODY];
    snprintf(body, sizeof body,
             "{\"crossing\":{\"output\":\"temp\",\"below\":100000},\"probability\":0.9,"
             "\"url\":\"http://127.0.0.1:%u/\"}",
             receiver.port);
    expect(&daemon, "PUT", RULES "/soon", body, 201,
           "\"crossing\":{\"output\":\"temp\",\"below\":100000,\"horizon\":12}");
    rules_step(&daemon, "s", RULES_SCORED);
    const struct received *first = receiver_wait(&receiver, 1);
    expect_told(first, "firing");
    ck_assert_ptr_nonnull(strstr(first->body, "\"value\":{\"probability\":"));
    ck_assert_ptr_nonnull(strstr(first->body, "\"threshold\":{\"probability\":0.9}"));
    expect(&daemon, "DELETE", RULES "/soon", NULL, 204, NULL);
    expect_told(receiver_wait(&receiver, 2), "resolved");
    daemon_stop(&daemon);
    receiver_stop(&receiver);
}

/* The steps' replies are those of a daemon without rules. */
TEST(replies_are_as_without_rules)
{
    struct receiver receiver;
    receiver_start(&receiver, 0);
    struct daemon with = rules_start(rules_private), without = rules_start(rules_private);
    rules_put(&with, "r", receiver.port, 1, "", 201);
    char rule[BODY];
    snprintf(rule, sizeof rule,
             "{\"crossing\":{\"output\":\"temp\",\"above\":50,\"horizon\":7},\"probability\":0.5,"
             "\"url\":\"http://127.0.0.1:%u/\"}",
             receiver.port);
    expect(&with, "PUT", RULES "/c", rule, 201, NULL);
    expect(&with, "PUT", RULES "/a",
           "{\"anomaly\":true,\"p_value\":0.001,\"url\":\"https://example.org/\"}", 201, NULL);
    for (int k = 0; k < RULES_SCORED; k++) {
        char body[128];
        snprintf(body, sizeof body, "{\"x\":[%d.25],\"horizon\":%d}", k * 7919 % 100, 1 + k % 3);
        struct answer a = request(&with, "POST", "/v1/models/pump/sessions/s/step", body);
        struct answer b = request(&without, "POST", "/v1/models/pump/sessions/s/step", body);
        ck_assert_int_eq(a.code, 200);
        ck_assert_str_eq(a.body, b.body);
        answer_free(&a);
        answer_free(&b);
    }
    daemon_stop(&with);
    daemon_stop(&without);
    receiver_stop(&receiver);
}

TEST(alertmanager_gets_its_own_form)
{
    struct receiver receiver;
    receiver_start(&receiver, 0);
    struct daemon daemon = rules_start(rules_private);
    rules_put(&daemon, "late", receiver.port, 1, ",\"format\":\"alertmanager\"", 201);
    rules_step(&daemon, "a-1", RULES_SCORED);
    const struct received *first = receiver_wait(&receiver, 1);
    ck_assert_ptr_nonnull(
        strstr(first->body,
               "[{\"labels\":{\"alertname\":\"late\",\"model\":\"pump\",\"session\":\"a-1\"}"));
    ck_assert_ptr_nonnull(strstr(first->body, "\"startsAt\":\"20"));
    expect(&daemon, "DELETE", RULES "/late", NULL, 204, NULL);
    const struct received *second = receiver_wait(&receiver, 2);
    ck_assert_ptr_nonnull(strstr(second->body, "\"endsAt\":\"20"));
    expect(&daemon, "GET", RULES "/late", NULL, 404, "rule_not_found");
    daemon_stop(&daemon);
    receiver_stop(&receiver);
}

TEST(what_a_receiver_cannot_take_comes_again_with_the_same_key)
{
    struct receiver receiver;
    receiver_start(&receiver, 0);
    receiver.code = 503;
    struct daemon daemon = rules_start(rules_private);
    rules_put(&daemon, "r", receiver.port, 1, "", 201);
    rules_step(&daemon, "s", RULES_SCORED);
    const struct received *first = receiver_wait(&receiver, 1);
    rules_wait(&daemon, RULES "/r", "\"reason\":\"it answered with status 503\"");
    receiver.code = 200;
    const struct received *second = receiver_wait(&receiver, 2);
    ck_assert_str_eq(first->body, second->body);
    rules_wait(&daemon, "/metrics", "grud_webhooks_total{outcome=\"delivered\"} 1");
    expect(&daemon, "GET", "/metrics", NULL, 200, "grud_webhooks_total{outcome=\"failed\"} 1");
    daemon_stop(&daemon);
    receiver_stop(&receiver);
}

TEST(what_is_refused_is_not_tried_again)
{
    struct receiver receiver;
    receiver_start(&receiver, 0);
    receiver.code = 301;
    receiver.headers = "Location: http://127.0.0.1:1/elsewhere\r\n"; /* which is not followed */
    struct daemon daemon = rules_start(rules_private);
    rules_put(&daemon, "r", receiver.port, 1, "", 201);
    rules_step(&daemon, "s", RULES_SCORED);
    rules_wait(&daemon, "/metrics", "grud_webhooks_total{outcome=\"refused\"} 1");
    receiver.code = 404;
    expect(&daemon, "DELETE", "/v1/models/pump/sessions/s", NULL, 204, NULL);
    rules_wait(&daemon, "/metrics", "grud_webhooks_total{outcome=\"refused\"} 2");
    ck_assert_uint_eq(receiver.n, 2);
    expect(&daemon, "GET", RULES "/r", NULL, 200, "\"failures\":2}");
    daemon_stop(&daemon);
    receiver_stop(&receiver);
}

/* Nobody listens; grud is killed; the receiver is there when it comes back. */
TEST(a_kill_loses_nothing_that_was_not_told)
{
    const unsigned port = receiver_free_port();
    struct receiver receiver;
    struct daemon daemon = rules_start(rules_private);
    rules_put(&daemon, "r", port, 1, "", 201);
    rules_step(&daemon, "s", RULES_SCORED);
    rules_wait(&daemon, "/metrics", "grud_webhooks_total{outcome=\"failed\"} 1");
    daemon_kill(&daemon);
    receiver_start(&receiver, port);
    daemon_start_again(&daemon, rules_private);
    expect_told(receiver_wait(&receiver, 1), "firing");
    rules_wait(&daemon, "/metrics", "grud_webhooks_total{outcome=\"delivered\"} 1");
    expect(&daemon, "GET", RULES "/r", NULL, 200, "\"states\":{\"firing\":1,\"pending\":0}");
    daemon_kill(&daemon);
    daemon_start_again(&daemon, rules_private);
    rules_step(&daemon, "s", 1); /* it was told already */
    expect(&daemon, "DELETE", RULES "/r", NULL, 204, NULL);
    const struct received *end = receiver_wait(&receiver, 2);
    expect_told(end, "resolved");
    ck_assert_ptr_nonnull(strstr(end->body, "\"reason\":\"rule_changed\""));
    daemon_stop(&daemon);
    receiver_stop(&receiver);
}

/* A session's time ends while grud is down. */
TEST(a_session_that_is_gone_ends_its_firing)
{
    struct receiver receiver;
    receiver_start(&receiver, 0);
    struct daemon daemon = rules_start(rules_private);
    rules_put(&daemon, "r", receiver.port, 1, "", 201);
    expect(&daemon, "PUT", "/v1/models/pump/sessions/s", "{\"ttl\":1}", 201, NULL);
    rules_step(&daemon, "s", RULES_SCORED);
    expect_told(receiver_wait(&receiver, 1), "firing");
    rules_wait(&daemon, "/metrics", "grud_webhooks_total{outcome=\"delivered\"} 1");
    daemon_kill(&daemon);
    sleep(2);
    daemon_start_again(&daemon, rules_private);
    const struct received *end = receiver_wait(&receiver, 2);
    expect_told(end, "resolved");
    ck_assert_ptr_nonnull(strstr(end->body, "\"reason\":\"session_ended\""));
    daemon_stop(&daemon);
    receiver_stop(&receiver);
}

TEST(steps_do_not_wait_for_a_slow_receiver)
{
    struct receiver receiver;
    receiver_start(&receiver, 0);
    receiver.delay_ms = 3000;
    struct daemon daemon = rules_start(rules_private);
    rules_put(&daemon, "r", receiver.port, 1, "", 201);
    rules_step(&daemon, "s", RULES_SCORED);
    receiver_wait(&receiver, 1); /* it has the post, and does not answer */
    rules_step(&daemon, "s", RULES_SCORED);
    rules_step(&daemon, "t", RULES_SCORED);
    ck_assert_uint_le(receiver.n, 2);
    expect(&daemon, "GET", "/metrics", NULL, 200, "grud_webhooks_total{outcome=\"delivered\"} 0");
    receiver.delay_ms = 0;
    daemon_stop(&daemon);
    receiver_stop(&receiver);
}

TEST(a_name_that_is_private_is_not_connected_to)
{
    struct receiver receiver;
    receiver_start(&receiver, 0);
    struct daemon daemon = rules_start(rules_private);
    char body[BODY];
    snprintf(body, sizeof body, "{\"coverage\":true,\"below\":1,\"url\":\"http://localhost:%u/\"}",
             receiver.port);
    expect(&daemon, "PUT", RULES "/r", body, 201, NULL);
    ck_assert_int_eq(daemon_end(&daemon), 0);
    daemon_start_again(&daemon, (const char *const[]){ NULL }); /* the rule is there, and may not */
    expect(&daemon, "PUT", RULES "/other", body, 400, "--webhook-private");
    rules_step(&daemon, "s", RULES_SCORED);
    rules_wait(&daemon, RULES "/r", "private network, and --webhook-private is no");
    expect(&daemon, "GET", "/metrics", NULL, 200, "grud_webhooks_total{outcome=\"refused\"} 1");
    ck_assert_uint_eq(receiver.n, 0);
    daemon_stop(&daemon);
    receiver_stop(&receiver);
}

TEST(a_name_that_there_is_not_is_tried_again_later)
{
    struct daemon daemon = rules_start(rules_private);
    expect(&daemon, "PUT", RULES "/r",
           "{\"coverage\":true,\"below\":1,\"url\":\"http://nothing.invalid/\"}", 201, NULL);
    rules_step(&daemon, "s", RULES_SCORED);
    rules_wait(&daemon, RULES "/r", "\"last_failure\":{");
    daemon_stop(&daemon);
}

/* What is no rule, and the field that says why. */
static const struct {
    const char *body, *text;
    int code;
} bad[] = {
    { "{}", "\"param\":\"url\"", 400 },
    { "{\"url\":\"https://example.org\"}", "\"param\":\"coverage\"", 400 },
    { "{\"coverage\":true,\"url\":\"https://example.org\"}", "\"param\":\"below\"", 400 },
    { "{\"coverage\":true,\"below\":0.8}", "\"param\":\"url\"", 400 },
    { "{\"coverage\":false,\"below\":0.8,\"url\":\"https://example.org\"}",
      "\"param\":\"coverage\"", 400 },
    { "{\"coverage\":true,\"below\":0,\"url\":\"https://example.org\"}", "\"param\":\"below\"",
      400 },
    { "{\"coverage\":true,\"below\":1.5,\"url\":\"https://example.org\"}", "\"param\":\"below\"",
      400 },
    { "{\"coverage\":true,\"below\":0.8,\"for\":0,\"url\":\"https://example.org\"}",
      "\"param\":\"for\"", 400 },
    { "{\"coverage\":true,\"below\":0.8,\"prefix\":\"a/b\",\"url\":\"https://example.org\"}",
      "\"param\":\"prefix\"", 400 },
    { "{\"coverage\":true,\"below\":0.8,\"url\":\"http://127.0.0.1/\"}", "\"param\":\"url\"", 400 },
    { "{\"coverage\":true,\"below\":0.8,\"url\":\"nonsense\"}", "\"param\":\"url\"", 400 },
    { "{\"coverage\":true,\"below\":0.8,\"url\":\"http://2130706433/\"}", "\"param\":\"url\"",
      400 },
    { "{\"coverage\":true,\"below\":0.8,\"url\":\"http://[::ffff:127.0.0.1]/\"}",
      "\"param\":\"url\"", 400 },
    { "{\"coverage\":true,\"below\":0.8,\"url\":\"https://example.org:0/\"}", "\"param\":\"url\"",
      400 },
    { "{\"coverage\":true,\"below\":0.8,\"url\":\"https://example.org\",\"format\":\"xml\"}",
      "\"param\":\"format\"", 400 },
    { "{\"coverage\":true,\"below\":0.8,\"url\":\"https://example.org\",\"x\":1}",
      "\"param\":\"x\"", 400 },
    { "{\"anomaly\":true,\"url\":\"https://example.org\"}", "\"param\":\"p_value\"", 400 },
    { "{\"anomaly\":true,\"p_value\":1,\"url\":\"https://example.org\"}", "\"param\":\"p_value\"",
      400 },
    { "{\"anomaly\":true,\"p_value\":0.1,\"below\":0.5,\"url\":\"https://example.org\"}",
      "\"param\":\"below\"", 400 },
    { "{\"anomaly\":true,\"coverage\":true,\"below\":0.5,\"url\":\"https://example.org\"}",
      "\"param\":\"anomaly\"", 400 },
    { "{\"crossing\":{\"output\":\"temp\",\"above\":1},\"url\":\"https://example.org\"}",
      "\"param\":\"probability\"", 400 },
    { "{\"crossing\":{\"output\":\"none\",\"above\":1},\"probability\":0.5,\"url\":\"https://"
      "example.org\"}",
      "\"param\":\"crossing.output\"", 400 },
    { "{\"crossing\":{\"output\":\"temp\"},\"probability\":0.5,\"url\":\"https://"
      "example.org\"}",
      "\"param\":\"crossing.above\"", 400 },
    { "{\"crossing\":{\"output\":\"temp\",\"above\":1,\"below\":0},\"probability\":0.5,\"url\":"
      "\"https://example.org\"}",
      "\"param\":\"crossing.above\"", 400 },
    { "{\"crossing\":{\"output\":\"temp\",\"above\":1,\"horizon\":25},\"probability\":0.5,"
      "\"url\":\"https://example.org\"}",
      "\"param\":\"crossing.horizon\"", 400 },
    { "{\"crossing\":{\"output\":\"temp\",\"above\":1},\"probability\":0,\"url\":\"https://"
      "example.org\"}",
      "\"param\":\"probability\"", 400 },
};

TEST(what_is_no_rule_is_refused_by_its_field)
{
    struct daemon daemon = rules_start((const char *const[]){ "--rule-max", "1", NULL });
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        expect(&daemon, "PUT", RULES "/r", bad[k].body, bad[k].code, bad[k].text);
    }
    static const char good[] = "{\"coverage\":true,\"below\":0.8,\"url\":\"https://example.org\"}";
    expect(&daemon, "GET", RULES, NULL, 200, "{\"rules\":[]}");
    expect(&daemon, "PUT", RULES "/.r", good, 400, "\"param\":\"rule\"");
    expect(&daemon, "PUT", "/v1/models/none/rules/r", good, 404, "model_not_found");
    expect(&daemon, "PUT", RULES "/r", good, 201, NULL);
    expect(&daemon, "PUT", RULES "/r", good, 200, NULL);
    expect(&daemon, "PUT", RULES "/s", good, 422, "rules_full");
    expect(&daemon, "GET", RULES "/s", NULL, 404, "rule_not_found");
    expect(&daemon, "DELETE", RULES "/s", NULL, 404, "rule_not_found");
    daemon_stop(&daemon);
}

TEST(a_model_without_truths_has_no_coverage)
{
    struct daemon daemon = daemon_start((const char *const[]){ NULL });
    daemon_add_model(
        &daemon, "pump",
        (const char *const[]){ "--inputs", "temp", "--outputs", "class", "--layers", "4", NULL });
    expect(&daemon, "PUT", RULES "/r",
           "{\"coverage\":true,\"below\":0.8,\"url\":\"https://example.org\"}", 422,
           "rule_not_supported");
    daemon_stop(&daemon);
}

TEST(without_rules_there_is_no_thread_for_them)
{
    struct daemon daemon = rules_start((const char *const[]){ "--rule-max", "0", NULL });
    expect(&daemon, "PUT", RULES "/r",
           "{\"coverage\":true,\"below\":0.8,\"url\":\"https://example.org\"}", 422, "rules_full");
    expect(&daemon, "GET", RULES, NULL, 200, "{\"rules\":[]}");
    expect(&daemon, "DELETE", RULES "/r", NULL, 404, "rule_not_found");
    rules_step(&daemon, "s", RULES_SCORED);
    daemon_stop(&daemon);
}

/* Thousands of changes at once: each is told once. */
TEST(many_sessions_are_told_once_each)
{
    enum { SESSIONS = 300 };
    struct receiver *receiver = malloc(sizeof *receiver);
    ck_assert_ptr_nonnull(receiver);
    receiver_start(receiver, 0);
    struct daemon daemon = rules_start(rules_private);
    rules_put(&daemon, "r", receiver->port, 1, "", 201);
    for (int k = 0; k < SESSIONS; k++) {
        char session[32];
        snprintf(session, sizeof session, "s-%d", k);
        rules_step(&daemon, session, RULES_SCORED);
    }
    expect(&daemon, "GET", RULES "/r?limit=1", NULL, 200, "\"states\":{\"firing\":300,");
    receiver_wait(receiver, SESSIONS);
    expect(&daemon, "DELETE", RULES "/r", NULL, 204, NULL);
    receiver_wait(receiver, 2 * SESSIONS);
    rules_wait(&daemon, "/metrics", "grud_webhooks_total{outcome=\"delivered\"} 600");
    ck_assert_uint_eq(receiver->n, 2 * SESSIONS);
    daemon_stop(&daemon);
    receiver_stop(receiver);
    free(receiver);
}

/* Of a model that is gone a rule counts, and can be deleted. */
TEST(a_rule_of_a_model_that_is_gone_can_be_deleted)
{
    static const char good[] = "{\"coverage\":true,\"below\":0.8,\"url\":\"https://example.org\"}";
    static const char *const one[] = { "--rule-max", "1", NULL };
    char command[256];
    struct daemon daemon = rules_start(one);
    expect(&daemon, "PUT", RULES "/r", good, 201, NULL);
    ck_assert_int_eq(daemon_end(&daemon), 0);
    snprintf(command, sizeof command, "rm -r '%s/data/models/pump'", daemon.directory);
    ck_assert_int_eq(system(command), 0); // NOLINT(cert-env33-c, concurrency-mt-unsafe): a test
    daemon_start_again(&daemon, one);
    expect(&daemon, "GET", RULES "/r", NULL, 404, "model_not_found");
    expect(&daemon, "GET", "/metrics", NULL, 200, "grud_rules 1\n");
    expect(&daemon, "DELETE", RULES "/s", NULL, 404, "model_not_found");
    expect(&daemon, "DELETE", RULES "/r", NULL, 204, NULL);
    expect(&daemon, "DELETE", RULES "/r", NULL, 404, "model_not_found");
    expect(&daemon, "GET", "/metrics", NULL, 200, "grud_rules 0\n");
    daemon_stop(&daemon);
}
