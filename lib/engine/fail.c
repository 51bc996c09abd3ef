/* See fail.h. */
#include "engine/fail.h"

#include <stdarg.h>
#include <stdio.h>

enum gru_status gru_fail(struct gru_error *error, enum gru_status status, const char *param,
                         const char *format, ...)
{
    if (error) {
        snprintf(error->param, sizeof error->param, "%s", param ? param : "");
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(error->message, sizeof error->message, format, arguments);
        va_end(arguments);
    }
    return status;
}
