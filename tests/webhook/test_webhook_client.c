/* The client of webhooks by itself; what it posts is tested from outside, in tests/e2e. */
#include "webhook/webhook_client.h"

#include "test.h"

#include <string.h>

TEST(a_file_without_certificates_is_a_fault_of_the_option)
{
    static const char *const bad[] = { "/nowhere/at/all.pem", "/etc/passwd", "/" };
    struct webhook_client *client = NULL;
    struct fault fault;
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        const struct webhook_client_options options = { .ca_file = bad[k] };
        ck_assert_int_eq(webhook_client_create(&options, &client, &fault), STATUS_INVALID_VALUE);
        ck_assert_str_eq(fault.param, "webhook-ca");
        ck_assert_msg(strstr(fault.message, bad[k]) != NULL, "%s", fault.message);
    }
}
