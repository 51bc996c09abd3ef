/* query_string.h - what follows the '?' of a request target: few requests have it, and no step has.
 * The worker's thread. */
#ifndef QUERY_STRING_H
#define QUERY_STRING_H

#include "http/exchange.h"

/* Decodes the query parameters; a name that is given twice is refused. */
enum status query_string_read(struct exchange *exchange);
/* Refuses those that the route does not take. */
enum status query_string_check(struct exchange *exchange);

#endif
