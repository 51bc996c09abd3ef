/*
 * back_test_print.h - what a back-test has shown, for a person and for a program. The measures are
 * those of error_measures.h. Main's thread.
 */
#ifndef BACK_TEST_PRINT_H
#define BACK_TEST_PRINT_H

#include "gru.h"
#include "service/scores/back_test.h"

#include <stdio.h>

/* A row a measure, of all outputs and of the first ones; then a row a step ahead. */
void back_test_print_table(const struct back_test *test, const struct gru_info *info, FILE *out);
/* The members of the reply to POST evaluate (docs/EVALUATION.md), without "model" and "version". */
void back_test_print_json(const struct back_test *test, const struct gru_info *info, FILE *out);

#endif
