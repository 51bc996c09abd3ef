#include "secure/tls_stream.h"

#include "secure/certificate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tls_trust {
    gnutls_certificate_credentials_t authorities;
};

struct tls_stream {
    gnutls_session_t session;
    bool has_unsent; /* a record that the socket had no room for */
};

/* ---- authorities ---- */

enum status tls_trust_read(const char *path, const char *param, struct tls_trust **ret_trust,
                           struct fault *fault)
{
    struct tls_trust *trust = calloc(1, sizeof *trust);
    if (!trust || gnutls_certificate_allocate_credentials(&trust->authorities) < 0) {
        free(trust);
        return fault_set(fault, STATUS_NO_MEMORY, param, "no memory for certificates");
    }
    const int n = path[0] ? gnutls_certificate_set_x509_trust_file(trust->authorities, path,
                                                                   GNUTLS_X509_FMT_PEM)
                          : gnutls_certificate_set_x509_system_trust(trust->authorities);
    if (n > 0) {
        *ret_trust = trust;
        return STATUS_OK;
    }
    tls_trust_free(trust);
    if (!path[0]) {
        return fault_set(fault, STATUS_INVALID_VALUE, param,
                         "%s: this system has no list of authorities (Debian's is the package "
                         "ca-certificates), so name a file of them",
                         param);
    }
    return fault_set(fault, STATUS_INVALID_VALUE, param,
                     "%s cannot be read as certificates of authorities in PEM: %s", path,
                     n < 0 ? gnutls_strerror(n) : "there are none in it");
}

void tls_trust_free(struct tls_trust *trust)
{
    if (trust) {
        gnutls_certificate_free_credentials(trust->authorities);
        free(trust);
    }
}

/* ---- a stream ---- */

/* A name is told to the server, which may have several certificates; an address is not one. */
static bool tell_name(gnutls_session_t session, const char *host)
{
    struct in6_addr address;
    return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1 ||
           gnutls_server_name_set(session, GNUTLS_NAME_DNS, host, strlen(host)) >= 0;
}

struct tls_stream *tls_stream_create(const struct tls_trust *trust, int fd, const char *host)
{
    struct tls_stream *stream = calloc(1, sizeof *stream);
    if (!stream ||
        gnutls_init(&stream->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0) {
        free(stream);
        return NULL;
    }
    gnutls_session_t session = stream->session;
    gnutls_transport_set_int(session, fd);
    gnutls_session_set_verify_cert(session, host, 0);
    if (gnutls_priority_set_direct(session, certificate_priorities, NULL) < 0 ||
        gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, trust->authorities) < 0 ||
        !tell_name(session, host)) {
        tls_stream_free(stream);
        return NULL;
    }
    return stream;
}

void tls_stream_free(struct tls_stream *stream)
{
    if (stream) {
        gnutls_deinit(stream->session);
        free(stream);
    }
}

static enum tls_result judge_certificate(gnutls_session_t session, char reason[TLS_REASON_MAX])
{
    gnutls_datum_t text;
    const unsigned found = gnutls_session_get_verify_cert_status(session);
    if (gnutls_certificate_verification_status_print(found, gnutls_certificate_type_get(session),
                                                     &text, 0) >= 0) {
        snprintf(reason, TLS_REASON_MAX, "%s", (const char *)text.data);
        gnutls_free(text.data);
    }
    if (found & (GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_SIGNATURE_FAILURE |
                 GNUTLS_CERT_SIGNER_NOT_CA)) {
        return TLS_UNTRUSTED;
    }
    return found & GNUTLS_CERT_UNEXPECTED_OWNER ? TLS_OTHER_NAME : TLS_BAD_CERTIFICATE;
}

enum tls_result tls_stream_shake_hands(struct tls_stream *stream, char reason[TLS_REASON_MAX])
{
    int result;
    do {
        result = gnutls_handshake(stream->session);
    } while (result == GNUTLS_E_WARNING_ALERT_RECEIVED || result == GNUTLS_E_INTERRUPTED);
    if (result >= 0) {
        return TLS_DONE;
    }
    if (result == GNUTLS_E_AGAIN) {
        return TLS_WAITS;
    }
    snprintf(reason, TLS_REASON_MAX, "%s", gnutls_strerror(result));
    if (result == GNUTLS_E_FATAL_ALERT_RECEIVED) {
        const char *alert = gnutls_alert_get_name(gnutls_alert_get(stream->session));
        snprintf(reason, TLS_REASON_MAX, "%s", alert ? alert : "a fatal alert");
    }
    switch (result) {
    case GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR:
        return judge_certificate(stream->session, reason);
    case GNUTLS_E_UNEXPECTED_PACKET_LENGTH:
    case GNUTLS_E_UNSUPPORTED_VERSION_PACKET:
    case GNUTLS_E_UNEXPECTED_PACKET:
        return TLS_NOT_TLS;
    default:
        return TLS_BROKEN;
    }
}

/* In the terms of send(2). */
static ssize_t give_back(ssize_t result)
{
    if (result >= 0) {
        return result;
    }
    errno = result == GNUTLS_E_AGAIN ? EAGAIN : result == GNUTLS_E_INTERRUPTED ? EINTR : EPROTO;
    return -1;
}

ssize_t tls_stream_send(struct tls_stream *stream, const char *bytes, size_t n)
{
    /* a record that was made of these bytes already is only pushed on */
    const ssize_t n_sent = stream->has_unsent ? gnutls_record_send(stream->session, NULL, 0)
                                              : gnutls_record_send(stream->session, bytes, n);
    stream->has_unsent = n_sent == GNUTLS_E_AGAIN || n_sent == GNUTLS_E_INTERRUPTED;
    return give_back(n_sent);
}

ssize_t tls_stream_receive(struct tls_stream *stream, char *bytes, size_t size)
{
    ssize_t n;
    do {
        n = gnutls_record_recv(stream->session, bytes, size);
    } while (n == GNUTLS_E_WARNING_ALERT_RECEIVED);
    return n == GNUTLS_E_PREMATURE_TERMINATION ? 0 : give_back(n);
}

bool tls_stream_has_more(const struct tls_stream *stream)
{
    return gnutls_record_check_pending(stream->session) > 0;
}

bool tls_stream_wants_to_write(const struct tls_stream *stream)
{
    return gnutls_record_get_direction(stream->session) != 0;
}
