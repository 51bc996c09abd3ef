#include "secure/certificate.h"

#include "base/log.h"
#include "secure/secret.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CHAIN_MAX = 16, ID_BYTES = 32 /* SHA-256 */ };

struct certificate {
    struct certificate *before; /* shown earlier */
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned n_chain;
    gnutls_privkey_t key;
    unsigned char key_id[ID_BYTES], chain_id[ID_BYTES];
};

/* Ciphers that authenticate by themselves: none of the suites has CBC, or a MAC of SHA-1. */
const char certificate_priorities[] =
    "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-MAC-ALL:+AEAD:-CIPHER-ALL:+AES-256-GCM:"
    "+CHACHA20-POLY1305:+AES-128-GCM:+AES-256-CCM:+AES-128-CCM:-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1";

static _Atomic(struct certificate *) shown; /* libmicrohttpd's callback has no argument of ours */

/* ---- reading ---- */

static enum status read_chain(struct certificate *certificate, const char *path,
                              struct fault *fault)
{
    struct secret file;
    enum status status = secret_read(path, "tls-cert", &file, fault);
    if (status != STATUS_OK) {
        return status;
    }
    const gnutls_datum_t text = { .data = (unsigned char *)file.text, .size = (unsigned)file.n };
    unsigned n = CHAIN_MAX;
    int result =
        gnutls_pcert_list_import_x509_raw(certificate->chain, &n, &text, GNUTLS_X509_FMT_PEM, 0);
    if (result >= 0) {
        certificate->n_chain = n;
        result = gnutls_hash_fast(GNUTLS_DIG_SHA256, file.text, file.n, certificate->chain_id);
    }
    secret_wipe(&file);
    return result >= 0
               ? STATUS_OK
               : fault_set(fault, STATUS_INVALID_VALUE, "tls-cert",
                           "%s is no certificate chain in PEM: %s", path, gnutls_strerror(result));
}

static enum status read_key(struct certificate *certificate, const char *path, struct fault *fault)
{
    struct secret file;
    enum status status = secret_read(path, "tls-key", &file, fault);
    if (status != STATUS_OK) {
        return status;
    }
    if (file.is_world_readable) { /* a group of its own is common */
        log_event(LOG_WARN, "file_readable_by_others", LOG_STRING("file", path));
    }
    const gnutls_datum_t text = { .data = (unsigned char *)file.text, .size = (unsigned)file.n };
    int result = gnutls_privkey_init(&certificate->key);
    if (result >= 0) {
        result =
            gnutls_privkey_import_x509_raw(certificate->key, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
    }
    secret_wipe(&file);
    return result >= 0 ? STATUS_OK
                       : fault_set(fault, STATUS_INVALID_VALUE, "tls-key",
                                   "%s is no private key in PEM without a password: %s", path,
                                   gnutls_strerror(result));
}

/* ---- checking ---- */

static bool identify(gnutls_pubkey_t key, unsigned char ret_id[ID_BYTES])
{
    size_t n = ID_BYTES;
    return gnutls_pubkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, ret_id, &n) >= 0;
}

static bool belong_together(struct certificate *certificate)
{
    unsigned char id[ID_BYTES];
    gnutls_pubkey_t public_key;
    if (gnutls_pubkey_init(&public_key) < 0) {
        return false;
    }
    bool fine = gnutls_pubkey_import_privkey(public_key, certificate->key, 0, 0) >= 0 &&
                identify(public_key, certificate->key_id) &&
                identify(certificate->chain[0].pubkey, id) &&
                memcmp(id, certificate->key_id, sizeof id) == 0;
    gnutls_pubkey_deinit(public_key);
    return fine;
}

/* Clients will refuse it, but it is for the operator to say whether that is better than no service.
 */
static void warn_of_dates(const struct certificate *certificate, const char *path)
{
    gnutls_x509_crt_t own;
    gnutls_pcert_st first = certificate->chain[0];
    if (gnutls_pcert_export_x509(&first, &own) < 0) {
        return;
    }
    time_t now = time(NULL);
    if (gnutls_x509_crt_get_expiration_time(own) < now) {
        log_event(LOG_WARN, "certificate_expired", LOG_STRING("file", path));
    } else if (gnutls_x509_crt_get_activation_time(own) > now) {
        log_event(LOG_WARN, "certificate_not_yet_valid", LOG_STRING("file", path));
    }
    gnutls_x509_crt_deinit(own);
}

enum status certificate_read(const char *chain_path, const char *key_path,
                             struct certificate **ret_certificate, struct fault *fault)
{
    struct certificate *certificate = calloc(1, sizeof *certificate);
    if (!certificate) {
        return fault_set(fault, STATUS_NO_MEMORY, "tls-cert", "no memory for the certificate");
    }
    enum status status = read_chain(certificate, chain_path, fault);
    if (status == STATUS_OK) {
        status = read_key(certificate, key_path, fault);
    }
    if (status == STATUS_OK && !belong_together(certificate)) {
        status =
            fault_set(fault, STATUS_INVALID_VALUE, "tls-key",
                      "%s is not the key of the first certificate in %s", key_path, chain_path);
    }
    if (status != STATUS_OK) {
        certificate_free(certificate);
        return status;
    }
    warn_of_dates(certificate, chain_path);
    *ret_certificate = certificate;
    return STATUS_OK;
}

void certificate_free(struct certificate *certificate)
{
    if (!certificate) {
        return;
    }
    for (unsigned k = 0; k < certificate->n_chain; k++) {
        gnutls_pcert_deinit(&certificate->chain[k]);
    }
    if (certificate->key) {
        gnutls_privkey_deinit(certificate->key);
    }
    free(certificate);
}

/* ---- showing ---- */

static bool are_equal(const struct certificate *a, const struct certificate *b)
{
    return memcmp(a->key_id, b->key_id, ID_BYTES) == 0 &&
           memcmp(a->chain_id, b->chain_id, ID_BYTES) == 0;
}

void certificate_show(struct certificate *certificate)
{
    struct certificate *before = atomic_load(&shown);
    if (before && are_equal(before, certificate)) {
        certificate_free(certificate);
        return;
    }
    certificate->before = before;
    atomic_store(&shown, certificate);
}

void certificate_done(void)
{
    struct certificate *certificate = atomic_exchange(&shown, NULL);
    while (certificate) {
        struct certificate *before = certificate->before;
        certificate_free(certificate);
        certificate = before;
    }
}

/* GnuTLS only reads what it is given. */
static int retrieve(gnutls_session_t session, const gnutls_datum_t *authorities, int n_authorities,
                    const gnutls_pk_algorithm_t *algorithms, int n_algorithms,
                    gnutls_pcert_st **ret_chain, unsigned *ret_n, gnutls_privkey_t *ret_key)
{
    (void)session;
    (void)authorities;
    (void)n_authorities;
    (void)algorithms;
    (void)n_algorithms;
    struct certificate *certificate = atomic_load(&shown);
    if (!certificate) {
        return -1;
    }
    *ret_chain = certificate->chain;
    *ret_n = certificate->n_chain;
    *ret_key = certificate->key;
    return 0;
}

void *certificate_callback(void)
{
    gnutls_certificate_retrieve_function2 *function = retrieve;
    return (void *)function;
}
