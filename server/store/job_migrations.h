/* job_migrations.h - the format of jobs.db, and the migrations that lead to it (migrate.h). */
#ifndef JOB_MIGRATIONS_H
#define JOB_MIGRATIONS_H

#include "store/database.h"

/* Raised by hand, with each migration. */
enum { JOB_FORMAT = 8 };

extern const struct statement job_migrations[JOB_FORMAT];

#endif
