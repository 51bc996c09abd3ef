#include "damage.h"

#include "service/pool/pool_extents.h"
#include "service/pool/pool_file.h"
#include "service/pool/record_ring.h"
#include "test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of the file's header: magic, format and a reserved word, the layout, its check. Further on in the
 * page: what was made of births below that was synced. */
enum {
    LAYOUT_AT = 16,
    CHECKED_BYTES = LAYOUT_AT + sizeof(struct record_layout) + sizeof(uint64_t),
    PROMISED_BIRTHS_AT = 168
};

struct pool_file {
    char *bytes;
    size_t n, n_slots;
    uint64_t promised_births;
    struct record_layout layouts[POOL_CLASSES];
    struct extent_place places[EXTENTS_MAX]; /* of records */
    size_t n_places;
};

/* How many records of the place lie in a file of that size from their first byte to their last. */
static size_t whole_records(const struct extent_place *place, size_t size)
{
    size_t n = size < place->from ? 0 : (size - place->from) / place->layout.record_bytes;
    return n < place->n_slots ? n : place->n_slots;
}

static struct pool_file open_file(const char *path)
{
    struct pool_file file = { .bytes = NULL };
    struct extent_place place;
    struct stat status;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_msg(fd >= 0 && fstat(fd, &status) == 0, "%s", path);
    file.n = (size_t)status.st_size;
    file.bytes = mmap(NULL, file.n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ck_assert(file.bytes != MAP_FAILED);
    close(fd);
    ck_assert(pool_file_read_layouts(file.bytes, file.n, file.layouts));
    memcpy(&file.promised_births, file.bytes + PROMISED_BIRTHS_AT, sizeof file.promised_births);
    const struct extent_note *notes =
        (const struct extent_note *)(const void *)(file.bytes + RECORD_PAGE);
    size_t from = POOL_HEAD_BYTES;
    for (size_t k = 0; extent_note_read(notes, k, from, file.layouts, &place); k++) {
        from = place.from + place.n_bytes;
        if (place.record_class != EXTENT_JOURNAL) {
            place.n_slots = (uint32_t)whole_records(&place, file.n);
            file.n_slots += place.n_slots;
            file.places[file.n_places++] = place;
        }
    }
    return file;
}

static void close_file(const struct pool_file *file)
{
    munmap(file->bytes, file->n);
}

static const struct extent_place *place_of(const struct pool_file *file, size_t *slot)
{
    const struct extent_place *place = file->places;
    while (*slot >= place->n_slots) {
        *slot -= place->n_slots;
        place++;
    }
    return place;
}

static const struct record_layout *layout_of(const struct pool_file *file, size_t slot)
{
    return &place_of(file, &slot)->layout;
}

static char *record_of(const struct pool_file *file, size_t slot)
{
    const struct record_layout *layout = layout_of(file, slot);
    const struct extent_place *place = place_of(file, &slot);
    return file->bytes + place->from + record_offset(layout, slot);
}

/* Whether what is damaged here is missed: the disk was said to have it, and no other record tells
 * of the session, as one does that it has moved from since the last sync. */
static bool is_missed(const struct pool_file *file, size_t slot)
{
    struct record_header *header = record_header_of(record_of(file, slot));
    for (size_t k = 0; k < file->n_slots; k++) {
        struct record_header *other = record_header_of(record_of(file, k));
        if (k != slot && other->check != 0 && other->n_id == header->n_id &&
            memcmp(other->id, header->id, header->n_id) == 0) {
            return false;
        }
    }
    return header->birth < file->promised_births;
}

/* The session of that slot, NULL if there is none. */
static struct subject *session_of(const struct pool_file *file, size_t slot,
                                  struct subject *sessions, char **ret_record)
{
    char *record = record_of(file, slot);
    if (record_use_of(layout_of(file, slot), record) != RECORD_IN_USE) {
        return NULL;
    }
    *ret_record = record;
    unsigned long number = strtoul(record_header_of(record)->id + 1, NULL, 10);
    ck_assert_uint_lt(number, SESSIONS);
    return &sessions[number];
}

/* Flips bits of a byte or some, or zeroes a stretch that was not zero before. */
static void hurt(char *bytes, size_t n, uint64_t *random)
{
    size_t at = random_below(random, n);
    size_t length = 1 + random_below(random, n - at);
    bool has_content = false;
    for (size_t k = at; k < at + length; k++) {
        has_content = has_content || bytes[k] != 0;
    }
    if (has_content && random_below(random, 2)) {
        memset(bytes + at, 0, length);
        return;
    }
    for (size_t k = 0; k < length && k < 4; k++) {
        bytes[at + k] = (char)(bytes[at + k] ^ (char)(1 + random_below(random, 255)));
    }
}

static enum damage hurt_record(const struct record_layout *layout, char *record, uint64_t *random)
{
    enum damage damage = (enum damage)(DAMAGE_COPY + random_below(random, DAMAGE_HEADER));
    size_t which = random_below(random, 2);
    struct record_header *header = record_header_of(record);
    switch (damage) {
    case DAMAGE_COPY:
        hurt((char *)record_copy_at(layout, record, (int)which), layout->copy_bytes, random);
        break;
    case DAMAGE_COPIES:
        hurt((char *)record_copy_at(layout, record, 0), layout->copy_bytes, random);
        hurt((char *)record_copy_at(layout, record, 1), layout->copy_bytes, random);
        break;
    case DAMAGE_READINGS:
        hurt((char *)record_reading(layout, record, 1),
             (size_t)layout->ring_rows * layout->n_inputs * sizeof(float), random);
        break;
    case DAMAGE_HEADER: /* with nothing but its check zeroed, it would be one that is not in use;
                           and all of it, if nothing was written behind the first copy */
        if (which && record_copy_at(layout, record, 1)->check != 0) {
            memset(header, 0, record_header_bytes(layout));
        } else {
            header->id[0] = (char)(header->id[0] ^ (char)(1 + random_below(random, 255)));
        }
        break;
    case DAMAGE_CUT:
    case DAMAGE_SEEN:
    case DAMAGE_NONE:
        break;
    }
    return damage;
}

size_t damage_records(const char *path, struct subject sessions[SESSIONS], uint64_t *random)
{
    struct pool_file file = open_file(path);
    size_t n_headers = 0;
    for (size_t slot = 0; slot < file.n_slots; slot++) {
        char *record;
        struct subject *session = session_of(&file, slot, sessions, &record);
        if (session && session->damage == DAMAGE_NONE && !session->is_ended &&
            is_missed(&file, slot) && random_below(random, 5) == 0) {
            session->damage = hurt_record(layout_of(&file, slot), record, random);
            n_headers += session->damage == DAMAGE_HEADER;
            atomic_fetch_add(&figures.n_damaged, 1);
        }
    }
    close_file(&file);
    return n_headers;
}

void damage_end(const char *path, struct subject sessions[SESSIONS], uint64_t *random)
{
    struct pool_file file = open_file(path);
    size_t n = RECORD_PAGE + random_below(random, file.n - RECORD_PAGE);
    for (size_t slot = 0; slot < file.n_slots; slot++) {
        char *record;
        struct subject *session = session_of(&file, slot, sessions, &record);
        size_t end =
            (size_t)(record_of(&file, slot) - file.bytes) + layout_of(&file, slot)->record_bytes;
        if (session && end > n) {
            session->least -= session->damage == DAMAGE_COPY && session->least > 0;
            session->damage = DAMAGE_CUT;
            atomic_fetch_add(&figures.n_damaged, 1);
        }
    }
    close_file(&file);
    ck_assert_int_eq(truncate(path, (off_t)n), 0);
}

struct damaged_byte damage_file_header(const char *path, uint64_t *random)
{
    struct pool_file file = open_file(path);
    struct damaged_byte byte = { .at = random_below(random, CHECKED_BYTES) };
    byte.was = (unsigned char)file.bytes[byte.at];
    file.bytes[byte.at] = (char)(byte.was ^ (1 + random_below(random, 255)));
    close_file(&file);
    return byte;
}

void damage_undo(const char *path, struct damaged_byte byte)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, &byte.was, 1, (off_t)byte.at), 1);
    close(fd);
}
