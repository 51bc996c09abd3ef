#include "store/rule.h"

const char *rule_kind_word(enum rule_kind kind)
{
    static const char *const words[] = {
#define RULE_KIND_WORD(name, word, bound, value) [RULE_##name] = (word),
        RULE_KIND_TABLE(RULE_KIND_WORD)
#undef RULE_KIND_WORD
    };
    return words[kind];
}

const char *rule_bound_word(enum rule_kind kind)
{
    static const char *const words[] = {
#define RULE_BOUND_WORD(name, word, bound, value) [RULE_##name] = (bound),
        RULE_KIND_TABLE(RULE_BOUND_WORD)
#undef RULE_BOUND_WORD
    };
    return words[kind];
}

const char *rule_value_word(enum rule_kind kind)
{
    static const char *const words[] = {
#define RULE_VALUE_WORD(name, word, bound, value) [RULE_##name] = (value),
        RULE_KIND_TABLE(RULE_VALUE_WORD)
#undef RULE_VALUE_WORD
    };
    return words[kind];
}

const char *rule_format_word(enum rule_format format)
{
    static const char *const words[] = { RULE_FORMATS(CHOICE_ENTRY, CHOICE_ENTRY) };
    return words[format];
}

const char *rule_end_word(enum rule_end end)
{
    static const char *const words[] = { RULE_ENDS(CHOICE_ENTRY, CHOICE_ENTRY) };
    return words[end];
}
