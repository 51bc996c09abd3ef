/* listen.h - the listening sockets of the workers. At start, from one thread. */
#ifndef LISTEN_H
#define LISTEN_H

#include "base/endpoint.h"
#include "base/status.h"

/* n listening sockets on one port; with port 0, `endpoint` is given the port that was free. */
__attribute__((warn_unused_result)) enum status listen_open(struct endpoint *endpoint, size_t n,
                                                            int *ret_fds, struct fault *fault);
void listen_close(int *fds, size_t n);

#endif
