#include "certificates.h"

#include "test.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <time.h>

static void write_text(const char *path, const gnutls_datum_t *text)
{
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text->data, 1, text->size, file), text->size);
    ck_assert_int_eq(fclose(file), 0);
}

static gnutls_x509_privkey_t make_key(enum certificate_kind kind)
{
    gnutls_x509_privkey_t key;
    ck_assert_int_eq(gnutls_x509_privkey_init(&key), 0);
    int made = kind == CERTIFICATE_RSA
                   ? gnutls_x509_privkey_generate(key, GNUTLS_PK_RSA, 2048, 0)
                   : gnutls_x509_privkey_generate(
                         key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    ck_assert_int_eq(made, 0);
    return key;
}

void certificate_write(const char *certificate_path, const char *key_path,
                       enum certificate_kind kind, unsigned char serial, long expires_in_s)
{
    gnutls_x509_crt_t certificate;
    gnutls_datum_t text;
    gnutls_x509_privkey_t key = make_key(kind);
    time_t now = time(NULL);
    ck_assert_int_eq(gnutls_x509_crt_init(&certificate), 0);
    ck_assert_int_eq(gnutls_x509_crt_set_version(certificate, 3), 0);
    ck_assert_int_eq(gnutls_x509_crt_set_serial(certificate, &serial, 1), 0);
    ck_assert_int_eq(gnutls_x509_crt_set_dn(certificate, "CN=localhost", NULL), 0);
    ck_assert_int_eq(gnutls_x509_crt_set_activation_time(certificate, now - 3600), 0);
    ck_assert_int_eq(gnutls_x509_crt_set_expiration_time(certificate, now + expires_in_s), 0);
    ck_assert_int_eq(gnutls_x509_crt_set_key(certificate, key), 0);
    ck_assert_int_eq(gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0), 0);
    ck_assert_int_eq(gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &text), 0);
    write_text(certificate_path, &text);
    gnutls_free(text.data);
    ck_assert_int_eq(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &text), 0);
    write_text(key_path, &text);
    gnutls_free(text.data);
    gnutls_x509_crt_deinit(certificate);
    gnutls_x509_privkey_deinit(key);
}
