#include "service/models/lineage.h"

#include "base/log.h"
#include "service/job_database.h"
#include "service/models/catalogue.h"
#include "service/models/model_versions.h"
#include "service/service_private.h"

#include <stdio.h>
#include <string.h>

static void set_lineage(void *context, const struct lineage *lineage)
{
    const struct catalogue *catalogue = context;
    const struct model *model = catalogue_find(catalogue, lineage->model);
    struct version *version = model ? model_find_version(model, lineage->version) : NULL;
    if (!version || version->read_only || !digest_equals(version->digest, lineage->digest)) {
        return; /* the file was replaced, or never written */
    }
    version->parent = lineage->parent;
    version->metrics = lineage->metrics;
    snprintf(version->job, sizeof version->job, "%s", lineage->job);
}

enum status lineage_load(struct service *service, struct fault *fault)
{
    enum status status = job_store_each_lineage(job_database_lock(service->job_database),
                                                set_lineage, service->current, fault);
    job_database_unlock(service->job_database);
    return status;
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
    struct job_store *jobs = job_database_lock(job_database);
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
