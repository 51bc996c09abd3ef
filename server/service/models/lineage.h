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

struct catalogue;
struct job_database;

/* All rows. They are read before the models, so that no lock is taken while a catalogue changes. */
struct lineage_list {
    struct lineage *rows;
    size_t n, n_room;
    bool is_out_of_memory;
};

enum status lineage_read(struct job_database *job_database, struct lineage_list *ret_list,
                         struct fault *fault);
void lineage_list_done(struct lineage_list *list);
/* Tells the versions in a catalogue that is not published yet where they come from. */
void lineage_tell(const struct lineage_list *list, struct catalogue *catalogue);
/* The version is deleted. A failure is only logged. */
void lineage_forget(struct job_database *job_database, const char *model, unsigned number,
                    struct digest digest);
/* Rows whose job is gone are forgotten (--job-keep-days), but for those of versions that are there,
 * served or not. */
__attribute__((warn_unused_result)) enum status
lineage_forget_jobless(struct service_context *context, struct fault *fault);

#endif
