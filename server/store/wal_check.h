/*
 * wal_check.h - looks at a database's write-ahead log before SQLite does, for database_open alone.
 *
 * SQLite reads the log up to the first frame whose checksum does not fit, and says nothing of what
 * follows. After a kill that is a change that was being written. It may also be damage to one that
 * was acknowledged, and then the ones after it are lost as well: the log says so, and the database
 * is opened as it was before them.
 *
 * Only reads. The format is that of https://www.sqlite.org/fileformat2.html#walformat
 */
#ifndef WAL_CHECK_H
#define WAL_CHECK_H

#include <stddef.h>

struct wal_loss {
    size_t at;       /* where in the log the first frame is that cannot be read */
    size_t n_frames; /* frames from there on that belong to the log, whole or not */
};

/* database: the path of the file itself. No frames: all of the log can be read, or there is none.
 */
struct wal_loss wal_find_loss(const char *database);
/* The same, as a line in the log. */
void wal_check(const char *database);

#endif
