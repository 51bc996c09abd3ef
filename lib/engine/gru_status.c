/* The words of the library's enumerations, and the one way to report a failure. */
#include "engine/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const status_texts[] = {
#define STATUS_TEXT(name, text) [GRU_##name] = (text),
    GRU_STATUS_TABLE(STATUS_TEXT)
#undef STATUS_TEXT
};

const char *gru_status_text(enum gru_status status)
{
    size_t n = sizeof status_texts / sizeof *status_texts;
    return (size_t)status < n ? status_texts[status] : "unknown status";
}

const char *gru_cell_name(enum gru_cell cell)
{
    static const char *const names[] = { [GRU_CELL_GRU] = "gru",
                                         [GRU_CELL_OUTPUT_GATE] = "gru_output_gate",
                                         [GRU_CELL_THREE_GATE] = "gru_three_gate" };
    return names[cell];
}

const char *gru_reset_name(enum gru_reset reset)
{
    return reset == GRU_RESET_AFTER ? "after" : "before";
}

const char *gru_activation_name(enum gru_activation activation)
{
    static const char *const names[] = { [GRU_LINEAR] = "linear",
                                         [GRU_SIGMOID] = "sigmoid",
                                         [GRU_TANH] = "tanh",
                                         [GRU_SOFTMAX] = "softmax" };
    return names[activation];
}

const char *gru_missing_name(enum gru_missing missing)
{
    static const char *const names[] = { [GRU_MISSING_ERROR] = "error",
                                         [GRU_MISSING_LAST] = "last",
                                         [GRU_MISSING_MEAN] = "mean",
                                         [GRU_MISSING_FORECAST] = "forecast" };
    return names[missing];
}

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
