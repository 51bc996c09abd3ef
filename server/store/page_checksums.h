/*
 * page_checksums.h - a checksum at the end of each page of a database, for database_open alone.
 *
 * SQLite protects its write-ahead log by checksums and its database file by none: a flipped bit
 * there would be another loss, another status, or a row that is no longer found by its index. So
 * each page ends with eight bytes, which SQLite keeps out of (its "reserved bytes"): XXH3 of the
 * rest and of the page's place. They are set when a page is written to the file, and compared when
 * one is read from it; a page that does not fit is SQLITE_CORRUPT, and logged.
 *
 * It stands between SQLite and its own access to files, as the default for every file that is
 * opened afterwards. Files without such bytes are read and written as they are. Any thread that
 * SQLite calls from; a connection belongs to one thread at a time.
 */
#ifndef PAGE_CHECKSUMS_H
#define PAGE_CHECKSUMS_H

#include <stdbool.h>

enum { PAGE_CHECKSUM_BYTES = 8 };

/* Before a file is opened; again does nothing. SQLite's result. */
__attribute__((warn_unused_result)) int page_checksums_use(void);
/* Whether the file has them, or is empty and will. */
bool page_checksums_are_in(const char *path);

#endif
