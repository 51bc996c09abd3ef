#include "service/models/interval_classes.h"

/* Of tails of today: of models whose values are not wide (gru.h), and of the others. */
enum { TAIL_FORMAT_1 = 1, TAIL_FORMAT = 2, TAIL_FORMAT_WIDE = 3, TAIL_HEAD_1 = sizeof(uint32_t) };
/* A class's tail_format is that, and its parts above. */
enum { PARTS_SHIFT = 8 };

_Static_assert(sizeof(struct interval_class) <= POOL_MEANING_BYTES, "a class has room for it");
_Static_assert(INTERVAL_LEVELS_MAX <= 8, "a tail's mark has a bit for each");

static unsigned format_of(const struct pool_class *kind)
{
    return kind->tail_format & ((1U << PARTS_SHIFT) - 1);
}

uint32_t interval_class_parts(const struct pool_class *kind)
{
    return kind->tail_format >> PARTS_SHIFT;
}

struct interval_layout interval_class_layout(const struct pool_class *kind, size_t n_outputs)
{
    const struct interval_class meaning = interval_class_of(kind);
    const struct interval_layout layout = interval_layout_without(
        &meaning.untracked, n_outputs, meaning.n_horizons, meaning.n_levels);
    return format_of(kind) == TAIL_FORMAT_WIDE ? interval_layout_wide(&layout) : layout;
}

static struct pool_class kind_of(const struct interval_levels *offered, size_t n_horizons,
                                 size_t n_levels, uint32_t parts, const struct gru_info *info)
{
    struct interval_class meaning = { .n_offered = (uint32_t)offered->n,
                                      .n_horizons = (uint32_t)n_horizons,
                                      .n_levels = (uint32_t)n_levels,
                                      .untracked = interval_untracked_of(info) };
    for (size_t i = 0; i < offered->n; i++) {
        meaning.offered[i] = (float)offered->level[i];
    }
    const unsigned format = info->is_wide ? TAIL_FORMAT_WIDE : TAIL_FORMAT;
    struct pool_class kind = { .tail_format = format | parts << PARTS_SHIFT };
    memcpy(kind.meaning, &meaning, sizeof meaning);
    const struct interval_layout layout = interval_class_layout(&kind, info->n_outputs);
    kind.tail_bytes = (uint32_t)tail_bytes(&layout, parts);
    return kind;
}

/* Those that there are for most steps ahead up to 24: how far each reaches, and whether there is
 * one for a single level beside that for all. */
static const struct {
    size_t n_horizons;
    bool has_single;
} reaches[] = { { 1, true }, { 4, false }, { 12, true }, { 24, false } };
enum { KINDS_MAX = 6 };
_Static_assert(KINDS_MAX *(TAIL_PARTS_ALL + 1) <= POOL_CLASSES_MAX, "a pool has room for them");

/* In its place, by its bytes. */
static void insert(struct pool_class *classes, size_t n, const struct pool_class *kind)
{
    while (n > 0 && classes[n - 1].tail_bytes > kind->tail_bytes) {
        classes[n] = classes[n - 1];
        n--;
    }
    classes[n] = *kind;
}

/* With any of the parts, or none. Returns how many there are then. */
static size_t add_kinds(const struct interval_levels *offered, size_t n_horizons, size_t n_levels,
                        const struct gru_info *info, struct pool_class *classes, size_t n)
{
    for (uint32_t parts = 0; parts <= TAIL_PARTS_ALL; parts++) {
        const struct pool_class kind = kind_of(offered, n_horizons, n_levels, parts, info);
        insert(classes, n++, &kind);
    }
    return n;
}

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
                n = add_kinds(offered, reach, 1, info, classes, n);
            }
            n = add_kinds(offered, reach, offered->n, info, classes, n);
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

/* Of tails of that kind, whose format is known. */
static struct interval_layout layout_of(const struct pool_class *kind, size_t n_outputs)
{
    const struct interval_class meaning = interval_class_of(kind);
    return format_of(kind) == TAIL_FORMAT_1
               ? interval_layout_former(&meaning.untracked, n_outputs, meaning.n_horizons,
                                        meaning.n_levels)
               : interval_class_layout(kind, n_outputs);
}

static bool is_known(const struct pool_class *kind, size_t n_outputs)
{
    const struct interval_class meaning = interval_class_of(kind);
    if (meaning.n_horizons == 0 || meaning.untracked.n > n_outputs) {
        return false;
    }
    const struct interval_layout layout = layout_of(kind, n_outputs);
    const uint32_t parts = interval_class_parts(kind);
    switch (format_of(kind)) {
    case TAIL_FORMAT:
    case TAIL_FORMAT_WIDE:
        return parts <= TAIL_PARTS_ALL && kind->tail_bytes == tail_bytes(&layout, parts);
    case TAIL_FORMAT_1:
        return parts == 0 && kind->tail_bytes == ((TAIL_HEAD_1 + layout.n_bytes + 7) & ~7UL);
    default:
        return false;
    }
}

static bool can_translate(const struct pool_class *from, const struct pool_class *to,
                          size_t n_outputs)
{
    const struct interval_class a = interval_class_of(from), b = interval_class_of(to);
    return offer_the_same(&a, &b) && a.n_levels == b.n_levels && a.n_horizons <= b.n_horizons &&
           interval_class_parts(from) == interval_class_parts(to) && is_known(from, n_outputs) &&
           is_known(to, n_outputs);
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

/* As of today's format. */
static struct pool_tail tail_today(const struct pool_class *kind, const struct pool_tail *tail)
{
    struct pool_tail today = *tail;
    if (format_of(kind) == TAIL_FORMAT_1) {
        uint32_t held;
        memcpy(&held, tail->bytes, sizeof held);
        today = (struct pool_tail){ tail->bytes + TAIL_HEAD_1, (uint8_t)held };
    }
    return today;
}

bool interval_classes_translate(const struct pool_class *from, const struct pool_tail *tail,
                                const struct pool_class *to, struct pool_tail *ret_tail,
                                size_t n_outputs)
{
    if (!can_translate(from, to, n_outputs) || !ret_tail) {
        return can_translate(from, to, n_outputs);
    }
    const struct interval_class meaning = interval_class_of(from);
    const struct interval_layout before = layout_of(from, n_outputs),
                                 after = layout_of(to, n_outputs);
    const struct pool_tail was = tail_today(from, tail);
    const struct interval_levels levels = levels_held(&meaning, was.mark);
    memset(ret_tail->bytes, 0, to->tail_bytes);
    ret_tail->mark = 0;
    if (levels.n == meaning.n_levels) {
        const struct tail old = { { &before, &levels, (unsigned char *)was.bytes },
                                  interval_class_parts(from) };
        const struct tail fresh = { { &after, &levels, (unsigned char *)ret_tail->bytes },
                                    interval_class_parts(to) };
        ret_tail->mark = was.mark;
        tail_take(&fresh, &old);
    }
    return true;
}
