/* certificates.h - certificates for the tests of TLS, made as they are needed. A failure ends the
 * test. */
#ifndef CERTIFICATES_H
#define CERTIFICATES_H

enum certificate_kind { CERTIFICATE_EC, CERTIFICATE_RSA };

/* A self-signed certificate for localhost and its private key, as PEM files; from an hour ago, to
 * `expires_in_s` from now. */
void certificate_write(const char *certificate_path, const char *key_path,
                       enum certificate_kind kind, unsigned char serial, long expires_in_s);

#endif
