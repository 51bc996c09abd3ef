/*
 * certificate.h - the server's certificate and its private key, and the rules for TLS connections.
 * Hides gnutls.h, together with the rest of this folder.
 *
 * A process shows one certificate at a time. It is replaced without a lock while handshakes go on
 * in other threads; these may still use the one before, so that is kept until the end.
 * (Certificates are renewed every few weeks, and one whose files have not changed is not replaced.)
 * All functions are for one thread at a time, but certificate_callback's function is for any.
 */
#ifndef CERTIFICATE_H
#define CERTIFICATE_H

#include "base/status.h"

struct certificate;

/* Reads a chain, the server's own certificate first, and the key that belongs to it, both in PEM.
 * Faults have the option as param: tls-cert or tls-key. */
__attribute__((warn_unused_result)) enum status
certificate_read(const char *chain_path, const char *key_path, struct certificate **ret_certificate,
                 struct fault *fault);
void certificate_free(struct certificate *certificate);

/* From now on handshakes show this one, which is taken over. */
void certificate_show(struct certificate *certificate);
/* Frees what was shown. No connection is left. */
void certificate_done(void);

/* What MHD_OPTION_HTTPS_CERT_CALLBACK takes: a pointer to a gnutls_certificate_retrieve_function2.
 */
void *certificate_callback(void);
/* What MHD_OPTION_HTTPS_PRIORITIES takes: TLS 1.2 with forward secrecy, and 1.3. */
extern const char certificate_priorities[];

#endif
