#include "bench/openblas_choice.h"

#include "gru.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *level, *core_type; /* the level that libgru found; OpenBLAS's name for the like */
} choices[] = { { "avx512", "SkylakeX" }, { "avx2", "Haswell" } };

void openblas_choose(char *argv[])
{
    static const char name[] = "OPENBLAS_CORETYPE";
    openblas_set_num_threads(1);
    if (strcmp(openblas_get_corename(), "Prescott") != 0) {
        return;
    }
    for (size_t k = 0; k < sizeof choices / sizeof *choices; k++) {
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread */
        if (strcmp(gru_kernels_name(), choices[k].level) == 0 && getenv(name) == NULL &&
            setenv(name, choices[k].core_type, 0) == 0) {
            execv("/proc/self/exe", argv);
        }
    }
}
