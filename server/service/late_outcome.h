/* late_outcome.h - what becomes of readings that come late, and its word in /metrics. Any thread.
 */
#ifndef LATE_OUTCOME_H
#define LATE_OUTCOME_H

#define LATE_OUTCOME_TABLE(X)                                                                      \
    X(REFUSED, "refused") /* the step did not say that they may be put in their place */           \
    X(TOO_OLD, "too_old") /* what they would change is no longer kept */                           \
    X(AMENDED, "amended") /* they were put in their place */
enum late_outcome {
#define LATE_OUTCOME_ENUM(name, word) LATE_##name,
    LATE_OUTCOME_TABLE(LATE_OUTCOME_ENUM)
#undef LATE_OUTCOME_ENUM
        LATE_N_OUTCOMES
};
const char *late_outcome_word(enum late_outcome outcome);

#endif
