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

const char *job_recipe_word(enum job_recipe recipe)
{
    static const char *const words[] = { JOB_RECIPES(CHOICE_ENTRY, CHOICE_ENTRY) };
    return words[recipe];
}

static const char *const trial_states[] = { JOB_TRIAL_STATES(CHOICE_ENTRY, CHOICE_ENTRY) };

const char *job_trial_state_word(enum gru_recipe_fate fate)
{
    return trial_states[fate];
}

struct job_trial job_trial_of(const struct gru_recipe_trial *trial)
{
    return (struct job_trial){ .transform = trial->transform.kind,
                               .season = trial->transform.season,
                               .scale = trial->transform.scale,
                               .residual = trial->residual,
                               .width = trial->width,
                               .steps = trial->steps,
                               .horizon_loss = trial->horizon_loss,
                               .member = trial->member,
                               .fate = trial->fate,
                               .n_epochs = trial->n_epochs,
                               .best_epoch = trial->best_epoch,
                               .rate = trial->transform.rate,
                               .error = trial->error };
}

struct gru_recipe_trial job_trial_shown(const struct job_trial *trial)
{
    return (struct gru_recipe_trial){
        .transform = { .kind = (enum gru_transform_kind)trial->transform,
                       .season = trial->season,
                       .rate = trial->rate,
                       .scale = trial->scale != 0 },
        .residual = trial->residual != 0,
        .width = trial->width,
        .steps = trial->steps,
        .horizon_loss = trial->horizon_loss,
        .member = trial->member,
        .fate = (enum gru_recipe_fate)trial->fate,
        .n_epochs = trial->n_epochs,
        .best_epoch = trial->best_epoch,
        .error = trial->error,
    };
}

bool job_trial_is_valid(const struct job_trial *trial)
{
    return trial->transform <= GRU_LEVEL &&
           trial->fate < sizeof trial_states / sizeof *trial_states;
}

int64_t job_now_ms(const struct job *job)
{
    int64_t now_ms = clock_steady_ms();
    now_ms = now_ms > job->created_at_ms ? now_ms : job->created_at_ms;
    return now_ms > job->started_at_ms ? now_ms : job->started_at_ms;
}
