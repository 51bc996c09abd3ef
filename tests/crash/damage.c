#include "damage.h"

#include "service/pool/pool_journal.h"
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
    size_t n, n_slots, records_from;
    uint64_t promised_births;
    struct record_layout layout;
};

/* How many records lie in a file of that size from their first byte to their last. */
static size_t whole_records(const struct pool_file *file, size_t size)
{
    return size < file->records_from ? 0 : (size - file->records_from) / file->layout.record_bytes;
}

static struct pool_file open_file(const char *path)
{
    struct pool_file file;
    struct stat status;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_msg(fd >= 0 && fstat(fd, &status) == 0, "%s", path);
    file.n = (size_t)status.st_size;
    file.bytes = mmap(NULL, file.n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ck_assert(file.bytes != MAP_FAILED);
    close(fd);
    memcpy(&file.layout, file.bytes + LAYOUT_AT, sizeof file.layout);
    ck_assert(record_layout_is_valid(&file.layout));
    memcpy(&file.promised_births, file.bytes + PROMISED_BIRTHS_AT, sizeof file.promised_births);
    file.records_from = RECORD_PAGE + journal_bytes(&file.layout);
    file.n_slots = whole_records(&file, file.n);
    return file;
}

static void close_file(const struct pool_file *file)
{
    munmap(file->bytes, file->n);
}

static char *record_of(const struct pool_file *file, size_t slot)
{
    return file->bytes + file->records_from + record_offset(&file->layout, slot);
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
    if (!record_header_is_valid(record)) {
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
            memset(header, 0, sizeof *header);
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
            session->damage = hurt_record(&file.layout, record, random);
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
    size_t n_left = whole_records(&file, n);
    for (size_t slot = n_left; slot < file.n_slots; slot++) {
        char *record;
        struct subject *session = session_of(&file, slot, sessions, &record);
        if (session) {
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
