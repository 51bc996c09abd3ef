/*
 * names.h - what models and sessions may be called. Pure functions; any thread.
 */
#ifndef NAMES_H
#define NAMES_H

#include <stdbool.h>
#include <stddef.h>

enum { SESSION_ID_MAX = 128, MODEL_NAME_MAX = 64 };

/* 1 to 64 of A-Z a-z 0-9 . _ - and no '.' at the beginning. */
bool model_name_is_valid(const char *name, size_t n);
/* 1 to 128 of A-Z a-z 0-9 . _ ~ : - */
bool session_id_is_valid(const char *id, size_t n);

#endif
