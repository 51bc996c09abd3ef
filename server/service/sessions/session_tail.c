#include "service/sessions/session_tail.h"

#include <string.h>

bool session_tail_read(const struct pool *pool, uint32_t slot, struct arena *arena,
                       struct session_tail *ret_tail)
{
    const struct record_layout *layout = pool_layout(pool, slot);
    *ret_tail = (struct session_tail){ .bytes = NULL };
    if (layout->tail_bytes == 0) {
        return true;
    }
    char *bytes = arena_array(arena, layout->tail_bytes, 1);
    if (!bytes) {
        return false;
    }
    memcpy(bytes, record_tail(layout, pool_newest(pool, slot)), layout->tail_bytes);
    ret_tail->kind = pool->classes[pool_extent(pool, slot)->record_class - 1];
    ret_tail->bytes = bytes;
    return true;
}

unsigned session_tail_class(const struct pool *pool, uint32_t slot, const struct session_tail *tail)
{
    if (tail->bytes) {
        return pool_class_of(pool, &tail->kind, pool->layout.n_outputs);
    }
    return slot == INDEX_NONE ? 0 : pool_extent(pool, slot)->record_class;
}

void session_tail_write(const struct pool *pool, uint32_t slot, const struct session_tail *tail,
                        unsigned record_class, struct record_copy *copy)
{
    const struct record_layout *layout = &pool->layouts[record_class];
    if (layout->tail_bytes > 0) {
        const char *bytes =
            tail->bytes ? tail->bytes : record_tail(layout, pool_newest(pool, slot));
        memcpy(record_tail(layout, copy), bytes, layout->tail_bytes);
    }
}
