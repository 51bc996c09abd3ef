#include "service/sessions/step_trip.h"

#include "service/rules/rules.h"
#include "service/service_private.h"
#include "service/sessions/error_notes.h"

void step_trip_add(struct step_cluster *cluster, struct trip_session *session, struct step *step)
{
    step->is_out = true;
    step->next_out = NULL;
    if (session->first) {
        session->last->next_out = step;
    } else {
        session->first = step;
    }
    session->last = step;
    cluster->n_out++;
}

struct step *step_trip_take(struct step_cluster *cluster, struct trip_session *session)
{
    struct step *step = session->first;
    if (step) {
        session->first = step->next_out;
        step->is_out = false;
        cluster->n_out--;
    }
    return step;
}

void step_trip_forget(struct step_cluster *cluster, struct step *step)
{
    struct trip_session *session = step->trip_session;
    struct step **link = &session->first, *before = NULL;
    while (*link != step) {
        before = *link;
        link = &before->next_out;
    }
    *link = step->next_out;
    session->last = session->last == step ? before : session->last;
    step->is_out = false;
    cluster->n_out--;
}

void step_trip_tell(struct step_cluster *cluster, struct trip_session *session)
{
    const struct service_context *context = cluster->context;
    char id[SESSION_ID_MAX + 1];
    error_notes_tell(&session->errors, session->model, context->owner, context->now_ms);
    if (session->looks.first) {
        const struct pool_key key =
            pool_key_of_record(pool_record(session->pool, session->slot), id);
        const struct rule_session of = { session->pool->name, key.id, key.hash };
        rule_looks_tell(context->service->rules->states, &of, &session->looks);
    }
}

void step_trip_drop(struct trip_session *session)
{
    error_notes_drop(&session->errors);
    rule_looks_drop(&session->looks);
}

void step_trip_fail(struct step_cluster *cluster, struct trip_session *session,
                    const struct fault *fault)
{
    struct step *step;
    while ((step = step_trip_take(cluster, session))) {
        step->fault = *fault;
        step->y = NULL;
        step->forecast = NULL;
        step->is_done = true;
    }
}

void step_trip_fail_all(struct step_cluster *cluster, struct trip_session *sessions, size_t n,
                        const struct fault *fault)
{
    for (size_t k = 0; k < n; k++) {
        if (sessions[k].slot != INDEX_NONE) {
            step_trip_drop(&sessions[k]);
            pool_remove(sessions[k].pool, sessions[k].slot);
            engine_count_write(cluster->engine, CLUSTER_WRITE_FAILED);
        } else {
            engine_count_read(cluster->engine, NULL, false);
            --*step_trip_asked_for(cluster, sessions[k].hash);
        }
        step_trip_fail(cluster, &sessions[k], fault);
    }
}
