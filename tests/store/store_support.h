/* store_support.h - for the tests of what SQLite stores: folders, and jobs with every field filled.
 */
#ifndef STORE_SUPPORT_H
#define STORE_SUPPORT_H

#include "store/job_store.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct folder {
    char path[64];
};
struct folder folder_make(void);
void folder_remove(const struct folder *folder);
void folder_path(const struct folder *folder, const char *name, char path[PATH_MAX]);
void folder_add(const struct folder *folder, const char *name);
void text_write(const struct folder *folder, const char *name, const char *text);
/* A data directory that nobody has locked. */
struct folder data_make(void);

/* Runs SQL on the file with a connection of its own. */
void sql_run(const struct folder *folder, const char *name, const char *sql);
/* The first column of the first row. */
int64_t sql_ask(const struct folder *folder, const char *name, const char *sql);

/* Every field has a value of its own that depends on k, and each text is as long as it may be. */
struct job job_filled(unsigned k);
void job_fill_life(struct job *job, unsigned k);
void assert_job_equal(const struct job *a, const struct job *b);
void assert_real_equal(double a, double b); /* NaN equals NaN */

struct job_store *jobs_opened(const char *data);
/* A job with this status, without data. */
struct job job_inserted(struct job_store *jobs, unsigned k, enum job_status status);
struct job job_found(struct job_store *jobs, const char *id);
/* The id of the last event of the first jobs; 0: there is none. */
int64_t last_event(struct job_store *jobs);
void event_added(struct job_store *jobs, int64_t number, unsigned k);
void checkpoint_added(struct job_store *jobs, int64_t number, unsigned k, size_t n_state);

#endif
