/*
 * step_notes.h - what steps record on a node of a cluster (--record): a reading goes to the engine
 * with the write of its session, and is recorded if that is made. So a step that is done again on
 * another record is recorded once. The context's thread.
 */
#ifndef STEP_NOTES_H
#define STEP_NOTES_H

#include "base/arena.h"
#include "service/cluster/engine.h"
#include "store/recordings.h"

struct recorder;

struct step_notes {
    struct recorder *recorder;
    struct arena arena;             /* of all until they are sent */
    struct engine_recording latest; /* of the session that is being written */
};

/* NULL: no memory. */
struct step_notes *step_notes_create(struct recorder *recorder);
void step_notes_free(struct step_notes *notes); /* takes NULL */

/* A reading of a step whose session is being written. Without memory it is lost, and counted. */
void step_notes_add(struct step_notes *notes, const struct recorded *reading);
/* Those of the session that was just written, behind what is in *recording of it. Takes NULL. */
void step_notes_take(struct step_notes *notes, struct engine_recording *recording);
/* They were sent. Takes NULL. */
void step_notes_reset(struct step_notes *notes);

#endif
