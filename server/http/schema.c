/* schema.c - see schema.h. */
#include "http/schema.h"

const char *schema_name(enum schema schema)
{
    static const char *const names[SCHEMA_COUNT] = {
#define SCHEMA_NAME(name, text) [SCHEMA_##name] = (text),
        SCHEMA_TABLE(SCHEMA_NAME)
#undef SCHEMA_NAME
    };
    return names[schema];
}
