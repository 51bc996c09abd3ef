#include "certificates.h"
#include "secure/certificate.h"
#include "secure_support.h"
#include "test.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HOUR_S = 3600 };

struct files {
    char certificate[PATH_SIZE], key[PATH_SIZE];
};

static struct files make(enum certificate_kind kind, long expires_in_s)
{
    struct files files;
    text_make(files.certificate, "");
    text_make(files.key, "");
    certificate_write(files.certificate, files.key, kind, 1, expires_in_s);
    return files;
}

static void drop(const struct files *files)
{
    unlink(files->certificate);
    unlink(files->key);
}

/* What a handshake is given; NULL: nothing. */
static gnutls_privkey_t shown_key(void)
{
    gnutls_certificate_retrieve_function2 *retrieve = certificate_callback();
    gnutls_pcert_st *chain;
    gnutls_privkey_t key;
    unsigned n;
    if (retrieve(NULL, NULL, 0, NULL, 0, &chain, &n, &key) != 0) {
        return NULL;
    }
    ck_assert_uint_eq(n, 1);
    ck_assert_int_eq(chain[0].type, GNUTLS_CRT_X509);
    return key;
}

static void show(const char *certificate_path, const char *key_path)
{
    struct certificate *certificate;
    struct fault fault = { .message = "" };
    enum status status = certificate_read(certificate_path, key_path, &certificate, &fault);
    ck_assert_msg(status == STATUS_OK, "%s", fault.message);
    certificate_show(certificate);
}

TEST(a_certificate_is_shown_until_another_takes_its_place)
{
    struct files first = make(CERTIFICATE_EC, HOUR_S), second = make(CERTIFICATE_RSA, HOUR_S);
    ck_assert_ptr_null(shown_key());
    show(first.certificate, first.key);
    gnutls_privkey_t key = shown_key();
    ck_assert_int_eq(gnutls_privkey_get_pk_algorithm(key, NULL), GNUTLS_PK_ECDSA);
    show(first.certificate, first.key); /* unchanged */
    ck_assert_ptr_eq(shown_key(), key);
    show(second.certificate, second.key);
    ck_assert_int_eq(gnutls_privkey_get_pk_algorithm(shown_key(), NULL), GNUTLS_PK_RSA);
    ck_assert_int_eq(gnutls_privkey_get_pk_algorithm(key, NULL),
                     GNUTLS_PK_ECDSA); /* for a handshake */
    certificate_done();
    ck_assert_ptr_null(shown_key());
    drop(&first);
    drop(&second);
}

static void expect_fault(const char *certificate, const char *key, const char *param,
                         const char *message)
{
    struct certificate *unread = NULL;
    struct fault fault = { .message = "" };
    ck_assert_int_eq(certificate_read(certificate, key, &unread, &fault), STATUS_INVALID_VALUE);
    ck_assert_ptr_null(unread);
    ck_assert_str_eq(fault.param, param);
    ck_assert_msg(strstr(fault.message, message) != NULL, "%s", fault.message);
}

TEST(files_that_do_not_go_together_are_refused)
{
    char garbage[PATH_SIZE];
    struct files one = make(CERTIFICATE_EC, HOUR_S), other = make(CERTIFICATE_EC, HOUR_S);
    text_make(garbage, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    expect_fault(one.certificate, other.key, "tls-key",
                 "is not the key of the first certificate in");
    expect_fault(one.key, one.key, "tls-cert", "is no certificate chain in PEM");
    expect_fault(one.certificate, one.certificate, "tls-key", "is no private key in PEM");
    expect_fault(garbage, one.key, "tls-cert", "is no certificate chain in PEM");
    expect_fault("/tmp/grud/no/such", one.key, "tls-cert", "cannot be opened: No such file");
    expect_fault(one.certificate, "/tmp/grud/no/such", "tls-key", "cannot be opened: No such file");
    unlink(garbage);
    drop(&one);
    drop(&other);
}

TEST(dates_and_open_keys_are_warned_of)
{
    char log[LOGGED_SIZE];
    struct files fine = make(CERTIFICATE_EC, HOUR_S), old = make(CERTIFICATE_EC, -60);
    int logged = logged_begin();
    show(fine.certificate, fine.key);
    logged_end(logged, log);
    ck_assert_str_eq(log, "");
    ck_assert_int_eq(chmod(old.key, 0604), 0);
    logged = logged_begin();
    show(old.certificate, old.key);
    logged_end(logged, log);
    ck_assert_ptr_nonnull(strstr(log, "warn certificate_expired file=/tmp/"));
    ck_assert_ptr_nonnull(strstr(log, "warn file_readable_by_others file=/tmp/"));
    certificate_done();
    drop(&fine);
    drop(&old);
}

TEST(the_priorities_are_ones_that_gnutls_knows)
{
    gnutls_priority_t priorities;
    const unsigned *versions;
    ck_assert_int_eq(gnutls_priority_init(&priorities, certificate_priorities, NULL), 0);
    int n = gnutls_priority_protocol_list(priorities, &versions);
    ck_assert_int_eq(n, 2);
    ck_assert_uint_eq(versions[0], GNUTLS_TLS1_3);
    ck_assert_uint_eq(versions[1], GNUTLS_TLS1_2);
    gnutls_priority_deinit(priorities);
}
