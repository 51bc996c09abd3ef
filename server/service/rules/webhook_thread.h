/*
 * webhook_thread.h - the thread that tells of firings and their ends: it writes down what rules
 * have found, posts it, and tries again what has failed. No other thread waits for it.
 *
 * Of one rule two posts are on their way at a time, and one while its receiver fails; so one that
 * is slow or gone keeps no other rule waiting. After a failure a rule waits a second, and then
 * twice as long each time, up to five minutes, each by a quarter more or less at random; or for as
 * long as the receiver asks, up to an hour. What has failed for a day is given up, and what is
 * refused at once.
 *
 * Written before it is posted, and again once it was told: a kill in between leads to the same post
 * again, with the same key, and never to none.
 *
 * Life: from the main thread.
 */
#ifndef WEBHOOK_THREAD_H
#define WEBHOOK_THREAD_H

#include "base/status.h"

#include <stdbool.h>

struct service;

__attribute__((warn_unused_result)) enum status webhook_thread_start(struct service *service,
                                                                     struct fault *fault);
/* Begins no further post, and gives those on their way two seconds. Returns at once. */
void webhook_thread_halt(struct service *service);
bool webhook_thread_is_halted(const struct service *service);
/* After the last context was freed: writes down what is new, and ends. The thread need not have
 * been started. */
void webhook_thread_stop(struct service *service);
/* Instead of stop, when a worker is still at work and uses what stop would free: the process is
 * about to end around both. Waits for nothing. */
void webhook_thread_abandon(struct service *service);

#endif
