/*
 * files_note.h - a line about a model's versions that is kept in a small file beside them: a
 * number, the digest of that version's file where one belongs to it, and a checksum of the two.
 *
 *     models/NAME/<n>.digest    what the file of version n is
 *     models/NAME/active        which version is active, and what its file is
 *     models/NAME/newest        the highest number that was given
 *
 * A bare number on a line is accepted too: earlier releases wrote that, and so may an operator. A
 * line that is neither is damaged; nothing is guessed from it. Any thread; callers keep writers of
 * one file apart.
 */
#ifndef FILES_NOTE_H
#define FILES_NOTE_H

#include "base/digest.h"
#include "base/status.h"

#include <stdbool.h>

enum note_form {
    NOTE_ABSENT, /* there is no such file */
    NOTE_PLAIN,  /* a number alone */
    NOTE_SEALED,
    NOTE_DAMAGED
};

struct files_note {
    enum note_form form;
    unsigned number; /* 1 to INT_MAX; 0 if absent or damaged */
    bool has_digest;
    struct digest digest;
};

enum status files_note_read(const char *path, struct files_note *ret_note, struct fault *fault);
/* digest NULL: none belongs to it. *ret_is_durable as of files_write. */
enum status files_note_write(const char *path, unsigned number, const struct digest *digest,
                             bool *ret_is_durable, struct fault *fault);

#endif
