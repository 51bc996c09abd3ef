/* timed_readings.h - a world that amends sessions, and readings with their times. */
#ifndef TIMED_READINGS_H
#define TIMED_READINGS_H

#include "service/service_support.h"

enum { INTERVAL_S = 600 }; /* of the model */
extern const double first_day;

struct timed_reading {
    double x[INPUTS];
    double at;
};

/* A world of its own, with --amend. */
void timed_start(struct world *world, size_t n_history, bool use_data);
/* A step that may amend the session. */
struct step timed_step(struct world *world, const char *id, const struct timed_reading *reading);
/* That the step succeeds; how it is answered. */
struct step timed_take(struct world *world, struct step step);
void timed_send(struct world *world, const char *id, const struct timed_reading *reading);

#endif
