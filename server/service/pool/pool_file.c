#include "service/pool/pool_file.h"

#include "base/digest.h"
#include "base/log.h"
#include "service/pool/class_notes.h"
#include "service/pool/pool_extents.h"
#include "service/pool/pool_slots.h"
#include "service/pool/pool_write.h"
#include "store/files.h"

#include <string.h>

static const char magic[8] = "grudpool";
/* Today's are three, of which a file has the least that tells what it holds, so that builds from
 * before the others were there read it on: the records of a model whose values are wide
 * (record_ring.h) are another kind, and more classes were once not known. */
enum { FORMAT_1 = 1, FORMAT_2 = 2, FORMAT_3 = 3, FORMAT = 4, FORMAT_WIDE = 5, FORMAT_MANY = 6 };

struct file_header {
    _Atomic uint64_t magic; /* written last: without it the file is not begun */
    uint32_t format, unused;
    union {
        struct record_layout layout; /* of class 0 */
        struct format1_layout of_format1;
        struct format2_layout of_format2;
        struct format3_layout of_format3;
    };
    uint64_t check; /* over what precedes */
};

/* Whose sessions these are. All versions of a model share it. */
struct file_owner {
    _Atomic uint64_t check; /* over what follows; written last. 0: a file of an earlier grud, which
                               had no owner */
    uint64_t variables;     /* the digest of the names of inputs and outputs */
    char model[MODEL_NAME_MAX + 1];
    char unused[7];
};

/* The file's first page, in which the rest is zero but for the classes. */
struct first_page {
    struct file_header header;
    uint64_t unused;
    struct file_owner owner;
    _Atomic uint64_t
        is_suspect;       /* a sync failed: what the file says may never have reached the disk */
    _Atomic uint64_t run; /* how often the file was opened: the upper half of births */
    _Atomic uint64_t promised_births;  /* what was made of births below it was synced */
    _Atomic uint64_t n_bytes;          /* of the file; 0: of a build that did not note them */
    _Atomic uint64_t promised_extents; /* so many of their notes were synced */
};
_Static_assert(offsetof(struct first_page, owner) == 64 && sizeof(struct first_page) <= 512,
               "the page lies on disk, and is written there a sector at a time");

static struct first_page *page_of(const struct pool *pool)
{
    return (struct first_page *)(void *)pool->head;
}

enum { CLASSES_AT = 512 };
_Static_assert(CLASSES_AT + sizeof(struct class_notes) <= RECORD_PAGE, "they lie in the page");

static struct class_notes *classes_of(char *head)
{
    return (struct class_notes *)(void *)(head + CLASSES_AT);
}

static uint64_t magic_word(void)
{
    uint64_t word;
    memcpy(&word, magic, sizeof word);
    return word;
}

static uint64_t header_check(const struct file_header *header)
{
    return digest_64(header, offsetof(struct file_header, check), 0);
}

static uint64_t owner_check(const struct file_owner *owner)
{
    uint64_t check =
        digest_64(&owner->variables, sizeof *owner - offsetof(struct file_owner, variables), 0);
    return check ? check : 1;
}

/* With the mutex of the syncs held. */
static void distrust(struct pool *pool)
{
    pool->has_failed_sync = true;
    atomic_store(&page_of(pool)->is_suspect, 1);
}

void pool_file_distrust(struct pool *pool)
{
    pthread_mutex_lock(&pool->sync_mutex);
    distrust(pool);
    pthread_mutex_unlock(&pool->sync_mutex);
}

bool pool_file_read_layouts(const char *bytes, size_t n,
                            struct record_layout ret_layouts[POOL_CLASSES])
{
    struct file_header header;
    if (n < POOL_HEAD_BYTES) {
        return false;
    }
    memcpy(&header, bytes, sizeof header);
    if (atomic_load(&header.magic) != magic_word() || header.format < FORMAT ||
        header.format > FORMAT_MANY || header.check != header_check(&header) ||
        !record_layout_is_valid(&header.layout)) {
        return false;
    }
    struct class_notes notes;
    memcpy(&notes, bytes + CLASSES_AT, sizeof notes);
    if (!class_notes_are_valid(&notes, &header.layout)) {
        return false;
    }
    class_notes_layouts(&header.layout, notes.classes, notes.n_classes, ret_layouts);
    return true;
}

