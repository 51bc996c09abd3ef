/*
 * series.h - sequences of training data: {"x": rows, "y": targets}. Private to the codec.
 *
 * A target is a row of S * O numbers; with cross entropy it is S class numbers, and with S = 1 a
 * bare one.
 */
#ifndef SERIES_H
#define SERIES_H

#include "codec/reader_rows.h"

/* How series are read, and those that were. They and their values live in the reader's arena. */
struct series_list {
    struct columns x, y;
    bool has_classes;
    size_t n_classes, n_steps; /* with cross entropy */
    struct gru_series *series;
    size_t n, size;
};

/* `info` is borrowed. */
void series_init(struct series_list *list, const struct gru_info *info, int loss);
/* One more, at the reader's place. */
enum status series_read_one(struct reader *r, struct series_list *list);
/* An array of them, of at least one. */
enum status series_read(struct reader *r, struct series_list *list);

#endif
