#include "secure/tls_server.h"

#include <gnutls/gnutls.h>

void tls_server_send_last(void *session, const char *bytes, size_t n)
{
    if (gnutls_record_send(session, bytes, n) == (ssize_t)n) {
        gnutls_bye(session, GNUTLS_SHUT_WR);
    }
}
