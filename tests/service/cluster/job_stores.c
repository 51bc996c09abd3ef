#include "job_stores.h"

#include "cluster/cluster_target.h"
#include "config/config.h"
#include "service/cluster/job_engine.h"
#include "test.h"

#include <stdio.h>

enum { MINUTE_MS = 60000 };

struct job_store *stores_open_other(const struct stores *stores)
{
    struct job_store *jobs;
    struct fault fault;
    ck_assert_int_eq(job_engine_open(stores->target, &jobs, &fault), STATUS_OK);
    while (job_store_probe(jobs, &fault) != STATUS_OK) { /* it connects */
        ck_assert_int_eq(fault.status, STATUS_STORAGE_FAILED);
    }
    return jobs;
}

bool stores_begin(struct stores *stores, int k)
{
    struct fault fault;
    *stores = (struct stores){ .jobs = NULL };
    if (k == 0) {
        ck_assert_int_eq(job_store_open("", &stores->jobs, &fault), STATUS_OK);
        return true;
    }
    if (!engine_is_there()) {
        return false;
    }
    char url[64];
    static const char *const durable[] = { "--appendonly", "yes", "--appendfsync", "always", NULL };
    stores->engine = engine_start(durable);
    snprintf(url, sizeof url, "redis://127.0.0.1:%u/0", stores->engine.port);
    const struct config config = { .cluster = url,
                                   .cluster_ca = "",
                                   .cluster_password_file = "",
                                   .cluster_prefix = "grud:",
                                   .cluster_timeout_ms = MINUTE_MS };
    ck_assert_int_eq(cluster_target_read(&config, &stores->target, &fault), STATUS_OK);
    stores->jobs = stores_open_other(stores);
    return true;
}

void stores_end(struct stores *stores)
{
    job_store_close(stores->jobs);
    if (stores->target) {
        cluster_target_free(stores->target);
        engine_end(&stores->engine);
    }
}
