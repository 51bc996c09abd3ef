/*
 * values.h - readings and targets in a database: blobs of doubles, and of floats in rows that
 * earlier releases wrote. Their column value_bytes says which.
 */
#ifndef VALUES_H
#define VALUES_H

#include "store/query.h"

#include <stddef.h>

/* The next column of the query: how many bytes a value of the row has. Then query_check. */
size_t values_get_bytes(struct query *query);
/* n values from a blob. */
void values_copy(const void *blob, size_t n, size_t value_bytes, double *ret_values);

#endif
