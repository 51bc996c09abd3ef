#include "service/pool/pool_extents.h"

#include "base/digest.h"
#include "service/pool/pool_journal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

bool extents_init(struct pool *pool)
{
    void *extents = mmap(NULL, EXTENTS_MAX * sizeof *pool->extents, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    pool->extents = extents != MAP_FAILED ? extents : NULL;
    return pool->extents != NULL;
}

static size_t n_extents(const struct pool *pool)
{
    return atomic_load_explicit(&pool->n_extents, memory_order_acquire);
}

static void forget_extent(struct extent *extent)
{
    free(extent->slots);
    free(extent->kept);
    extent->slots = NULL;
    extent->kept = NULL;
}

void extents_done(struct pool *pool)
{
    for (size_t k = 0; k < n_extents(pool); k++) {
        forget_extent(&pool->extents[k]);
    }
    if (pool->extents) {
        munmap(pool->extents, EXTENTS_MAX * sizeof *pool->extents);
    }
}

/* ---- notes ---- */

static struct extent_note *notes_of(const struct pool *pool)
{
    return (struct extent_note *)(void *)(pool->head + RECORD_PAGE);
}

static size_t whole_pages(size_t n_bytes)
{
    return (n_bytes + RECORD_PAGE - 1) / RECORD_PAGE * RECORD_PAGE;
}

/* layout: of its records; NULL: it is the journal. */
static size_t bytes_of(const struct record_layout *layout, size_t n_slots)
{
    return layout ? whole_pages(record_offset(layout, n_slots)) : n_slots * RECORD_PAGE;
}

static uint32_t note_check(const struct extent_note *note, size_t k)
{
    uint32_t check = (uint32_t)digest_64(note, offsetof(struct extent_note, check), k + 1);
    return check ? check : 1;
}

enum { KIND_JOURNAL = 7 };

static uint16_t kind_of_class(unsigned record_class)
{
    return record_class == EXTENT_JOURNAL
               ? KIND_JOURNAL
               : (uint16_t)(record_class + (record_class >= KIND_JOURNAL));
}

static uint16_t class_of_kind(uint16_t kind)
{
    return kind == KIND_JOURNAL ? EXTENT_JOURNAL : (uint16_t)(kind - (kind > KIND_JOURNAL));
}

bool extent_note_read(const struct extent_note *notes, size_t k, size_t from,
                      const struct record_layout layouts[POOL_CLASSES],
                      struct extent_place *ret_place)
{
    const struct extent_note *note = &notes[k];
    struct extent_place place = { .from = from,
                                  .n_slots = note->n_slots,
                                  .record_class = class_of_kind(note->kind),
                                  .room = note->room };
    if (atomic_load(&note->check) != note_check(note, k) || note->page != from / RECORD_PAGE ||
        note->n_slots == 0 || note->n_slots > EXTENT_SLOTS_MAX ||
        place.record_class > EXTENT_JOURNAL || note->room >= RECORD_ROOMS ||
        (place.record_class < POOL_CLASSES && layouts[place.record_class].record_bytes == 0)) {
        return false;
    }
    const bool is_journal = place.record_class == EXTENT_JOURNAL;
    if (!is_journal) {
        place.layout = record_layout_with_room(&layouts[place.record_class], place.room);
    }
    place.n_bytes = bytes_of(is_journal ? NULL : &place.layout, place.n_slots);
    *ret_place = place;
    return true;
}

static void write_note(struct pool *pool, size_t k, const struct extent_place *place)
{
    struct extent_note *note = &notes_of(pool)[k];
    note->page = (uint32_t)(place->from / RECORD_PAGE);
    note->n_slots = place->n_slots;
    note->kind = kind_of_class(place->record_class);
    note->room = place->room;
    atomic_store(&note->check, note_check(note, k));
}

/* ---- extents ---- */

static size_t end_of(const struct pool *pool, size_t k)
{
    const struct extent *extent = &pool->extents[k];
    return extent->from + bytes_of(extent->layout, extent->n_slots);
}

/* Where the next one begins. */
static size_t end_of_all(const struct pool *pool)
{
    size_t n = n_extents(pool);
    return n > 0 ? end_of(pool, n - 1) : POOL_HEAD_BYTES;
}

static enum status map_extent(struct pool *pool, const struct extent_place *place,
                              struct fault *fault)
{
    size_t n = n_extents(pool);
    struct extent *extent = &pool->extents[n];
    bool is_journal = place->record_class == EXTENT_JOURNAL;
    *extent = (struct extent){ .from = place->from,
                               .n_slots = place->n_slots,
                               .record_class = place->record_class,
                               .room = place->room };
    if (!is_journal) {
        extent->layout = &pool->layouts_by_room[place->record_class][place->room];
        extent->record_bytes = extent->layout->record_bytes;
        extent->slots = calloc(extent->n_slots, sizeof *extent->slots);
        extent->kept = pool->is_cache ? calloc(extent->n_slots, sizeof *extent->kept) : NULL;
    }
    if (!is_journal && (!extent->slots || (pool->is_cache && !extent->kept))) {
        forget_extent(extent);
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for more sessions");
    }
    enum status status =
        region_map(&pool->region, place->from, place->n_bytes, &extent->records, fault);
    if (status != STATUS_OK) {
        forget_extent(extent);
        return status;
    }
    if (is_journal) { /* else others may be reading it */
        pool->journal = extent->records;
    }
    atomic_store_explicit(&pool->n_extents, (uint32_t)n + 1, memory_order_release);
    return STATUS_OK;
}

static enum status grow(struct pool *pool, size_t size, struct fault *fault)
{
    enum status status = region_grow(&pool->region, size, fault);
    if (status == STATUS_OK) {
        atomic_store(pool->noted_bytes, atomic_load(&pool->region.size));
    }
    return status;
}

/* The file reaches as far as the extents that there are, so that none lies beyond a hole. */
static enum status fill_last(struct pool *pool, struct fault *fault)
{
    return grow(pool, end_of_all(pool), fault);
}

static enum status add_extent(struct pool *pool, struct extent_place place, struct fault *fault)
{
    size_t n = n_extents(pool);
    if (n == EXTENTS_MAX || end_of_all(pool) / RECORD_PAGE > UINT32_MAX) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL, "a pool has no more than %d extents",
                         EXTENTS_MAX);
    }
    enum status status = fill_last(pool, fault);
    place.from = end_of_all(pool);
    place.n_bytes = bytes_of(place.record_class == EXTENT_JOURNAL
                                 ? NULL
                                 : &pool->layouts_by_room[place.record_class][place.room],
                             place.n_slots);
    if (status == STATUS_OK) {
        status = map_extent(pool, &place, fault);
    }
    if (status == STATUS_OK) {
        write_note(pool, n, &place);
    }
    return status;
}

