#include "cluster_support.h"

#include "base/clock.h"
#include "cluster/cluster_trouble.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

enum { MINUTE_MS = 60000, WORDS_MAX = 32, TURN_MS = 5 };

void options_fill(struct config *config, char url[512], const struct link_options *options,
                  unsigned port)
{
    snprintf(url, 512, "%s://%s%s:%u/%u", options->scheme ? options->scheme : "redis",
             options->user_part ? options->user_part : "",
             options->host ? options->host : "127.0.0.1", port, options->db);
    *config = (struct config){ .cluster = url,
                               .cluster_ca = options->ca ? options->ca : "",
                               .cluster_password_file =
                                   options->password_file ? options->password_file : "",
                               .cluster_prefix = options->prefix ? options->prefix : "grud:",
                               .cluster_replicas = options->n_replicas,
                               .cluster_timeout_ms =
                                   options->timeout_ms > 0 ? options->timeout_ms : MINUTE_MS };
}

struct linked link_open(unsigned port, const struct link_options *options)
{
    static const struct link_options plain = { .db = 0 };
    struct linked linked;
    struct fault fault = { .message = "" };
    struct config config;
    char url[512];
    options_fill(&config, url, options ? options : &plain, port);
    ck_assert_msg(cluster_target_read(&config, &linked.target, &fault) == STATUS_OK, "%s",
                  fault.message);
    ck_assert_msg(cluster_link_create(linked.target, &linked.link, &fault) == STATUS_OK, "%s",
                  fault.message);
    return linked;
}

void link_close(struct linked *linked)
{
    cluster_link_free(linked->link);
    cluster_target_free(linked->target);
}

struct served served_begin(void)
{
    struct served served = { .engine = engine_start(NULL) };
    served.linked = link_open(served.engine.port, NULL);
    link_until_ready(served.linked.link);
    snprintf(served.epoch, sizeof served.epoch, "%s", cluster_link_epoch(served.linked.link).bytes);
    return served;
}

void served_end(struct served *served)
{
    link_close(&served->linked);
    engine_end(&served->engine);
}

void link_turn(struct cluster_link *link)
{
    struct pollfd waiting;
    int64_t wait_ns;
    cluster_link_poll(link, &waiting, &wait_ns);
    (void)poll(&waiting, 1, wait_ns > TURN_MS * 1000000 ? TURN_MS : (int)(wait_ns / 1000000));
    cluster_link_go_on(link, clock_monotonic_ns());
}

void link_until_ready(struct cluster_link *link)
{
    const int64_t until_ms = clock_monotonic_ms() + MINUTE_MS;
    while (!cluster_link_is_ready(link)) {
        struct fault fault = { .message = "" };
        (void)cluster_link_fault(link, &fault);
        ck_assert_msg(clock_monotonic_ms() < until_ms, "not ready: %s", fault.message);
        link_turn(link);
    }
}

void link_until_refused(struct cluster_link *link, enum status status, const char *words)
{
    const int64_t until_ms = clock_monotonic_ms() + MINUTE_MS;
    struct fault fault = { .message = "" };
    while (cluster_link_fault(link, &fault) == STATUS_OK || !strstr(fault.message, words)) {
        ck_assert_msg(clock_monotonic_ms() < until_ms, "%s: %s",
                      cluster_link_is_ready(link) ? "ready" : "otherwise refused", fault.message);
        link_turn(link);
    }
    ck_assert_msg(fault.status == status, "%d: %s", (int)fault.status, fault.message);
    ck_assert_str_eq(fault.param, "cluster");
}

void link_until_answered(struct cluster_link *link)
{
    const int64_t until_ms = clock_monotonic_ms() + MINUTE_MS;
    while (cluster_link_n_out(link) > 0) {
        ck_assert_msg(clock_monotonic_ms() < until_ms, "no answer");
        link_turn(link);
    }
}

const struct cluster_reply *link_ask(struct cluster_link *link, const char *const *words)
{
    struct cluster_text arguments[WORDS_MAX];
    struct fault fault = { .message = "" };
    const struct cluster_reply *reply = NULL;
    size_t n = 0;
    for (; words[n]; n++) {
        ck_assert_uint_lt(n, WORDS_MAX);
        arguments[n] = (struct cluster_text){ .bytes = words[n], .n = strlen(words[n]) };
    }
    ck_assert_msg(cluster_link_call(link, arguments, n, &reply, &fault) == STATUS_OK, "%s: %s",
                  words[0], fault.message);
    return reply;
}

void outcome_note(void *arg, const struct cluster_reply *reply, bool was_sent)
{
    struct outcomes *outcomes = arg;
    if (reply) {
        outcomes->is_in_order &= reply->number == outcomes->last + 1;
        outcomes->last = reply->number;
        outcomes->n_replies++;
    } else if (was_sent) {
        outcomes->n_unknown++;
    } else {
        outcomes->n_unsent++;
    }
}
