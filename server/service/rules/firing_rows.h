/*
 * firing_rows.h - firings on their way to the database: rows that wait, in their order, while the
 * disk refuses them. For the webhook thread alone, and at the end for main.
 */
#ifndef FIRING_ROWS_H
#define FIRING_ROWS_H

#include "base/status.h"
#include "store/rule.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct service;

struct firing_rows {
    struct firing *rows; /* [n] */
    size_t n, room;
    int64_t failed_at_ms; /* by the monotonic clock; 0: the last write has succeeded */
};

void firing_rows_free(struct firing_rows *rows);
/* Adds a row. One that finds no room is lost, which is logged: after a restart it may be told once
 * more, or not. */
void firing_rows_add(struct firing_rows *rows, const struct firing *firing);
/* Writes all, unless that has failed in the last second. */
void firing_rows_write(struct firing_rows *rows, struct service *service);
/* Deletes the rules that are over and have nothing left. False: that is for later, as there are
 * rows that wait, the disk refuses it, or rules have changed since they were of that generation, of
 * which news may be on its way. */
bool firing_rows_forget(struct firing_rows *rows, struct service *service, uint64_t generation);

#endif