/* For what grows the file from here on, and for the process that finds it shorter. */
static void note_size(struct pool *pool)
{
    pool->noted_bytes = &page_of(pool)->n_bytes;
    atomic_store(pool->noted_bytes, atomic_load(&pool->region.size));
}

/* ---- beginning ---- */

/* A kill in between leaves a check of 0, and the next process begins again. */
void pool_file_claim(struct pool *pool, const struct pool_options *options)
{
    struct file_owner *owner = &page_of(pool)->owner;
    if (atomic_load(&owner->check) != 0) {
        return;
    }
    owner->variables = options->variables;
    memset(owner->model, 0, sizeof owner->model + sizeof owner->unused);
    memcpy(owner->model, options->name, strnlen(options->name, MODEL_NAME_MAX));
    atomic_store(&owner->check, owner_check(owner));
}

static enum status map_head(struct pool *pool, struct fault *fault)
{
    return region_map(&pool->region, 0, POOL_HEAD_BYTES, &pool->head, fault);
}

static void set_layouts(struct pool *pool, const struct record_layout *layout,
                        const struct pool_class *classes, size_t n_classes)
{
    pool->layout = *layout;
    pool->n_classes = n_classes;
    memcpy(pool->classes, classes, sizeof pool->classes);
    class_notes_layouts(layout, classes, n_classes, pool->layouts);
    for (size_t c = 0; c <= n_classes; c++) {
        size_t n = pool->layouts[c].copy_bytes;
        pool->copy_bytes_max = n > pool->copy_bytes_max ? n : pool->copy_bytes_max;
        for (unsigned room = 0; room < RECORD_ROOMS; room++) {
            pool->layouts_by_room[c][room] = record_layout_with_room(&pool->layouts[c], room);
        }
    }
}

static uint32_t format_of(const struct record_layout *layout, size_t n_classes)
{
    return n_classes > CLASS_NOTES_FEW ? FORMAT_MANY : layout->is_wide ? FORMAT_WIDE : FORMAT;
}

static void write_header(char *head, const struct record_layout *layout,
                         const struct pool_options *options)
{
    struct first_page *page = (struct first_page *)(void *)head;
    struct class_notes *notes = classes_of(head);
    struct file_header header = { .magic = magic_word(),
                                  .format = format_of(layout, options->n_classes),
                                  .layout = *layout };
    class_notes_write(notes, options->classes, options->n_classes);
    page->header.format = header.format;
    page->header.layout = header.layout;
    page->header.check = header_check(&header);
    atomic_store(&page->header.magic, header.magic);
}

