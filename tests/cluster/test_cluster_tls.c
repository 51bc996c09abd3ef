/* Engines that speak TLS: whose certificate is looked at. */
#include "certificates.h"
#include "cluster_support.h"
#include "false_engine.h"
#include "scratch.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

enum { HOUR_S = 3600, LARGE = 3 << 20 };

/* Of localhost, and of somebody else's; an engine that shows the first. */
struct tls {
    char *folder, *certificate, *key, *stranger, *stranger_key;
    struct engine engine;
};

static struct tls tls_begin(long expires_in_s)
{
    struct tls tls = { .folder = folder_create() };
    tls.certificate = path_in(tls.folder, "certificate.pem");
    tls.key = path_in(tls.folder, "key.pem");
    tls.stranger = path_in(tls.folder, "stranger.pem");
    tls.stranger_key = path_in(tls.folder, "stranger-key.pem");
    certificate_write(tls.certificate, tls.key, CERTIFICATE_EC, 1, expires_in_s);
    certificate_write(tls.stranger, tls.stranger_key, CERTIFICATE_EC, 2, HOUR_S);
    const char *const options[] = { "--tls-cert-file",
                                    tls.certificate,
                                    "--tls-key-file",
                                    tls.key,
                                    "--tls-ca-cert-file",
                                    tls.certificate,
                                    "--tls-auth-clients",
                                    "no",
                                    NULL };
    tls.engine = engine_start_tls(options);
    return tls;
}

static void tls_end(struct tls *tls)
{
    engine_end(&tls->engine);
    folder_remove(tls->folder);
    free(tls->certificate);
    free(tls->key);
    free(tls->stranger);
    free(tls->stranger_key);
}

TEST(an_engine_whose_certificate_is_good_is_used)
{
    if (!engine_speaks_tls()) {
        return;
    }
    struct tls tls = tls_begin(HOUR_S);
    const struct link_options options = { .scheme = "rediss",
                                          .host = "localhost",
                                          .ca = tls.certificate };
    struct linked linked = link_open(tls.engine.port, &options);
    char *bytes = calloc(1, LARGE);
    const struct cluster_text set[] = { CLUSTER_WORD("SET"),
                                        CLUSTER_WORD("large"),
                                        { .bytes = bytes, .n = LARGE } };
    const struct cluster_text get[] = { CLUSTER_WORD("STRLEN"), CLUSTER_WORD("large") };
    struct outcomes outcomes = { .is_in_order = true, .last = LARGE - 1 };
    const struct cluster_reply *reply;
    struct fault fault;
    ck_assert_ptr_nonnull(bytes);
    ck_assert_msg(cluster_link_call(linked.link, set, 3, &reply, &fault) == STATUS_OK, "%s",
                  fault.message);
    ck_assert(cluster_link_send(linked.link, get, 2, outcome_note, &outcomes));
    link_until_answered(linked.link);
    ck_assert_uint_eq(outcomes.n_replies, 1);
    ck_assert(outcomes.is_in_order);
    reply = ask_engine(linked, "GET", "large");
    ck_assert_uint_eq(reply->text.n, LARGE);
    ck_assert_int_eq(memcmp(reply->text.bytes, bytes, LARGE), 0);
    free(bytes);
    link_close(&linked);
    tls_end(&tls);
}

static void check(const struct tls *tls, const char *scheme, const char *host, const char *ca,
                  enum status status, const char *words)
{
    const struct link_options options = { .scheme = scheme, .host = host, .ca = ca };
    struct linked linked = link_open(tls->engine.port, &options);
    link_until_refused(linked.link, status, words);
    link_close(&linked);
}

TEST(others_are_refused_with_the_reason)
{
    if (!engine_speaks_tls()) {
        return;
    }
    struct tls tls = tls_begin(HOUR_S);
    check(&tls, "rediss", "127.0.0.1", tls.certificate, STATUS_INVALID_VALUE, "of another host");
    check(&tls, "rediss", "localhost", tls.stranger, STATUS_INVALID_VALUE, "--cluster-ca");
    check(&tls, "redis", "localhost", NULL, STATUS_STORAGE_FAILED, "rediss://");
    tls_end(&tls);
    struct tls late = tls_begin(-60);
    check(&late, "rediss", "localhost", late.certificate, STATUS_INVALID_VALUE, "expired");
    tls_end(&late);
}

TEST(an_engine_without_tls_is_told_from_one_that_fails)
{
    struct tls tls = { .folder = folder_create() };
    char *certificate = path_in(tls.folder, "certificate.pem"), *key = path_in(tls.folder, "key");
    certificate_write(certificate, key, CERTIFICATE_EC, 1, HOUR_S);
    const struct link_options options = { .scheme = "rediss",
                                          .host = "127.0.0.1",
                                          .ca = certificate };
    struct false_engine engine = false_engine_start();
    struct linked linked = link_open(engine.port, &options);
    false_engine_await(&engine, linked.link);
    false_engine_say(&engine, "-ERR Protocol error\r\n", 21);
    link_until_refused(linked.link, STATUS_INVALID_VALUE, "does not speak TLS");
    link_close(&linked);
    false_engine_end(&engine);
    folder_remove(tls.folder);
    free(certificate);
    free(key);
}
