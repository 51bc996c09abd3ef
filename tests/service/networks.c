/* networks.c - the model files that the tests of the service read (service_support.h). */
#include "service/service_support.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct bytes save_plan(const struct gru_plan *plan)
{
    struct gru_model *gru;
    struct gru_error error;
    struct bytes bytes;
    ck_assert_msg(gru_model_create(plan, &gru, &error) == GRU_OK, "%s", error.message);
    ck_assert_int_eq(gru_model_save(gru, &bytes.p, &bytes.n), GRU_OK);
    gru_model_unref(gru);
    return bytes;
}

/* As builds wrote it that did not yet say what becomes of missing readings: the session files of
 * tests/fixtures/formats belong to these bytes. */
static struct bytes without_missing(struct bytes bytes)
{
    static const char key[] = ",\\\"missing\\\":\\\"forecast\\\"";
    const size_t n_key = strlen(key);
    char *header = (char *)bytes.p + sizeof(uint64_t), *found;
    uint64_t n;
    memcpy(&n, bytes.p, sizeof n);
    char *end = header + n, *rest = end;
    ck_assert_ptr_nonnull(found = memmem(header, n, key, n_key));
    memmove(found, found + n_key, (size_t)(end - found) - n_key);
    end -= n_key;
    while (end[-1] == ' ') {
        end--;
    }
    while ((end - header) % 8 != 0) {
        *end++ = ' ';
    }
    n = (uint64_t)(end - header);
    memcpy(bytes.p, &n, sizeof n);
    memmove(end, rest, bytes.n - (size_t)(rest - (char *)bytes.p));
    bytes.n -= (size_t)(rest - end);
    return bytes;
}

struct bytes network_file(size_t hidden, uint64_t seed)
{
    const struct gru_plan plan = { .n_inputs = INPUTS,
                                   .inputs = (const char *const[]){ "temp", "humidity" },
                                   .n_outputs = OUTPUTS,
                                   .outputs = (const char *const[]){ "temp", "comfort" },
                                   .n_layers = 1,
                                   .hidden_sizes = &hidden,
                                   .seed = seed };
    return without_missing(save_plan(&plan));
}

struct bytes network_file_with_residuals(size_t hidden, uint64_t seed, const double *means,
                                         size_t n_horizons)
{
    static const double quantiles[GRU_RESIDUAL_QUANTILES] = { 0.7, 1.6, 2, 2.5, 3.5 };
    struct gru_residual of[OUTPUTS * GRU_RESIDUAL_HORIZON] = { { .n = 0 } };
    struct gru_model *gru;
    struct gru_error error;
    struct bytes bytes = network_file(hidden, seed);
    for (size_t k = 0; k < OUTPUTS * n_horizons; k++) {
        of[k].n = 100;
        of[k].mean = means[k % n_horizons];
        for (size_t q = 0; q < GRU_RESIDUAL_QUANTILES; q++) {
            of[k].quantiles[q] = quantiles[q] * of[k].mean;
        }
    }
    ck_assert_int_eq(gru_model_load(bytes.p, bytes.n, &gru, &error), GRU_OK);
    free(bytes.p);
    ck_assert_int_eq(
        gru_model_set_residuals(gru, &(struct gru_residuals){ OUTPUTS, n_horizons, of }), GRU_OK);
    ck_assert_int_eq(gru_model_save(gru, &bytes.p, &bytes.n), GRU_OK);
    gru_model_unref(gru);
    return bytes;
}

struct bytes network_file_of_other_shape(void)
{
    const struct gru_plan plan = { .n_inputs = 1,
                                   .inputs = (const char *const[]){ "temp" },
                                   .n_outputs = 1,
                                   .outputs = (const char *const[]){ "class" },
                                   .n_layers = 1,
                                   .hidden_sizes = (const size_t[]){ HIDDEN },
                                   .seed = SEED };
    return save_plan(&plan);
}

/* Puts text behind the first `mark` of the file's header, and says so in the header's length. */
static struct bytes insert_into_header(struct bytes bytes, const char *mark, const char *text)
{
    uint64_t n_header;
    size_t n_text = strlen(text);
    memcpy(&n_header, bytes.p, sizeof n_header);
    const char *found = memmem((char *)bytes.p + sizeof n_header, n_header, mark, strlen(mark));
    ck_assert_ptr_nonnull(found);
    size_t before = (size_t)(found - (char *)bytes.p) + strlen(mark);
    struct bytes longer = { .p = malloc(bytes.n + n_text), .n = bytes.n + n_text };
    ck_assert_ptr_nonnull(longer.p);
    n_header += n_text;
    memcpy(longer.p, bytes.p, before);
    memcpy((char *)longer.p + before, text, n_text);
    memcpy((char *)longer.p + before + n_text, (char *)bytes.p + before, bytes.n - before);
    memcpy(longer.p, &n_header, sizeof n_header);
    free(bytes.p);
    return longer;
}

struct bytes network_file_with(size_t hidden, uint64_t seed, const char *metadata)
{
    char text[1024];
    snprintf(text, sizeof text, "\"grud\":\"%s\",", metadata);
    struct bytes bytes = network_file(hidden, seed);
    char *own = memmem(bytes.p, bytes.n, "\"grud\"", strlen("\"grud\""));
    ck_assert_ptr_nonnull(own);
    memcpy(own, "\"was_\"", strlen("\"was_\""));
    return insert_into_header(bytes, "\"__metadata__\":{", text);
}

struct bytes network_file_wide(void)
{
    return network_file_with(
        HIDDEN, SEED,
        "{\\\"inputs\\\":[{\\\"name\\\":\\\"temp\\\",\\\"mean\\\":1e8,\\\"std\\\":2},"
        "{\\\"name\\\":\\\"humidity\\\"}],"
        "\\\"outputs\\\":[{\\\"name\\\":\\\"temp\\\"},{\\\"name\\\":\\\"comfort\\\"}]}");
}

const double huge[INPUTS] = { 3e38F, 3e38F };

/* Both inputs divided by such a deviation are infinite, and infinity minus infinity is no
 * number. */
#define VARIABLES                                                                                  \
    "\\\"inputs\\\":[{\\\"name\\\":\\\"temp\\\",\\\"mean\\\":0,\\\"std\\\":0.001},"                \
    "{\\\"name\\\":\\\"humidity\\\",\\\"mean\\\":0,\\\"std\\\":0.001}],"                           \
    "\\\"outputs\\\":[{\\\"name\\\":\\\"temp\\\"},{\\\"name\\\":\\\"comfort\\\"}]}"

struct bytes network_file_that_overflows(void)
{
    return network_file_with(HIDDEN, SEED, "{" VARIABLES);
}

struct bytes network_file_that_is_strict(void)
{
    return network_file_with(HIDDEN, SEED, "{\\\"missing\\\":\\\"error\\\"," VARIABLES);
}
