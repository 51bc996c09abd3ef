/*
 * confine.h - gives up what the daemon does not need: root's rights, and system calls. Hides
 * seccomp.h. At start, from main's thread. There is no way back from either.
 */
#ifndef CONFINE_H
#define CONFINE_H

#include "base/status.h"

/* From root to that user and its groups, for good; nothing that it runs could get more rights
 * either. A data directory that is not there is made for it first; empty: none. */
__attribute__((warn_unused_result)) enum status confine_to_user(const char *name, const char *data,
                                                                struct fault *fault);

/* From here on any system call but those that grud makes while it loads, serves and stops ends the
 * process with SIGSYS; in every thread. The sockets to listen on are open by now: no other can be,
 * but with may_connect those that connect to others, for webhooks. */
__attribute__((warn_unused_result)) enum status confine_to_calls(bool may_connect,
                                                                 struct fault *fault);

#endif
