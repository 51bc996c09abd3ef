/*
 * lineage.h - where versions come from: the rows of the job database that name the job and the
 * version that each fine-tuned version started from.
 *
 * A row is written before the version's file (trained_version.h), so a row without its file does
 * not count. Takes the lock of the job database, and no other.
 */
#ifndef LINEAGE_H
#define LINEAGE_H

#include "service/models/models.h"

struct job_database;
struct service;

/* At the start: tells the versions in the first catalogue where they come from. */
enum status lineage_load(struct service *service, struct fault *fault);
/* The version is deleted. A failure is only logged. */
void lineage_forget(struct job_database *job_database, const char *model, unsigned number,
                    struct digest digest);

#endif
