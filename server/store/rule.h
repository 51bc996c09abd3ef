/* rule.h - a rule as it is stored, and what it has found: rows of rules.db (rule_store.h), and
 * their words. Plain data; any thread. */
#ifndef RULE_H
#define RULE_H

#include "base/choice.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    RULE_NAME_MAX = 64,
    RULE_MODEL_MAX = 64,
    RULE_PREFIX_MAX = 128,
    RULE_SESSION_MAX = 128,
    RULE_URL_MAX = 1023,
    RULE_OUTPUT_MAX = 63,
    RULE_FOR_MAX = 1000000
};

#define RULE_FORMATS(F, X) F(RULE_JSON, "json") X(RULE_ALERTMANAGER, "alertmanager")
enum rule_format { RULE_FORMATS(CHOICE_ID, CHOICE_ID) };

/* What a rule looks at: the field that says so, the one of its bound, and the word of the value
 * that is compared with that. */
#define RULE_KIND_TABLE(X)                                                                         \
    X(COVERAGE, "coverage", "below", "coverage")                                                   \
    X(ANOMALY, "anomaly", "p_value", "p_value")                                                    \
    X(CROSSING, "crossing", "probability", "probability")
enum rule_kind {
#define RULE_KIND_ENUM(name, word, bound, value) RULE_##name,
    RULE_KIND_TABLE(RULE_KIND_ENUM)
#undef RULE_KIND_ENUM
        RULE_N_KINDS
};
const char *rule_kind_word(enum rule_kind kind);
const char *rule_bound_word(enum rule_kind kind);
const char *rule_value_word(enum rule_kind kind);
const char *rule_format_word(enum rule_format format);

struct rule {
    int64_t number; /* given once, also where another rule takes its name */
    char model[RULE_MODEL_MAX + 1];
    char name[RULE_NAME_MAX + 1];
    char prefix[RULE_PREFIX_MAX + 1]; /* of the sessions that it is for */
    enum rule_kind kind;
    double bound; /* what its kind of value is compared with */
    /* Of a crossing: above or below which threshold an output is to come, how many steps ahead at
     * most. */
    char output[RULE_OUTPUT_MAX + 1];
    bool is_below;
    double threshold;
    uint64_t horizon;
    uint64_t n_for; /* so many readings in a row */
    char url[RULE_URL_MAX + 1];
    enum rule_format format;
    int64_t created_at_ms; /* by the steady clock */
    bool is_over;          /* deleted or replaced; kept until its last end is told */
};

/* Why a firing ended, and the words that receivers read. */
#define RULE_ENDS(F, X)                                                                            \
    F(RULE_END_CONDITION, "condition") /* a reading did not meet it */                             \
    X(RULE_END_SESSION, "session_ended")                                                           \
    X(RULE_END_RULE, "rule_changed")
enum rule_end { RULE_ENDS(CHOICE_ID, CHOICE_ID) RULE_N_ENDS };
const char *rule_end_word(enum rule_end end);

/* What a rule has found in a session, where there is something to tell or to end. A firing that is
 * over before it could be told is owed still. */
struct firing {
    int64_t rule; /* its number */
    char session[RULE_SESSION_MAX + 1];
    bool is_firing;
    bool is_told;        /* the receiver was told that it fires */
    bool owes_firing;    /* it is to be told that it fired */
    int64_t since_ms;    /* by the steady clock */
    uint64_t since_step; /* the step that made it fire, and what that one's value was */
    double since_value;
    int64_t ended_ms; /* once it does not fire any more */
    uint64_t ended_step;
    double ended_value; /* NaN: it ended without one */
    enum rule_end end;
};

#endif
