/*
 * rewarm_slices.h - the re-warming of a session that is too long for one turn: many kept readings,
 * or a large network. A context has one in hand, goes on with it in every few of its turns, and
 * begins another when that is done or nobody has asked for it for a while. The session is not
 * claimed meanwhile; it cannot move on, because its next step waits for this.
 *
 * The context's thread; nothing waits.
 */
#ifndef REWARM_SLICES_H
#define REWARM_SLICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gru_model;
struct model;
struct record_copy;
struct rewarming;
struct service_context;

enum rewarm {
    REWARM_DONE,
    REWARM_LATER, /* in another turn */
    REWARM_FAILED /* no memory */
};

/* Whether replaying that many readings is more than a slice. */
bool rewarm_slices_are_needed(const struct gru_model *gru, size_t n_readings);
/* Goes on with the claimed session of that slot, whose newest copy is `now`. REWARM_DONE:
 * *ret_state is its state in the active version, until the next call. */
enum rewarm rewarm_slices_go_on(struct service_context *context, const struct model *model,
                                uint32_t slot, const struct record_copy *now,
                                const float **ret_state);
void rewarm_slices_free(struct rewarming *rewarming); /* takes NULL */

#endif
