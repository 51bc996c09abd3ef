/*
 * revoke.h - streams end whose client has lost its key, or the key its scope. That worker's thread
 * only. A client's key is that of its request, whose head libmicrohttpd keeps as long as the reply
 * goes on.
 */
#ifndef REVOKE_H
#define REVOKE_H

struct worker;

/* Cheap where the keys are those of the last call. */
void revoke_streams(struct worker *worker);

#endif
