/* The words of the library's enumerations, from the lists of gru_choices.h. */
#include "gru.h"

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

#define NAME(id, word) [id] = (word),

const char *gru_layer_kind_name(enum gru_layer_kind kind)
{
    static const char *const names[] = { GRU_LAYER_KINDS(NAME, NAME) };
    return names[kind];
}

const char *gru_reset_name(enum gru_reset reset)
{
    static const char *const names[] = { GRU_RESETS(NAME, NAME) };
    return names[reset];
}

const char *gru_activation_name(enum gru_activation activation)
{
    static const char *const names[] = { GRU_ACTIVATIONS(NAME, NAME) };
    return names[activation];
}

const char *gru_missing_name(enum gru_missing missing)
{
    static const char *const names[] = { GRU_MISSING_POLICIES(NAME, NAME) };
    return names[missing];
}

const char *gru_transform_name(enum gru_transform_kind kind)
{
    static const char *const names[] = { GRU_TRANSFORMS(NAME, NAME) };
    return names[kind];
}
