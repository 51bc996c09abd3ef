#include "service/pool/pool_file.h"

#include "base/digest.h"
#include "base/log.h"
#include "service/pool/pool_journal.h"
#include "service/pool/pool_slots.h"
#include "service/pool/pool_write.h"
#include "store/files.h"

#include <string.h>

static const char magic[8] = "grudpool";
enum { FORMAT_1 = 1, FORMAT = 2 };

struct file_header {
    _Atomic uint64_t magic; /* written last: without it the file is not begun */
    uint32_t format, unused;
    union {
        struct record_layout layout;
        struct format1_layout of_format1;
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

/* The file's first page, in which the rest is zero. */
struct first_page {
    struct file_header header;
    uint64_t unused;
    struct file_owner owner;
    _Atomic uint64_t
        is_suspect;       /* a sync failed: what the file says may never have reached the disk */
    _Atomic uint64_t run; /* how often the file was opened: the upper half of births */
    _Atomic uint64_t promised_births; /* what was made of births below it was synced */
    _Atomic uint64_t n_bytes;         /* of the file; 0: of a build that did not note them */
};
_Static_assert(offsetof(struct first_page, owner) == 64 && sizeof(struct first_page) <= 512,
               "the page lies on disk, and is written there a sector at a time");

static struct first_page *page_of(const struct pool *pool)
{
    return (struct first_page *)(void *)pool->page;
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

bool pool_file_read_layout(const char *bytes, size_t n, struct record_layout *ret_layout)
{
    struct file_header header;
    if (n < RECORD_PAGE) {
        return false;
    }
    memcpy(&header, bytes, sizeof header);
    if (atomic_load(&header.magic) != magic_word() || header.format != FORMAT ||
        header.check != header_check(&header) || !record_layout_is_valid(&header.layout)) {
        return false;
    }
    *ret_layout = header.layout;
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

static enum status map_page(struct pool *pool, struct fault *fault)
{
    return region_map(&pool->region, 0, RECORD_PAGE, &pool->page, fault);
}

/* The journal has no room in the file before the first record has. */
static enum status set_layout(struct pool *pool, const struct record_layout *layout,
                              struct fault *fault)
{
    pool->layout = *layout;
    pool->records_from = RECORD_PAGE + journal_bytes(layout);
    return region_map(&pool->region, RECORD_PAGE, journal_bytes(layout), &pool->journal, fault);
}

enum status pool_file_begin(struct pool *pool, const struct pool_options *options,
                            struct fault *fault)
{
    enum status status = region_grow(&pool->region, RECORD_PAGE, fault);
    if (status == STATUS_OK) {
        status = map_page(pool, fault);
    }
    if (status == STATUS_OK) {
        status = set_layout(pool, &options->layout, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct first_page *page = page_of(pool);
    pool_file_claim(pool, options);
    struct file_header header = { .magic = magic_word(),
                                  .format = FORMAT,
                                  .layout = options->layout };
    page->header.format = header.format;
    page->header.layout = header.layout;
    page->header.check = header_check(&header);
    atomic_store(&page->header.magic, header.magic);
    note_size(pool);
    return STATUS_OK;
}

void pool_file_set_size(char *page, size_t n_bytes)
{
    atomic_store(&((struct first_page *)(void *)page)->n_bytes, n_bytes);
}

/* Sessions that were behind the end are gone without a trace, so this is all that tells of them. */
static void check_size(struct pool *pool, const char *path)
{
    uint64_t n_bytes = atomic_load(&page_of(pool)->n_bytes);
    size_t size = atomic_load(&pool->region.size);
    if (n_bytes > size) {
        log_event(LOG_ERROR, "session_file_cut", LOG_STRING("file", path),
                  LOG_INT("bytes", (int64_t)size), LOG_INT("of", (int64_t)n_bytes),
                  LOG_STRING("advice", "sessions that were behind its end are lost"));
    }
    note_size(pool);
}

/* ---- reading ---- */

static bool layout_is_valid(const struct file_header *header)
{
    return header->format == FORMAT ? record_layout_is_valid(&header->layout)
                                    : format1_layout_is_valid(&header->of_format1);
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
        return fault_set(fault, STATUS_STORAGE_FAILED, NULL,
                         "%s is not a session file of grud, or its header is damaged; move it away "
                         "to start without "
                         "its sessions",
                         path);
    }
    if (page->header.format != FORMAT && page->header.format != FORMAT_1) {
        return fault_set(fault, STATUS_STORAGE_FAILED, NULL,
                         "%s has format %u, but this version of grud reads up to %d: use the "
                         "version that wrote it, or move it away to start without its sessions",
                         path, page->header.format, FORMAT);
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

enum status pool_file_check(struct pool *pool, const struct pool_options *options, const char *path,
                            struct fault *fault)
{
    enum status status = map_page(pool, fault);
    if (status == STATUS_OK) {
        status = check_header(pool, path, fault);
    }
    if (status == STATUS_OK) {
        status = check_owner(page_of(pool), options, path, fault);
    }
    if (status == STATUS_OK && !pool_file_format1(pool)) {
        status = set_layout(pool, &page_of(pool)->header.layout, fault);
        check_size(pool, path);
    }
    return status;
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
    if (!region_sync(&pool->region)) {
        distrust(pool);
        return;
    }
    atomic_store(&page_of(pool)->promised_births, births);
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
