#include "service/degraded.h"

#include "base/log.h"
#include "service/service_private.h"

static const struct {
    const char *word, *sentence;
} degraded_states[] = {
#define DEGRADED_ROW(name, word_, sentence_)                                                       \
    [DEGRADED_##name] = { .word = (word_), .sentence = (sentence_) },
    DEGRADED_TABLE(DEGRADED_ROW)
#undef DEGRADED_ROW
};

const char *degraded_word(enum degraded_state state)
{
    return degraded_states[state].word;
}

const char *degraded_sentence(enum degraded_state state)
{
    return degraded_states[state].sentence;
}

bool service_is_degraded_by(const struct service *service, enum degraded_state state)
{
    return (atomic_load_explicit(&service->degraded_states, memory_order_relaxed) & 1U << state) !=
           0;
}

bool service_is_degraded(const struct service *service)
{
    return atomic_load_explicit(&service->degraded_states, memory_order_relaxed) != 0;
}

void degraded_begins(struct service *service, enum degraded_state state)
{
    if (state == DEGRADED_JOBS && service->cluster) {
        return; /* its engine has them: DEGRADED_CLUSTER is what there is to say */
    }
    if (!(atomic_fetch_or(&service->degraded_states, 1U << state) & 1U << state)) {
        log_event(LOG_ERROR, "degraded", LOG_STRING("what", degraded_word(state)),
                  LOG_STRING("reason", degraded_sentence(state)));
    }
}

/* Asked often, and mostly for nothing. */
void degraded_ends(struct service *service, enum degraded_state state)
{
    if (state != DEGRADED_SYNC && service_is_degraded_by(service, state) &&
        (atomic_fetch_and(&service->degraded_states, ~(1U << state)) & 1U << state)) {
        log_event(LOG_INFO, "recovered", LOG_STRING("what", degraded_word(state)));
    }
}

void degraded_settle(struct service *service, enum degraded_state state, enum status status)
{
    if (status == STATUS_OK) {
        degraded_ends(service, state);
    } else if (status == STATUS_STORAGE_FAILED) {
        degraded_begins(service, state);
    }
}
