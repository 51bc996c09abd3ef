#include "service/late_outcome.h"

const char *late_outcome_word(enum late_outcome outcome)
{
    static const char *const words[] = {
#define LATE_OUTCOME_WORD(name, word) [LATE_##name] = (word),
        LATE_OUTCOME_TABLE(LATE_OUTCOME_WORD)
#undef LATE_OUTCOME_WORD
    };
    return words[outcome];
}
