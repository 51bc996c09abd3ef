#include "base/status.h"

#include "json/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *code;
    int http;
} statuses[] = {
#define STATUS_ROW(name, word, number) [STATUS_##name] = { .code = (word), .http = (number) },
    STATUS_TABLE(STATUS_ROW)
#undef STATUS_ROW
};

const char *status_code(enum status status)
{
    return statuses[status].code;
}

int status_http(enum status status)
{
    return statuses[status].http;
}

void fault_drop_partial_code_point(char *text)
{
    text[utf8_whole(text, strlen(text))] = '\0';
}

void fault_fill(struct fault *fault, enum status status, const char *param, const char *format, ...)
{
    /* built aside, as the arguments may well be the texts of *fault itself */
    struct fault result = { .status = status };
    if (param &&
        (size_t)snprintf(result.param, sizeof result.param, "%s", param) >= sizeof result.param) {
        fault_drop_partial_code_point(result.param);
    }
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(result.message, sizeof result.message, format, arguments);
    va_end(arguments);
    if (n >= (int)sizeof result.message) {
        fault_drop_partial_code_point(result.message);
    }
    *fault = result;
}

void fault_add_advice(struct fault *fault, const char *advice)
{
    size_t n = strlen(fault->message);
    fault->n_public = n;
    if ((size_t)snprintf(fault->message + n, sizeof fault->message - n, "%s", advice) >=
        sizeof fault->message - n) {
        fault_drop_partial_code_point(fault->message);
    }
}

struct fault fault_for_clients(const struct fault *fault)
{
    struct fault without = *fault;
    if (without.n_public > 0) {
        without.message[without.n_public] = '\0';
    }
    return without;
}

bool fault_may_pass(const struct fault *fault)
{
    switch (fault->error) {
    case EADDRINUSE:
        return true;
    case EACCES:
    case EPERM:
    case EROFS:
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case EBADMSG: /* what a file holds is damaged, or another program's */
        return false;
    }
    return status_may_pass(fault->status);
}

enum status status_of_gru(enum gru_status status)
{
    switch (status) { /* without a default: the compiler says which one is forgotten */
    case GRU_OK:
        return STATUS_OK;
    case GRU_NO_MEMORY:
        return STATUS_NO_MEMORY;
    case GRU_IO:
        return STATUS_STORAGE_FAILED;
    case GRU_BAD_FILE:
    case GRU_BAD_TENSORS:
    case GRU_BAD_METADATA:
    case GRU_SELFTEST_FAILED:
        return STATUS_INVALID_MODEL;
    case GRU_NON_FINITE:
        return STATUS_NON_FINITE_RESULT;
    case GRU_MISSING_INPUT:
        return STATUS_MISSING_INPUT;
    case GRU_NOT_CAUSAL:
        return STATUS_NOT_CAUSAL;
    case GRU_NO_READING:
        return STATUS_NO_READING;
    case GRU_NO_ROLL_OUT:
        return STATUS_HORIZON_NOT_SUPPORTED;
    case GRU_BAD_FUTURE:
        return STATUS_WRONG_LENGTH;
    case GRU_BAD_ARGUMENT:
        return STATUS_INVALID_VALUE;
    case GRU_BAD_TRAINING:
        return STATUS_INVALID_TRAINING;
    case GRU_BAD_BLAS:
        return STATUS_TRAINING_OFF;
    }
    return STATUS_INTERNAL;
}
