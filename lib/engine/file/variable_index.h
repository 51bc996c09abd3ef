/*
 * variable_index.h - inputs or outputs by name; sorted, because a hostile file may have 65536 of
 * them. Private to lib/engine/file; owns its array, and borrows the variables.
 */
#ifndef VARIABLE_INDEX_H
#define VARIABLE_INDEX_H

#include "gru.h"

/* An element of an index. */
struct name_entry {
    const struct gru_variable *variable;
};

/* Variables in the order of their names. */
struct name_index {
    struct name_entry *sorted;
    size_t n;
};
GRU_CHECK bool gru_name_index_init(struct name_index *index, const struct gru_variable *variables,
                                   size_t n);
void gru_name_index_done(struct name_index *index);
/* The later one of two variables with one name; NULL if all differ. */
const struct gru_variable *gru_name_index_duplicate(const struct name_index *index);
const struct gru_variable *gru_name_index_find(const struct name_index *index, const char *name);

#endif
