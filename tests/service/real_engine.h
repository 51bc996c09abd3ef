/* real_engine.h - an engine of tests/cluster/engine.h for tests that have the service's engine.h,
 * of the same names: its port alone. One at a time. */
#ifndef REAL_ENGINE_H
#define REAL_ENGINE_H

#include <stdbool.h>

/* False, and the test is to end: there is no redis-server here, which is said. */
bool real_engine_start(unsigned *ret_port);
void real_engine_end(void);

#endif
