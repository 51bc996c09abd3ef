/* query.h - what follows the '?' of a request target: few requests have it, and no step. */
#ifndef QUERY_H
#define QUERY_H

#include "http/exchange.h"

/* Decodes the query parameters; a name that is given twice is refused. */
enum status query_read(struct exchange *exchange);

#endif
