#include "store/files_note.h"

#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NOTE_MAX = 96 };

/* "7 xxh3:0123...cdef #89ab...\n" or "7 #89ab...\n" */
static int print(char text[NOTE_MAX], unsigned number, const struct digest *digest)
{
    char digest_text[DIGEST_TEXT] = "";
    if (digest) {
        digest_print(*digest, digest_text);
    }
    int n = snprintf(text, NOTE_MAX, "%u%s%s", number, digest ? " " : "", digest_text);
    uint64_t check = digest_64(text, (size_t)n, 0);
    return n + snprintf(text + n, NOTE_MAX - (size_t)n, " #%016" PRIx64 "\n", check);
}

/* " xxh3:0123...cdef" */
static bool parse_digest(const char *text, struct digest *ret_digest)
{
    enum { AT = 6, HALF = 16 };
    char high[HALF + 1] = "";
    if (strncmp(text, " xxh3:", AT) != 0 || strspn(text + AT, "0123456789abcdef") != 2 * HALF) {
        return false;
    }
    memcpy(high, text + AT, HALF);
    *ret_digest = (struct digest){ .high = strtoull(high, NULL, 16),
                                   .low = strtoull(text + AT + HALF, NULL, 16) };
    return true;
}

static struct files_note parse(const char *text)
{
    struct files_note note = { .form = NOTE_DAMAGED };
    char *end, again[NOTE_MAX];
    errno = 0;
    unsigned long number = text[0] >= '1' && text[0] <= '9' ? strtoul(text, &end, 10) : 0;
    if (number == 0 || number > INT_MAX || errno != 0) {
        return note;
    }
    if (strcmp(end, "\n") == 0) {
        return (struct files_note){ .form = NOTE_PLAIN, .number = (unsigned)number };
    }
    struct digest digest;
    bool has_digest = parse_digest(end, &digest);
    print(again, (unsigned)number, has_digest ? &digest : NULL);
    if (strcmp(again, text) == 0) {
        note = (struct files_note){ .form = NOTE_SEALED,
                                    .number = (unsigned)number,
                                    .has_digest = has_digest };
        note.digest = has_digest ? digest : note.digest;
    }
    return note;
}

enum status files_note_read(const char *path, struct files_note *ret_note, struct fault *fault)
{
    char text[NOTE_MAX] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        *ret_note = (struct files_note){ .form = NOTE_ABSENT };
        return STATUS_OK;
    }
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    enum status status = n < 0 ? files_failed(fault, "read", path) : STATUS_OK;
    if (fd >= 0) {
        close(fd);
    }
    if (status == STATUS_OK) {
        *ret_note =
            strlen(text) == (size_t)n ? parse(text) : (struct files_note){ .form = NOTE_DAMAGED };
    }
    return status;
}

enum status files_note_write(const char *path, unsigned number, const struct digest *digest,
                             bool *ret_is_durable, struct fault *fault)
{
    char text[NOTE_MAX];
    int n = print(text, number, digest);
    return files_write(path, text, (size_t)n, ret_is_durable, fault);
}
