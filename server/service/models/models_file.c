/* models_file.c - the bytes of a version's file. */
#include "base/log.h"
#include "service/models/models.h"
#include "service/models/version_bytes.h"
#include "store/files.h"

#include <errno.h>
#include <string.h>

/* What is served is in memory, so it is still what was loaded. */
static enum status refuse_gone(const struct version *version, const char *what, struct fault *fault)
{
    log_event(LOG_ERROR, "version_file_gone", LOG_STRING("file", version->path),
              LOG_STRING("reason", what), LOG_STRING("advice", "what was loaded is served on"));
    return fault_set(fault, STATUS_FILE_GONE, "version",
                     "the file of version %u %s; the version is served from memory, as it was "
                     "loaded",
                     version->number, what);
}

enum status model_read_file(const struct version *version, struct arena *arena,
                            const void **ret_bytes, size_t *ret_n, struct fault *fault)
{
    void *bytes;
    enum status status = STATUS_OK;
    if (version->path) {
        status = files_read(version->path, arena, &bytes, ret_n, fault);
        if (status == STATUS_OK && !digest_equals(digest_128(bytes, *ret_n), version->digest)) {
            status = refuse_gone(version, "has been changed or damaged since", fault);
        } else if (status == STATUS_STORAGE_FAILED && fault->error == ENOENT) {
            status = refuse_gone(version, "has been removed", fault);
        }
    } else if ((bytes = arena_alloc(arena, version->file->n)) != NULL) {
        memcpy(bytes, version->file->bytes, version->file->n);
        *ret_n = version->file->n;
    } else {
        status = fault_no_room(fault, arena->is_full, NULL,
                               "the file is too large to be read into memory");
    }
    if (status == STATUS_OK) {
        *ret_bytes = bytes;
    }
    return status;
}
