#include "service/models/lineage.h"

#include "base/log.h"
#include "service/job_database.h"
#include "service/models/catalogue.h"
#include "service/models/model_versions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void keep_row(void *context, const struct lineage *lineage)
{
    struct lineage_list *list = context;
    if (list->n == list->n_room) {
        size_t n_room = list->n_room ? list->n_room * 2 : 16;
        struct lineage *rows = reallocarray(list->rows, n_room, sizeof *rows);
        if (!rows) {
            list->is_out_of_memory = true;
            return;
        }
        list->rows = rows;
        list->n_room = n_room;
    }
    list->rows[list->n++] = *lineage;
}

enum status lineage_read(struct job_database *job_database, struct lineage_list *ret_list,
                         struct fault *fault)
{
    struct lineage_list list = { .n = 0 };
    enum status status =
        job_store_each_lineage(job_database_lock_lineage(job_database), keep_row, &list, fault);
    job_database_unlock(job_database);
    if (status == STATUS_OK && list.is_out_of_memory) {
        status = fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for where versions come from");
    }
    if (status != STATUS_OK) {
        lineage_list_done(&list);
        return status;
    }
    *ret_list = list;
    return STATUS_OK;
}

void lineage_list_done(struct lineage_list *list)
{
    free(list->rows);
    *list = (struct lineage_list){ .n = 0 };
}

void lineage_tell(const struct lineage_list *list, struct catalogue *catalogue)
{
    for (size_t k = 0; k < list->n; k++) {
        const struct lineage *row = &list->rows[k];
        const struct model *model = catalogue_find(catalogue, row->model);
        struct version *version = model ? model_find_version(model, row->version) : NULL;
        if (!version || version->read_only || version->job[0] ||
            !digest_equals(version->digest, row->digest)) {
            continue; /* the file was replaced, or never written; or it was told before */
        }
        version->parent = row->parent;
        version->metrics = row->metrics;
        snprintf(version->job, sizeof version->job, "%s", row->job);
    }
}

/* A row that is to go; of the same number another version may be on its way. */
struct forgotten {
    const char *model;
    unsigned number;
    struct digest digest;
    bool is_there;
};

static void find_forgotten(void *context, const struct lineage *lineage)
{
    struct forgotten *forgotten = context;
    forgotten->is_there |= lineage->version == forgotten->number &&
                           digest_equals(lineage->digest, forgotten->digest) &&
                           strcmp(lineage->model, forgotten->model) == 0;
}

void lineage_forget(struct job_database *job_database, const char *model, unsigned number,
                    struct digest digest)
{
    struct forgotten forgotten = { model, number, digest, false };
    struct fault fault;
    struct job_store *jobs = job_database_lock_lineage(job_database);
    enum status status = job_store_each_lineage(jobs, find_forgotten, &forgotten, &fault);
    if (status == STATUS_OK && forgotten.is_there) {
        status = job_store_delete_lineage(jobs, model, number, &fault);
    }
    job_database_unlock(job_database);
    if (status != STATUS_OK) {
        log_event(LOG_ERROR, "lineage_not_deleted", LOG_STRING("model", model),
                  LOG_INT("version", number), LOG_STRING("reason", fault.message));
    }
}

/* ---- of jobs that are gone ---- */

struct jobless {
    const struct catalogue *catalogue;
    struct job_store *jobs;
    enum status status;
    struct fault *fault;
};

static bool is_needed(const struct catalogue *catalogue, const struct lineage *row)
{
    struct model *model = catalogue_find(catalogue, row->model);
    return model ? model_find_version(model, row->version) != NULL ||
                       unserved_find(&model->unserved, row->model, row->version) != NULL
                 : unserved_find(&catalogue->unserved, row->model, 0) != NULL;
}

static void forget_if_unneeded(void *context, const struct lineage *row)
{
    struct jobless *jobless = context;
    if (jobless->status == STATUS_OK && !is_needed(jobless->catalogue, row)) {
        jobless->status =
            job_store_delete_lineage(jobless->jobs, row->model, row->version, jobless->fault);
    }
}

/* A version that is being stored has a row already, and its job is there. */
enum status lineage_forget_jobless(struct service_context *context, struct fault *fault)
{
    struct job_database *job_database = context->service->job_database;
    struct jobless jobless = { .catalogue = context->catalogue,
                               .jobs = job_database_lock_lineage(job_database),
                               .status = STATUS_OK,
                               .fault = fault };
    enum status status =
        job_store_each_jobless_lineage(jobless.jobs, forget_if_unneeded, &jobless, fault);
    job_database_unlock(job_database);
    return status == STATUS_OK ? jobless.status : status;
}
