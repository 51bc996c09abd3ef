/*
 * activate.h - which version of a model is the active one, and what a switch-over means for the
 * jobs that made the versions.
 *
 * A switch-over is a change (change.h). The choice is written to disk before it is published.
 * Any thread, with a context of its own.
 */
#ifndef ACTIVATE_H
#define ACTIVATE_H

#include "service/models/models.h"

struct job_database;

struct activation {
    char model[MODEL_NAME_MAX + 1];
    bool is_durable;   /* false: the disk refused to sync the choice */
    bool is_switched;  /* false: another version than only_from is active, or this one is already */
    unsigned from, to; /* before and asked for */
    unsigned from_parent;
    char from_job[JOB_ID_MAX + 1], to_job[JOB_ID_MAX + 1]; /* which made them; empty: none */
};
/* Makes a version the active one; only_from 0: whichever is active now. */
enum status activation_switch(struct service_context *context, const char *name, unsigned number,
                              unsigned only_from, struct activation *ret_activation,
                              struct fault *fault);
/* Writes down what an activation by hand means for the jobs that made the versions. A failure is
 * only logged: the switch-over has succeeded. */
void activation_note(struct job_database *job_database, const struct activation *activation);

#endif
