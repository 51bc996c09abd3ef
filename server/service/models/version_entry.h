/*
 * version_entry.h - what the engine of a cluster knows of a version, as a text of words:
 *
 *     digest  bytes of the file  milliseconds of its creation  parent  job or "-"  six metrics
 *
 * Further words are of a later release, and are left alone. What comes from the engine may be
 * anything. Pure; any thread.
 */
#ifndef VERSION_ENTRY_H
#define VERSION_ENTRY_H

#include "service/models/models.h"

enum { VERSION_ENTRY_MAX = 320 };
/* The places of words by which two versions may be the same one (CLUSTER_MODEL_PUT). */
enum { VERSION_ENTRY_NONE = 0, VERSION_ENTRY_DIGEST = 1, VERSION_ENTRY_JOB = 5 };

struct version_entry {
    unsigned number;
    bool is_deleted; /* its number is given to no other */
    bool is_damaged; /* nothing else is known of it */
    struct digest digest;
    uint64_t n_file;
    int64_t created_at_ms; /* by the wall clock */
    unsigned parent;
    char job[JOB_ID_MAX + 1];
    struct job_metrics metrics;
};

/* That of a version; its file has n_file bytes. */
struct version_entry version_entry_of(const struct version *version, size_t n_file);
size_t version_entry_print(const struct version_entry *entry, char text[VERSION_ENTRY_MAX]);
/* All but the number. The text ends with a NUL, and may have others. */
void version_entry_read(const char *text, size_t n, struct version_entry *ret_entry);

#endif