static size_t journal_pages(const struct pool *pool)
{
    return whole_pages(journal_bytes(pool->copy_bytes_max)) / RECORD_PAGE;
}

enum status extents_add_journal(struct pool *pool, struct fault *fault)
{
    enum status status = add_extent(pool,
                                    (struct extent_place){ .n_slots = (uint32_t)journal_pages(pool),
                                                           .record_class = EXTENT_JOURNAL },
                                    fault);
    return status == STATUS_OK ? fill_last(pool, fault) : status;
}

/* ---- reading ---- */

/* Records that are in the file as a whole have been in use. */
static void adopt_fresh(struct pool *pool, struct extent *extent)
{
    size_t size = atomic_load(&pool->region.size);
    size_t n = size > extent->from ? (size - extent->from) / extent->record_bytes : 0;
    n = n < extent->n_slots ? n : extent->n_slots;
    atomic_store(&extent->n_fresh, (uint32_t)n);
    pool->unused[extent->record_class][extent->room].n_fresh += n;
}

static enum status read_extent(struct pool *pool, const struct extent_place *place,
                               struct fault *fault)
{
    enum status status = map_extent(pool, place, fault);
    if (status != STATUS_OK) {
        return status;
    }
    if (place->record_class == EXTENT_JOURNAL) {
        return grow(pool, end_of_all(pool), fault); /* the file may have been cut */
    }
    adopt_fresh(pool, &pool->extents[n_extents(pool) - 1]);
    return STATUS_OK;
}

/* Also a journal of another size than it has. */
static bool is_damaged(const struct pool *pool, const struct extent_place *place)
{
    return place->record_class == EXTENT_JOURNAL && place->n_slots != journal_pages(pool);
}