enum status pool_file_begin(struct pool *pool, const struct pool_options *options,
                            struct fault *fault)
{
    enum status status = region_grow(&pool->region, POOL_HEAD_BYTES, fault);
    if (status == STATUS_OK) {
        status = map_head(pool, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    set_layouts(pool, &options->layout, options->classes, options->n_classes);
    note_size(pool);
    pool_file_claim(pool, options);
    status = extents_add_journal(pool, fault);
    if (status == STATUS_OK) {
        write_header(pool->head, &options->layout, options);
    }
    return status;
}

void pool_file_set_size(char *page, size_t n_bytes)
{
    atomic_store(&((struct first_page *)(void *)page)->n_bytes, n_bytes);
}

/* Sessions that were behind the end are gone without a trace, so this is all that tells of them. */
void pool_file_check_size(const struct pool *pool, const char *path)
{
    uint64_t n_bytes = atomic_load(&page_of(pool)->n_bytes);
    size_t size = atomic_load(&pool->region.size);
    if (n_bytes > size) {
        log_event(LOG_ERROR, "session_file_cut", LOG_STRING("file", path),
                  LOG_INT("bytes", (int64_t)size), LOG_INT("of", (int64_t)n_bytes),
                  LOG_STRING("advice", "sessions that were behind its end are lost"));
    }
}

/* ---- reading ---- */

static bool layout_is_valid(const struct file_header *header)
{
    switch (header->format) {
    case FORMAT_1:
        return format1_layout_is_valid(&header->of_format1);
    case FORMAT_2:
        return format2_layout_is_valid(&header->of_format2);
    case FORMAT_3:
        return format3_layout_is_valid(&header->of_format3);
    default:
        return record_layout_is_valid(&header->layout);
    }
}

enum status pool_file_damaged(const char *path, struct fault *fault)
{
    return fault_set(fault, STATUS_STORAGE_FAILED, NULL,
                     "%s is not a session file of grud, or its header is damaged; move it away to "
                     "start without its sessions",
                     path);
}

static enum status check_header(struct pool *pool, const char *path, struct fault *fault)
{
    const struct first_page *page = page_of(pool);
    if (atomic_load(&pool->region.size) == 0) {
        return fault_set(
            fault, STATUS_STORAGE_FAILED, NULL,
            "%s is empty, so its sessions are lost; move it away to start without them", path);
    }
    bool is_ours = atomic_load(&pool->region.size) >= RECORD_PAGE &&
                   atomic_load(&page->header.magic) == magic_word() &&
                   page->header.check == header_check(&page->header);
    uint64_t check = is_ours ? atomic_load(&page->owner.check) : 0;
    if (!is_ours || (check != 0 && check != owner_check(&page->owner))) {
        return pool_file_damaged(path, fault);
    }
    if (page->header.format < FORMAT_1 || page->header.format > FORMAT_MANY) {
        return fault_set(fault, STATUS_STORAGE_FAILED, NULL,
                         "%s has format %u, but this version of grud reads up to %d: use the "
                         "version that wrote it, or move it away to start without its sessions",
                         path, page->header.format, FORMAT_MANY);
    }
    if (!layout_is_valid(&page->header)) {
        return fault_set(fault, STATUS_STORAGE_FAILED, NULL,
                         "the record sizes in the header of %s are not valid", path);
    }
    return STATUS_OK;
}

static enum status check_owner(const struct first_page *page, const struct pool_options *options,
                               const char *path, struct fault *fault)
{
    const struct file_owner *owner = &page->owner;
    if (atomic_load(&owner->check) == 0) {
        return STATUS_OK;
    }
    if (strncmp(owner->model, options->name, MODEL_NAME_MAX) != 0) {
        return fault_set(
            fault, STATUS_STORAGE_FAILED, NULL,
            "%s holds the sessions of model '%.*s', not those of '%s'; put it back under that "
            "name, or move it away to start without its sessions",
            path, MODEL_NAME_MAX, owner->model, options->name);
    }
    if (owner->variables != options->variables) {
        return fault_set(
            fault, STATUS_STORAGE_FAILED, NULL,
            "%s holds the sessions of another model '%s': it had %u inputs and %u outputs, here "
            "are %u and %u, or they have other names; put that model back, or move the file "
            "away to start without its sessions",
            path, options->name, page->header.layout.n_inputs, page->header.layout.n_outputs,
            options->layout.n_inputs, options->layout.n_outputs);
    }
    return STATUS_OK;
}

/* What a sync that failed was to write is in memory, but the kernel no longer means to write it.
 * And it may have been the sync that puts the file in its place. */
void pool_file_rewrite(struct pool *pool, const char *path)
{
    if (!atomic_load(&page_of(pool)->is_suspect)) {
        return;
    }
    region_touch(&pool->region);
    bool written = region_sync(&pool->region) && files_sync_folder_of(path);
    if (written) {
        atomic_store(&page_of(pool)->is_suspect, 0);
    } else {
        pool_file_distrust(pool);
    }
    log_event(written ? LOG_INFO : LOG_ERROR, written ? "sessions_rewritten" : "sync_failed",
              LOG_STRING("file", path));
}

const struct format1_layout *pool_file_format1(const struct pool *pool)
{
    const struct file_header *header = &page_of(pool)->header;
    return header->format == FORMAT_1 ? &header->of_format1 : NULL;
}

void pool_file_take_promises(struct pool *pool, const struct pool *from)
{
    atomic_store(&page_of(pool)->run, atomic_load(&page_of(from)->run));
    atomic_store(&page_of(pool)->promised_births, atomic_load(&page_of(from)->promised_births));
}

bool pool_file_is_former(const struct pool *pool)
{
    return page_of(pool)->header.format < FORMAT;
}

const struct format2_layout *pool_file_format2(const struct pool *pool)
{
    const struct file_header *header = &page_of(pool)->header;
    return header->format == FORMAT_2 ? &header->of_format2 : NULL;
}

const struct format3_layout *pool_file_format3(const struct pool *pool)
{
    const struct file_header *header = &page_of(pool)->header;
    return header->format == FORMAT_3 ? &header->of_format3 : NULL;
}

bool pool_file_read_format3(const struct pool *pool,
                            struct pool_class ret_classes[POOL_CLASSES_MAX], size_t *ret_n_classes,
                            size_t *ret_n_promised)
{
    const struct class_notes *notes = classes_of(pool->head);
    if (!class_notes_are_whole(notes) || notes->n_classes > CLASS_NOTES_FEW) {
        return false;
    }
    memcpy(ret_classes, notes->classes, sizeof notes->classes);
    *ret_n_classes = notes->n_classes;
    /* Of a head that was cut off there is nothing to miss. */
    const bool has_head = atomic_load(&pool->region.size) >= POOL_HEAD_BYTES;
    *ret_n_promised = has_head ? atomic_load(&page_of(pool)->promised_extents) : 0;
    return true;
}

/* The layouts and the extents. */
static enum status read_file(struct pool *pool, const char *path, struct fault *fault)
{
    /* Of a head that was cut off there is nothing to miss but what check_size tells of. */
    bool has_head = atomic_load(&pool->region.size) >= POOL_HEAD_BYTES;
    size_t n_promised = has_head ? atomic_load(&page_of(pool)->promised_extents) : 0;
    pool_file_check_size(pool, path);
    note_size(pool);
    enum status status = region_grow(&pool->region, POOL_HEAD_BYTES, fault);
    if (status != STATUS_OK) {
        return status;
    }
    const struct record_layout *layout = &page_of(pool)->header.layout;
    const struct class_notes *notes = classes_of(pool->head);
    if (!class_notes_are_valid(notes, layout)) {
        return pool_file_damaged(path, fault);
    }
    set_layouts(pool, layout, notes->classes, notes->n_classes);
    bool is_whole = true;
    status = extents_read(pool, n_promised, &is_whole, fault);
    return status == STATUS_OK && !is_whole ? pool_file_damaged(path, fault) : status;
}

enum status pool_file_check(struct pool *pool, const struct pool_options *options, const char *path,
                            struct fault *fault)
{
    enum status status = map_head(pool, fault);
    if (status == STATUS_OK) {
        status = check_header(pool, path, fault);
    }
    if (status == STATUS_OK) {
        status = check_owner(page_of(pool), options, path, fault);
    }
    return status == STATUS_OK && !pool_file_is_former(pool) ? read_file(pool, path, fault)
                                                             : status;
}

/* ---- syncs ---- */

void pool_file_start(struct pool *pool, const char *path)
{
    struct first_page *page = page_of(pool);
    bool is_file = pool->region.fd >= 0;
    uint64_t run = is_file ? atomic_fetch_add(&page->run, 1) + 1 : 0;
    pool->promised_births = is_file ? atomic_load(&page->promised_births) : 0;
    atomic_store(&pool->next_birth, (run << 32) + 1);
    atomic_store(&pool->begun, 1);
    atomic_store(&pool->done, is_file ? 1 : UINT64_MAX);
    if (is_file && !region_sync(&pool->region)) {
        log_event(LOG_ERROR, "sync_failed", LOG_STRING("file", path));
        pool_file_distrust(pool);
    } else if (is_file) {
        atomic_store(&page->promised_births, run << 32);
        atomic_store(&page->promised_extents, atomic_load(&pool->n_extents));
    }
}

/* With the mutex of the syncs held. Once one has failed, nothing is promised any more, and no copy
 * that an earlier one was for is given up. */
static void sync_once(struct pool *pool)
{
    if (pool->has_failed_sync) {
        (void)!region_sync(&pool->region);
        return;
    }
    uint64_t number = pool_begin_sync(pool);
    uint64_t births = atomic_load(&pool->next_birth);
    uint64_t n_extents = atomic_load(&pool->n_extents);
    if (!region_sync(&pool->region)) {
        distrust(pool);
        return;
    }
    atomic_store(&page_of(pool)->promised_births, births);
    atomic_store(&page_of(pool)->promised_extents, n_extents);
    atomic_store(&pool->done, number);
    slots_sweep(pool);
}

bool pool_sync(struct pool *pool)
{
    uint64_t ticket = atomic_fetch_add(&pool->n_sync_tickets, 1) + 1;
    pthread_mutex_lock(&pool->sync_mutex);
    if (pool->n_synced_tickets < ticket) {
        uint64_t drawn =
            atomic_load(&pool->n_sync_tickets); /* by callers that had written before */
        if (pool->region.fd >= 0) {
            sync_once(pool);
        }
        pool->n_synced_tickets = drawn;
    }
    bool is_durable = !pool->has_failed_sync;
    pthread_mutex_unlock(&pool->sync_mutex);
    return is_durable;
}
