/*
 * catalogue.h - all models at one moment: immutable, reference-counted. A change (change.h) works
 * on a copy and publishes it.
 *
 * The service has the current catalogue, whose mutex is held for as long as it takes to count a
 * reference. A context has a reference of its own, renewed once a turn when the generation has
 * changed: so a request finds its model without a lock. Functions that take a context are for its
 * thread, the others for any.
 */
#ifndef CATALOGUE_H
#define CATALOGUE_H

#include "service/models/models.h"
#include "service/service_private.h"

struct catalogue {
    _Atomic unsigned n_refs;
    size_t n_models;
    struct model **models;         /* by name */
    struct unserved_list unserved; /* models that are there as well */
    size_t n_ignored;              /* files that have no model's name */
};

struct catalogue *catalogue_ref(struct service *service);       /* the current one */
struct catalogue *catalogue_share(struct catalogue *catalogue); /* one reference more */
void catalogue_unref(struct catalogue *catalogue);              /* takes NULL */
/* Makes `next` (one reference, given away) the current one; grud is degraded while it holds
 * something that cannot be served. */
void catalogue_publish(struct service *service, struct catalogue *next);
/* A deep copy, to be changed before it is published; of NULL: an empty one. NULL: no memory. */
struct catalogue *catalogue_copy(const struct catalogue *catalogue);
struct model *catalogue_find(const struct catalogue *catalogue, const char *name);
/* Why catalogue_find has found none. */
enum status catalogue_refuse(const struct catalogue *catalogue, const char *name,
                             struct fault *fault);
/* Takes over a complete model of a new name; false: no memory. */
__attribute__((warn_unused_result)) bool catalogue_insert(struct catalogue *catalogue,
                                                          struct model *model);

/* ---- a context's reference ---- */

void catalogue_replace(struct service_context *context);
/* Fetches the newest catalogue. What was found before is no longer valid. Inline, because nearly
 * always the context has the newest one already. */
static inline void catalogue_begin_turn(struct service_context *context)
{
    if (context->n_held > 0 || context->generation != atomic_load(&context->service->generation)) {
        catalogue_replace(context);
    }
}
/* The same within a turn; what was found before stays valid until the turn ends. False: no memory;
 * it cannot fail if room was reserved. */
__attribute__((warn_unused_result)) bool catalogue_renew(struct service_context *context);
/* Makes room for the next n renewals. */
__attribute__((warn_unused_result)) bool catalogue_reserve_renewals(struct service_context *context,
                                                                    size_t n);
/* Takes over a reference, and keeps it to the end of the turn. False: no memory, and it is gone. */
__attribute__((warn_unused_result)) bool catalogue_hold(struct service_context *context,
                                                        struct catalogue *catalogue);
/* It holds no catalogue until its next turn begins. */
void catalogue_end_turn(struct service_context *context);
void catalogue_release(struct service_context *context); /* the context ends */

#endif
