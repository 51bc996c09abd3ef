#include "store/job_lineage.h"

#include "store/job_schema.h"

enum status job_store_put_lineage(struct job_store *jobs, const struct lineage *lineage,
                                  struct fault *fault)
{
    struct query query;
    query_start(&query, &job_file_of(jobs)->database, JOBS_PUT_LINEAGE);
    query_put_columns(&query, lineage_columns.columns, lineage_columns.n, lineage);
    return query_run(&query, fault);
}

static enum status each(struct job_store *store, enum job_statement statement,
                        void (*found)(void *context, const struct lineage *lineage), void *context,
                        struct fault *fault)
{
    struct query query;
    bool row = false;
    query_start(&query, &job_file_of(store)->database, statement);
    enum status status = query_next(&query, &row, fault);
    while (status == STATUS_OK && row) {
        struct lineage lineage = { 0 };
        (void)query_get_integer(&query, INT64_MIN, INT64_MAX); /* the row's number */
        query_get_columns(&query, lineage_columns.columns, lineage_columns.n, &lineage);
        status = query_check(&query, fault);
        if (status == STATUS_OK) {
            found(context, &lineage);
            status = query_next(&query, &row, fault);
        }
    }
    query_done(&query);
    return status;
}

enum status job_store_each_lineage(struct job_store *jobs,
                                   void (*found)(void *context, const struct lineage *lineage),
                                   void *context, struct fault *fault)
{
    return each(jobs, JOBS_EACH_LINEAGE, found, context, fault);
}

enum status job_store_each_jobless_lineage(struct job_store *jobs,
                                           void (*found)(void *context,
                                                         const struct lineage *lineage),
                                           void *context, struct fault *fault)
{
    return each(jobs, JOBS_EACH_JOBLESS_LINEAGE, found, context, fault);
}

enum status job_store_delete_lineage(struct job_store *jobs, const char *model, unsigned version,
                                     struct fault *fault)
{
    struct query query;
    query_start(&query, &job_file_of(jobs)->database, JOBS_DELETE_LINEAGE);
    query_put_text(&query, model);
    query_put_integer(&query, version);
    return query_run(&query, fault);
}
