/*
 * migrate.h - brings a database to the format of this grud when it is opened.
 *
 * The format is a number that is raised by hand, in SQLite's user version: how many of the schema's
 * migrations have been run on the file. A new file is of format 0, so all of them are run on it,
 * and there is one way to make the tables. They are run in one transaction together with the
 * number: where one fails, or the process is killed, the file is as it was.
 *
 * A migration that was released is never changed. A new column, a new table, and a new word that is
 * stored as a number each need a further migration (job_migrations.c says how).
 *
 * Refused, and left alone: another program's file, another database of grud, and a format that is
 * newer than this grud.
 */
#ifndef MIGRATE_H
#define MIGRATE_H

#include "store/database.h"

__attribute__((warn_unused_result)) enum status database_migrate(struct database *database,
                                                                 struct fault *fault);

#endif
