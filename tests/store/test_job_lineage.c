#include "store/job_store.h"
#include "store_support.h"
#include "test.h"

#include <math.h>
#include <unistd.h>

struct found {
    struct lineage all[8];
    size_t n;
};

static void note_lineage(void *context, const struct lineage *lineage)
{
    struct found *found = context;
    ck_assert_uint_lt(found->n, 8);
    found->all[found->n++] = *lineage;
}

static struct found each_lineage(struct job_store *jobs)
{
    struct found found = { .n = 0 };
    struct fault fault;
    ck_assert_int_eq(job_store_each_lineage(jobs, note_lineage, &found, &fault), STATUS_OK);
    return found;
}

static void assert_lineage_equal(const struct lineage *a, const struct lineage *b)
{
    ck_assert_str_eq(a->model, b->model);
    ck_assert_uint_eq(a->version, b->version);
    ck_assert_uint_eq(a->parent, b->parent);
    ck_assert_uint_eq(a->digest.high, b->digest.high);
    ck_assert_uint_eq(a->digest.low, b->digest.low);
    ck_assert_str_eq(a->job, b->job);
    assert_real_equal(a->metrics.train_loss, b->metrics.train_loss);
    assert_real_equal(a->metrics.valid_loss, b->metrics.valid_loss);
    assert_real_equal(a->metrics.baseline_valid_loss, b->metrics.baseline_valid_loss);
    assert_real_equal(a->metrics.persistence_valid_loss, b->metrics.persistence_valid_loss);
    assert_real_equal(a->metrics.train_accuracy, b->metrics.train_accuracy);
    assert_real_equal(a->metrics.valid_accuracy, b->metrics.valid_accuracy);
}

TEST(lineage_is_kept_replaced_and_deleted)
{
    struct folder folder = folder_make();
    struct job_store *jobs = jobs_opened(folder.path);
    struct fault fault;
    struct lineage in = { .model = "m",
                          .version = UINT_MAX,
                          .parent = 4,
                          .digest = { .high = UINT64_MAX, .low = 1 },
                          .job = "ftjob-1",
                          .metrics = { 1, NAN, 3, NAN, 5, 0.1 } };
    ck_assert_int_eq(job_store_put_lineage(jobs, &in, &fault), STATUS_OK);
    in.parent = 5;
    in.digest.low = UINT64_MAX / 3;
    ck_assert_int_eq(job_store_put_lineage(jobs, &in, &fault), STATUS_OK);
    struct lineage other = in;
    other.version = 7;
    ck_assert_int_eq(job_store_put_lineage(jobs, &other, &fault), STATUS_OK);
    job_store_close(jobs);
    jobs = jobs_opened(folder.path);
    struct found found = each_lineage(jobs);
    ck_assert_uint_eq(found.n, 2);
    assert_lineage_equal(&found.all[found.all[0].version == 7], &in);
    assert_lineage_equal(&found.all[found.all[0].version != 7], &other);
    ck_assert_int_eq(job_store_delete_lineage(jobs, "m", 7, &fault), STATUS_OK);
    ck_assert_int_eq(job_store_delete_lineage(jobs, "n", UINT_MAX, &fault),
                     STATUS_OK); /* there is none */
    found = each_lineage(jobs);
    ck_assert_uint_eq(found.n, 1);
    assert_lineage_equal(&found.all[0], &in);
    job_store_close(jobs);
    folder_remove(&folder);
}

struct deleting {
    struct job_store *jobs;
    size_t n_seen;
};

static void delete_lineage(void *context, const struct lineage *lineage)
{
    struct deleting *deleting = context;
    struct fault fault;
    deleting->n_seen++;
    ck_assert_int_eq(
        job_store_delete_lineage(deleting->jobs, lineage->model, lineage->version, &fault),
        STATUS_OK);
}

TEST(lineage_may_be_deleted_while_it_is_gone_through)
{
    struct job_store *jobs = jobs_opened("");
    struct fault fault;
    struct lineage lineage = { .model = "m" };
    struct deleting deleting = { .jobs = jobs };
    for (lineage.version = 1; lineage.version <= 200; lineage.version++) {
        ck_assert_int_eq(job_store_put_lineage(jobs, &lineage, &fault), STATUS_OK);
    }
    ck_assert_int_eq(job_store_each_lineage(jobs, delete_lineage, &deleting, &fault), STATUS_OK);
    ck_assert_uint_eq(deleting.n_seen, 200);
    ck_assert_uint_eq(each_lineage(jobs).n, 0);
    job_store_close(jobs);
}
