/* See variable_index.h. */
#include "engine/file/variable_index.h"
#include "engine/buffer.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    const struct gru_variable *left = ((const struct name_entry *)a)->variable;
    const struct gru_variable *right = ((const struct name_entry *)b)->variable;
    int order = strcmp(left->name, right->name);
    return order != 0 ? order : (left > right) - (left < right);
}

bool gru_name_index_init(struct name_index *index, const struct gru_variable *variables, size_t n)
{
    *index = (struct name_index){ .sorted = gru_array_alloc(n, sizeof *index->sorted), .n = n };
    if (!index->sorted) {
        return false;
    }
    for (size_t k = 0; k < n; k++) {
        index->sorted[k].variable = &variables[k];
    }
    qsort(index->sorted, n, sizeof *index->sorted, compare);
    return true;
}

void gru_name_index_done(struct name_index *index)
{
    free(index->sorted);
    *index = (struct name_index){ 0 };
}

const struct gru_variable *gru_name_index_duplicate(const struct name_index *index)
{
    for (size_t k = 1; k < index->n; k++) {
        if (strcmp(index->sorted[k - 1].variable->name, index->sorted[k].variable->name) == 0) {
            return index->sorted[k].variable;
        }
    }
    return NULL;
}

const struct gru_variable *gru_name_index_find(const struct name_index *index, const char *name)
{
    size_t low = 0;
    size_t high = index->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(index->sorted[middle].variable->name, name);
        if (order == 0) {
            return index->sorted[middle].variable;
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return NULL;
}
