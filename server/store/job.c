#include "store/job.h"

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
    static const char *const words[] = { [JOB_AUTO] = "auto", [JOB_MANUAL] = "manual" };
    return words[policy];
}

const char *job_promotion_word(enum job_promotion state)
{
    static const char *const words[] = { [JOB_NONE] = "none",
                                         [JOB_PROMOTED] = "promoted",
                                         [JOB_REJECTED] = "rejected",
                                         [JOB_ROLLED_BACK] = "rolled_back" };
    return words[state];
}
