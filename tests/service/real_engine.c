#include "real_engine.h"

#include "../cluster/engine.h"

#include <stddef.h>

static struct engine engine;

bool real_engine_start(unsigned *ret_port)
{
    if (!engine_is_there()) {
        return false;
    }
    engine = engine_start(NULL);
    *ret_port = engine.port;
    return true;
}

void real_engine_end(void)
{
    engine_end(&engine);
}
