/*
 * fuzz.h - what every fuzz target includes. A target is one file with LLVMFuzzerTestOneInput: it
 * takes any bytes, and must end with all its laws kept and all its memory freed.
 *
 * One source makes two programs: with libFuzzer (`make fuzz`), which invents inputs, and with
 * replay.c
 * (`make test`), which gives the target the files of tests/fuzz/corpus and tests/fuzz/findings.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "gru.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* A law. Not assert(), which a build may switch off. */
#define FUZZ_CHECK(law)                                                                            \
    do {                                                                                           \
        if (!(law)) {                                                                              \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #law);                      \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* Whether n bytes are UTF-8 without NUL: what replies are made of. */
bool fuzz_is_text(const char *bytes, size_t n);
/* Memory of exactly n bytes, so that ASan sees a read beyond them; the caller frees it. */
void *fuzz_copy(const void *bytes, size_t n);
/* A folder of this process alone, in memory where there is a place for that; removed when the
 * process ends.
 */
const char *fuzz_folder(void);

/* Small untrained models. */
enum fuzz_model {
    FUZZ_WEATHER,       /* temp, humidity -> temp: humidity must be known ahead */
    FUZZ_CLOSED,        /* temp -> temp: rolls out on its own */
    FUZZ_CLASSES,       /* temp, humidity -> class: cannot look ahead */
    FUZZ_WEATHER_WIDER, /* as the first, of another size */
    FUZZ_N_MODELS
};
struct gru_model *fuzz_model(enum fuzz_model which);

#endif
