#include "service/models/interval_classes.h"

enum { TAIL_FORMAT = 1 };

_Static_assert(sizeof(struct interval_class) <= POOL_MEANING_BYTES, "a class has room for it");

static uint32_t tail_bytes_of(const struct interval_class *meaning, size_t n_outputs)
{
    const struct interval_layout layout = interval_class_layout(meaning, n_outputs);
    return (uint32_t)((INTERVAL_TAIL_HEAD + layout.n_bytes + 7) & ~7UL);
}

static struct pool_class kind_of(const struct interval_levels *offered, size_t n_horizons,
                                 size_t n_levels, const struct interval_untracked *untracked,
                                 size_t n_outputs)
{
    struct interval_class meaning = { .n_offered = (uint32_t)offered->n,
                                      .n_horizons = (uint32_t)n_horizons,
                                      .n_levels = (uint32_t)n_levels,
                                      .untracked = *untracked };
    for (size_t i = 0; i < offered->n; i++) {
        meaning.offered[i] = (float)offered->level[i];
    }
    struct pool_class kind = { .tail_bytes = tail_bytes_of(&meaning, n_outputs),
                               .tail_format = TAIL_FORMAT };
    memcpy(kind.meaning, &meaning, sizeof meaning);
    return kind;
}

/* Those that there are for most steps ahead up to 24: how far each reaches, and whether there is
 * one for a single level beside that for all. */
static const struct {
    size_t n_horizons;
    bool has_single;
} reaches[] = { { 1, true }, { 4, false }, { 12, true }, { 24, false } };

size_t interval_classes(const struct interval_levels *offered, size_t horizon_max,
                        const struct gru_info *info, struct pool_class classes[POOL_CLASSES_MAX])
{
    const struct interval_untracked untracked = interval_untracked_of(info);
    const bool has_any = offered->n > 0 && untracked.n < info->n_outputs;
    size_t n = 0;
    for (size_t i = 0; has_any && i < sizeof reaches / sizeof *reaches; i++) {
        const size_t least = i == 0 ? 0 : reaches[i - 1].n_horizons;
        if (least < horizon_max) {
            const size_t most = reaches[i].n_horizons;
            const size_t reach = most < horizon_max ? most : horizon_max;
            if (offered->n > 1 && reaches[i].has_single) {
                classes[n++] = kind_of(offered, reach, 1, &untracked, info->n_outputs);
            }
            classes[n++] = kind_of(offered, reach, offered->n, &untracked, info->n_outputs);
        }
    }
    return n;
}

/* ---- from one class to another ---- */

static bool offer_the_same(const struct interval_class *a, const struct interval_class *b)
{
    bool is_same = a->n_offered == b->n_offered && a->n_offered <= INTERVAL_LEVELS_MAX;
    for (size_t i = 0; is_same && i < a->n_offered; i++) {
        is_same = a->offered[i] == b->offered[i];
    }
    return is_same;
}

static bool can_translate(const struct pool_class *from, const struct pool_class *to,
                          size_t n_outputs)
{
    const struct interval_class a = interval_class_of(from), b = interval_class_of(to);
    return from->tail_format == TAIL_FORMAT && to->tail_format == TAIL_FORMAT &&
           offer_the_same(&a, &b) && a.n_levels == b.n_levels && a.n_horizons > 0 &&
           a.n_horizons <= b.n_horizons && a.untracked.n <= n_outputs &&
           b.untracked.n <= n_outputs && from->tail_bytes == tail_bytes_of(&a, n_outputs) &&
           to->tail_bytes == tail_bytes_of(&b, n_outputs);
}

static struct interval_levels levels_held(const struct interval_class *meaning, uint32_t held)
{
    struct interval_levels levels = { .n = 0 };
    for (size_t i = 0; i < meaning->n_offered; i++) {
        if (held >> i & 1) {
            levels.level[levels.n++] = meaning->offered[i];
        }
    }
    return levels;
}

bool interval_classes_translate(const struct pool_class *from, const char *tail,
                                const struct pool_class *to, char *ret_tail, size_t n_outputs)
{
    if (!can_translate(from, to, n_outputs) || !ret_tail) {
        return can_translate(from, to, n_outputs);
    }
    const struct interval_class before = interval_class_of(from), after = interval_class_of(to);
    const struct interval_layout layouts[] = { interval_class_layout(&before, n_outputs),
                                               interval_class_layout(&after, n_outputs) };
    uint32_t held;
    memcpy(&held, tail, sizeof held);
    memset(ret_tail, 0, to->tail_bytes);
    const struct interval_levels levels = levels_held(&before, held);
    if (levels.n == before.n_levels) {
        unsigned char *bytes = (unsigned char *)(uintptr_t)tail + INTERVAL_TAIL_HEAD;
        const struct interval_tracker old = { &layouts[0], &levels, bytes };
        bytes = (unsigned char *)ret_tail + INTERVAL_TAIL_HEAD;
        const struct interval_tracker fresh = { &layouts[1], &levels, bytes };
        memcpy(ret_tail, &held, sizeof held);
        interval_tracker_take(&fresh, &old);
    }
    return true;
}
