#include "store/job.h"

#include "base/clock.h"

const char *job_status_word(enum job_status status)
{
    static const char *const words[] = {
#define JOB_STATUS_WORD(name, word) [JOB_##name] = (word),
        JOB_STATUS_TABLE(JOB_STATUS_WORD)
#undef JOB_STATUS_WORD
    };
    return words[status];
}

const char *job_policy_word(enum job_policy policy)
{
    static const char *const words[] = { JOB_POLICIES(CHOICE_ENTRY, CHOICE_ENTRY) };
    return words[policy];
}

const char *job_promotion_word(enum job_promotion state)
{
    static const char *const words[] = { JOB_PROMOTIONS(CHOICE_ENTRY, CHOICE_ENTRY) };
    return words[state];
}

int64_t job_now_ms(const struct job *job)
{
    int64_t now_ms = clock_steady_ms();
    now_ms = now_ms > job->created_at_ms ? now_ms : job->created_at_ms;
    return now_ms > job->started_at_ms ? now_ms : job->started_at_ms;
}
