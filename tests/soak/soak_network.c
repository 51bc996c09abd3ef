#include "soak_network.h"

#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct network network_create(size_t hidden_size, uint64_t seed)
{
    static const char *const names[INPUTS] = { "temp", "load" };
    const struct gru_plan plan = { .n_inputs = INPUTS,
                                   .n_outputs = OUTPUTS,
                                   .n_layers = 1,
                                   .inputs = names,
                                   .outputs = names,
                                   .hidden_sizes = &hidden_size,
                                   .seed = seed };
    struct network network;
    struct gru_error error;
    ck_assert_msg(gru_model_create(&plan, &network.gru, &error) == GRU_OK, "%s", error.message);
    ck_assert_int_eq(gru_model_save(network.gru, &network.bytes, &network.n_bytes), GRU_OK);
    return network;
}

void network_done(struct network *network)
{
    gru_model_unref(network->gru);
    free(network->bytes);
}

size_t row_print(char *out, size_t size, const double x[INPUTS])
{
    size_t n = 0;
    for (size_t k = 0; k < INPUTS; k++) {
        const char *before = k == 0 ? "[" : ",";
        int more = isnan(x[k]) ? snprintf(out + n, size - n, "%snull", before)
                               : snprintf(out + n, size - n, "%s%.3f", before, x[k]);
        ck_assert(more > 0 && (size_t)more < size - n);
        n += (size_t)more;
    }
    ck_assert_uint_lt(n + 1, size);
    memcpy(out + n, "]", 2);
    return n + 1;
}

void numbers_expect(const char *answer, const char *name, const double *numbers, size_t n)
{
    char key[32];
    snprintf(key, sizeof key, "\"%s\":[", name);
    const char *at = strstr(answer, key);
    ck_assert_msg(at != NULL, "no %s in %.400s", name, answer);
    at += strlen(key);
    for (size_t k = 0; k < n; k++) {
        char *end;
        at += strspn(at, "[],");
        double got = (double)strtof(at, &end);
        ck_assert_msg(end > at && got == numbers[k],
                      "%s: number %zu is %.9g, libgru says %.9g: %.600s", name, k, got, numbers[k],
                      answer);
        at = end;
    }
}
