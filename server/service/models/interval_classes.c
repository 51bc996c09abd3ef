#include "service/models/interval_classes.h"

#include "service/scores/interval_tracker.h"

#include <string.h>

enum { TAIL_FORMAT = 1 };

_Static_assert(sizeof(struct interval_class) <= POOL_MEANING_BYTES, "a class has room for it");

static struct pool_class kind_of(const struct interval_levels *offered, size_t n_horizons,
                                 size_t n_levels, size_t n_outputs)
{
    const struct interval_layout layout = interval_layout_of(n_outputs, n_horizons, n_levels);
    struct interval_class meaning = { .n_offered = (uint32_t)offered->n,
                                      .n_horizons = (uint32_t)n_horizons,
                                      .n_levels = (uint32_t)n_levels };
    for (size_t i = 0; i < offered->n; i++) {
        meaning.offered[i] = (float)offered->level[i];
    }
    struct pool_class kind = { .tail_bytes =
                                   (uint32_t)((INTERVAL_TAIL_HEAD + layout.n_bytes + 7) & ~7UL),
                               .tail_format = TAIL_FORMAT };
    memcpy(kind.meaning, &meaning, sizeof meaning);
    return kind;
}

struct interval_class interval_class_of(const struct pool_class *kind)
{
    struct interval_class meaning;
    memcpy(&meaning, kind->meaning, sizeof meaning);
    return meaning;
}

size_t interval_classes(const struct interval_levels *offered, size_t horizon_max, size_t n_outputs,
                        struct pool_class classes[POOL_CLASSES_MAX])
{
    const size_t horizons[] = { 1, 4, 12, 24 };
    size_t n = 0;
    if (offered->n > 1) {
        classes[n++] = kind_of(offered, 1, 1, n_outputs);
    }
    for (size_t i = 0; offered->n > 0 && i < sizeof horizons / sizeof *horizons; i++) {
        const size_t least = i == 0 ? 0 : horizons[i - 1];
        if (least < horizon_max) {
            const size_t reach = horizons[i] < horizon_max ? horizons[i] : horizon_max;
            classes[n++] = kind_of(offered, reach, offered->n, n_outputs);
        }
    }
    return n;
}
