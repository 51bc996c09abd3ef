/* schema.c - see schema.h. */
#include "http/schema.h"

const struct json_schema *schema_json(enum schema schema)
{
    static const struct json_schema *const schemas[SCHEMA_COUNT] = {
#define SCHEMA_ENTRY(name, json) [SCHEMA_##name] = &(json),
        SCHEMA_TABLE(SCHEMA_ENTRY)
#undef SCHEMA_ENTRY
    };
    return schemas[schema];
}
