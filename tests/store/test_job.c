#include "store/job.h"
#include "test.h"

TEST(words_of_jobs_are_as_documented)
{
    ck_assert_str_eq(job_status_word(JOB_VALIDATING), "validating");
    ck_assert_str_eq(job_status_word(JOB_CANCELLED), "cancelled");
    ck_assert_str_eq(job_policy_word(JOB_AUTO), "auto");
    ck_assert_str_eq(job_policy_word(JOB_MANUAL), "manual");
    ck_assert_str_eq(job_promotion_word(JOB_NONE), "none");
    ck_assert_str_eq(job_promotion_word(JOB_PROMOTED), "promoted");
    ck_assert_str_eq(job_promotion_word(JOB_REJECTED), "rejected");
    ck_assert_str_eq(job_promotion_word(JOB_ROLLED_BACK), "rolled_back");
}
