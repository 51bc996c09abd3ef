#include "store/wal_check.h"

#include "base/log.h"
#include "store/files_path.h"

#include <endian.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    HEADER_BYTES = 32,
    FRAME_BYTES = 24, /* before the page */
    LEAST_PAGE = 512,
    MOST_PAGE = 65536,
    USES_MAX = 1 << 20,
    MAGIC = 0x377f0682 /* or one more: the words of the checksums are big-endian */
};

struct sums {
    uint32_t a, b;
};

struct wal {
    int fd;
    size_t n_bytes, page_bytes;
    bool is_big_endian;
    unsigned char salts[8];
    struct sums sums;     /* of all before the next frame */
    unsigned char *frame; /* [FRAME_BYTES + page_bytes] */
};

static uint32_t word_at(const unsigned char *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return be32toh(word);
}

static struct sums add(const struct wal *wal, struct sums sums, const unsigned char *bytes,
                       size_t n)
{
    for (size_t k = 0; k < n; k += 8) {
        uint32_t first = word_at(bytes + k), second = word_at(bytes + k + 4);
        sums.a += (wal->is_big_endian ? first : __builtin_bswap32(first)) + sums.b;
        sums.b += (wal->is_big_endian ? second : __builtin_bswap32(second)) + sums.a;
    }
    return sums;
}

static bool is(struct sums sums, const unsigned char *kept)
{
    return sums.a == word_at(kept) && sums.b == word_at(kept + 4);
}

/* False: it is not one, so SQLite would read nothing of it. */
static bool read_header(struct wal *wal)
{
    unsigned char header[HEADER_BYTES];
    if (pread(wal->fd, header, sizeof header, 0) != HEADER_BYTES) {
        return false;
    }
    uint32_t magic = word_at(header);
    wal->is_big_endian = magic & 1;
    wal->page_bytes = word_at(header + 8);
    wal->sums = add(wal, (struct sums){ 0 }, header, FRAME_BYTES);
    memcpy(wal->salts, header + 16, sizeof wal->salts);
    return (magic & ~1U) == MAGIC && is(wal->sums, header + FRAME_BYTES) &&
           wal->page_bytes >= LEAST_PAGE && wal->page_bytes <= MOST_PAGE &&
           (wal->page_bytes & (wal->page_bytes - 1)) == 0;
}

enum frame { FRAME_RIGHT, FRAME_WRONG, FRAME_EARLIER /* of an earlier use of the file */ };

/* Each frame's checksum goes on from that of the one before. The first salt is one more at each use
 * of the file. */
static enum frame read_frame(struct wal *wal, size_t at)
{
    size_t n = FRAME_BYTES + wal->page_bytes;
    if (pread(wal->fd, wal->frame, n, (off_t)at) != (ssize_t)n) {
        return FRAME_WRONG;
    }
    struct sums sums = add(wal, wal->sums, wal->frame, 8);
    sums = add(wal, sums, wal->frame + FRAME_BYTES, wal->page_bytes);
    bool is_right =
        memcmp(wal->frame + 8, wal->salts, sizeof wal->salts) == 0 && is(sums, wal->frame + 16);
    wal->sums = (struct sums){ word_at(wal->frame + 16), word_at(wal->frame + 20) };
    uint32_t n_uses_ago = word_at(wal->salts) - word_at(wal->frame + 8);
    bool is_earlier = n_uses_ago >= 1 && n_uses_ago <= USES_MAX;
    return is_right ? FRAME_RIGHT : is_earlier ? FRAME_EARLIER : FRAME_WRONG;
}

/* A frame of an earlier use is the end, unless one of this use follows. */
static struct wal_loss find_loss(struct wal *wal)
{
    struct wal_loss loss = { 0 };
    size_t n = FRAME_BYTES + wal->page_bytes, first_bad = 0, last_ours = 0;
    for (size_t at = HEADER_BYTES; at + n <= wal->n_bytes; at += n) {
        enum frame frame = read_frame(wal, at);
        first_bad = first_bad == 0 && frame != FRAME_RIGHT ? at : first_bad;
        last_ours = frame != FRAME_EARLIER ? at : last_ours;
    }
    size_t n_rest = (wal->n_bytes - HEADER_BYTES) % n;
    if (n_rest > 0) { /* a frame that is not whole */
        last_ours = wal->n_bytes - n_rest;
        first_bad = first_bad == 0 ? last_ours : first_bad;
    }
    if (first_bad > 0 && last_ours >= first_bad) {
        loss = (struct wal_loss){ .at = first_bad, .n_frames = (last_ours - first_bad) / n + 1 };
    }
    return loss;
}

struct wal_loss wal_find_loss(const char *database)
{
    char path[PATH_MAX];
    struct stat info;
    struct wal_loss loss = { 0 };
    struct wal wal = { .fd = files_path_print(path, "%s-wal", database)
                                 ? open(path, O_RDONLY | O_CLOEXEC)
                                 : -1 };
    if (wal.fd < 0) {
        return loss;
    }
    wal.n_bytes = fstat(wal.fd, &info) == 0 ? (size_t)info.st_size : 0;
    if (wal.n_bytes > 0 && !read_header(&wal)) {
        loss = (struct wal_loss){ .n_frames = wal.n_bytes / (FRAME_BYTES + LEAST_PAGE) + 1 };
    } else if (wal.n_bytes > HEADER_BYTES) {
        wal.frame = malloc(FRAME_BYTES + wal.page_bytes);
        loss = wal.frame ? find_loss(&wal) : loss;
    }
    free(wal.frame);
    close(wal.fd);
    return loss;
}

void wal_check(const char *database)
{
    struct wal_loss loss = wal_find_loss(database);
    if (loss.n_frames > 0) {
        log_event(LOG_ERROR, "changes_lost", LOG_STRING("file", database),
                  LOG_INT("at", (int64_t)loss.at),
                  LOG_STRING("reason",
                             "its write-ahead log cannot be read from there on: a change was being "
                             "written when grud or the machine ended, or the disk has damaged it "
                             "and those that follow"));
    }
}
