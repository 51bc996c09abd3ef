/*
 * pool_translate.h - a file of format 2 or 3 becomes one of today's, record by record: what it says
 * of its sessions, and of what was promised, remains, so that the new file is opened as the old one
 * was. For pool_open.c.
 */
#ifndef POOL_TRANSLATE_H
#define POOL_TRANSLATE_H

#include "service/pool/pool.h"

/* The pool of the new file, which has taken the old one's place. On failure the old one is there as
 * it was. */
__attribute__((warn_unused_result)) enum status pool_translate(const struct pool_options *options,
                                                               struct pool *old, const char *beside,
                                                               struct pool **ret_pool,
                                                               struct fault *fault);

#endif
