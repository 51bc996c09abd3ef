/* database_open.h - the life of a database: opening its file, and closing it. */
#ifndef DATABASE_OPEN_H
#define DATABASE_OPEN_H

#include "store/database.h"

/* Opens or creates the file in the directory (empty: in memory). full_sync: each change is on disk
 * when its call returns; else a power failure may take the last ones. On failure there is nothing
 * to close. */
__attribute__((warn_unused_result)) enum status database_open(struct database *database,
                                                              const struct database_schema *schema,
                                                              const char *data, bool full_sync,
                                                              struct fault *fault);
void database_close(struct database *database);

#endif