enum status extents_read(struct pool *pool, size_t n_promised, bool *ret_is_whole,
                         struct fault *fault)
{
    struct extent_note *notes = notes_of(pool);
    struct extent_place place;
    enum status status = STATUS_OK;
    size_t k = 0;
    while (status == STATUS_OK && k < EXTENTS_MAX &&
           extent_note_read(notes, k, end_of_all(pool), pool->layouts, &place) &&
           !is_damaged(pool, &place)) {
        status = read_extent(pool, &place, fault);
        k++;
    }
    *ret_is_whole = k >= n_promised && (k == EXTENTS_MAX || atomic_load(&notes[k].check) == 0);
    if (status != STATUS_OK || !*ret_is_whole) {
        return status;
    }
    memset(&notes[k], 0, (EXTENTS_MAX - k) * sizeof *notes);
    if (!pool->journal) {
        status = extents_add_journal(pool, fault);
    }
    if (status == STATUS_OK) {
        status = region_cut(&pool->region, end_of_all(pool), fault);
        atomic_store(pool->noted_bytes, atomic_load(&pool->region.size));
    }
    return status;
}

/* ---- fresh slots ---- */

/* As many as there are of that kind, or a few to begin with; none that may not be used. */
static uint32_t size_of_next(const struct pool *pool, unsigned record_class, unsigned room)
{
    enum { FIRST_BYTES = 1 << 16 };
    size_t n_fresh = pool->unused[record_class][room].n_fresh;
    size_t first = FIRST_BYTES / pool->layouts_by_room[record_class][room].record_bytes;
    size_t n = n_fresh > first ? n_fresh : first > 0 ? first : 1;
    size_t left = pool->n_slots - n_fresh;
    n = n < left ? n : left;
    return n < EXTENT_SLOTS_MAX ? (uint32_t)n : EXTENT_SLOTS_MAX;
}

/* With a slot that has never been in use; NULL: there is none. */
static struct extent *find_extent(const struct pool *pool, unsigned record_class, unsigned room)
{
    for (size_t k = n_extents(pool); k > 0; k--) {
        struct extent *extent = &pool->extents[k - 1];
        if (extent->record_class == record_class && extent->room == room &&
            atomic_load(&extent->n_fresh) < extent->n_slots) {
            return extent;
        }
    }
    return NULL;
}

/* The file grows by more than one record, up to the extent's last. */
static enum status make_room(struct pool *pool, const struct extent *extent, size_t n,
                             struct fault *fault)
{
    enum { STEP_MIN = 1 << 16, STEP_MAX = 1 << 24 };
    size_t needed = extent->from + record_offset(extent->layout, n);
    size_t most = extent->from + record_offset(extent->layout, extent->n_slots);
    size_t size = atomic_load(&pool->region.size);
    if (needed <= size) {
        return STATUS_OK;
    }
    size_t step = size < STEP_MIN ? STEP_MIN : size > STEP_MAX ? STEP_MAX : size;
    size_t larger = size + step > needed ? size + step : needed;
    return grow(pool, whole_pages(larger < most ? larger : most), fault);
}

enum status extents_take_fresh(struct pool *pool, unsigned record_class, unsigned room,
                               uint32_t *ret_slot, struct fault *fault)
{
    enum status status = STATUS_OK;
    struct extent *extent = find_extent(pool, record_class, room);
    if (!extent) {
        struct extent_place place = { .n_slots = size_of_next(pool, record_class, room),
                                      .record_class = (uint16_t)record_class,
                                      .room = (uint16_t)room };
        status = add_extent(pool, place, fault);
        extent = find_extent(pool, record_class, room);
    }
    if (status != STATUS_OK || !extent) {
        return status;
    }
    uint32_t n = atomic_load(&extent->n_fresh);
    status = make_room(pool, extent, (size_t)n + 1, fault);
    if (status == STATUS_OK) {
        *ret_slot = (uint32_t)(extent - pool->extents) * EXTENT_SLOTS_MAX + n;
        atomic_store_explicit(&extent->n_fresh, n + 1, memory_order_release);
        pool->unused[record_class][room].n_fresh++;
    }
    return status;
}
