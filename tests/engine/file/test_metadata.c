/* The description in __metadata__["grud"]: every key and what it may say. Sizes that the tensors
 * have are in test_metadata_apply.c. */
#include "engine/file/described.h"
#include "engine/file/metadata.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- words ---- */

TEST(unknown_words_are_refused_with_the_known_ones)
{
    described_bad("{\"cell\":\"rnn\"}", "grud.cell",
                  "must be one of gru, gru_output_gate, gru_three_gate, lstm, not 'rnn'");
    described_bad("{\"reset\":\"never\"}", "grud.reset",
                  "must be one of after, before, not 'never'");
    described_bad("{\"gate_order\":\"nzr\"}", "grud.gate_order",
                  "must be one of rzn, zrn, zrh, ifgo, ifco, iofc, not 'nzr'");
    described_bad("{\"update\":\"\"}", "grud.update", "must be one of keep, take, not ''");
    described_bad("{\"activation\":\"swish\"}", "grud.activation",
                  "must be one of linear, sigmoid, tanh, softmax");
    described_bad("{\"activation\":\"hard_sigmoid\"}", "grud.activation",
                  "Keras' is (x + 3) / 6, that of older ones 0.2 x + 0.5; train with 'sigmoid'");
    described_bad("{\"missing\":\"zero\"}", "grud.missing",
                  "must be one of error, last, mean, forecast");
}

TEST(three_gate_cell_has_no_reset_gate_order_or_update)
{
    described_bad("{\"cell\":\"gru_three_gate\",\"reset\":\"after\"}", "grud.reset",
                  "does not apply");
    described_bad("{\"gate_order\":\"rzn\",\"cell\":\"gru_three_gate\"}", "grud.gate_order",
                  "does not apply");
    described_bad("{\"cell\":\"gru_three_gate\",\"update\":\"keep\"}", "grud.update",
                  "does not apply");
}

TEST(keys_of_another_cell_are_refused)
{
    described_bad("{\"cell\":\"lstm\",\"reset\":\"after\"}", "grud.reset", "the cell lstm");
    described_bad("{\"cell\":\"lstm\",\"update\":\"keep\"}", "grud.update", "the cell lstm");
    described_bad("{\"cell\":\"lstm\",\"gate_order\":\"rzn\"}", "grud.gate_order", "the cell lstm");
    described_bad("{\"cell\":\"gru\",\"gate_order\":\"iofc\"}", "grud.gate_order", "the cell gru");
    /* The order says which cell it is. */
    described_bad("{\"gate_order\":\"iofc\",\"reset\":\"after\"}", "grud.reset", "the cell lstm");
}

/* ---- numbers ---- */

TEST(steps_must_be_a_whole_number_in_range)
{
    described_bad("{\"steps\":0}", "grud.steps", "whole number from 1 to 65536");
    described_bad("{\"steps\":-1}", "grud.steps", "whole number");
    described_bad("{\"steps\":1.5}", "grud.steps", "whole number");
    described_bad("{\"steps\":65537}", "grud.steps", "whole number");
}

TEST(interval_must_be_above_zero)
{
    described_bad("{\"interval_seconds\":0}", "grud.interval_seconds", "above 0");
    described_bad("{\"interval_seconds\":-60}", "grud.interval_seconds", "above 0");
    described_bad("{\"interval_seconds\":1e999}", "grud", "cannot be read");
}

TEST(season_must_be_a_whole_number)
{
    described_bad("{\"season\":0}", "grud.season", "whole number from 1 to 1073741824");
    described_bad("{\"season\":1.5}", "grud.season", "whole number");
    described_bad("{\"season\":1e10}", "grud.season", "whole number");
    described_bad("{\"season\":\"24\"}", "grud.season", "must be a number");
}

TEST(std_must_be_above_zero_and_finite)
{
    described_bad("{\"inputs\":[{},{\"std\":0}]}", "grud.inputs[1].std", "above 0, not 0");
    described_bad("{\"outputs\":[{\"std\":-1},{}]}", "grud.outputs[0].std", "above 0, not -1");
    described_bad("{\"inputs\":[{},{\"std\":1e999}]}", "grud", "cannot be read");
    described_bad("{\"inputs\":[{},{\"mean\":-1e999}]}", "grud", "cannot be read");
}

/* ---- transforms ---- */

static void bad_transform(const char *transform, const char *end, const char *part)
{
    char grud[200], param[64];
    snprintf(grud, sizeof grud,
             "{\"inputs\":[{},{\"transform\":%s}],\"outputs\":[{\"name\":\"x1\"},{}]}", transform);
    snprintf(param, sizeof param, "grud.inputs[1].transform%s", end);
    described_bad(grud, param, part);
}

TEST(transform_must_be_one_that_there_is)
{
    bad_transform("\"log\"", "", "must be one of none, difference, seasonal_difference, not 'log'");
    bad_transform("1", "", "must be a string, not a number");
    bad_transform("{}", "", "either 'seasonal_difference', or 'level'");
    bad_transform("{\"scale\":true}", "", "either 'seasonal_difference', or 'level'");
    bad_transform("{\"seasonal_difference\":2,\"level\":0.5}", "", "either");
    bad_transform("{\"seasonal_difference\":0}", ".seasonal_difference", "from 1 to 10000, not 0");
    bad_transform("{\"seasonal_difference\":10001}", ".seasonal_difference", "from 1 to 10000");
    bad_transform("{\"seasonal_difference\":1.5}", ".seasonal_difference", "whole number");
    bad_transform("{\"level\":0}", ".level", "above 0 and at most 1, not 0");
    bad_transform("{\"level\":1.01}", ".level", "above 0 and at most 1, not 1.01");
    bad_transform("{\"level\":0.1,\"scale\":1}", ".scale", "must be a boolean, not a number");
    bad_transform("{\"mean\":3}", ".mean", "unknown key");
}

/* ---- inputs and outputs ---- */

TEST(too_many_inputs_are_refused_before_memory_is_spent_on_them)
{
    enum { N = 65537 };
    char *grud = malloc((size_t)N * 3 + 100);
    ck_assert_ptr_nonnull(grud);
    char *p = grud + sprintf(grud, "{\"inputs\":[");
    for (int k = 0; k < N; k++) {
        p += sprintf(p, k > 0 ? ",{}" : "{}");
    }
    sprintf(p, "]}");
    described_bad(grud, "grud.inputs", "more than 65536 elements");
    free(grud);
}

TEST(names_and_units_have_limits)
{
    char grud[200];
    char name[66];
    memset(name, 'n', 64);
    name[64] = '\0';
    snprintf(grud, sizeof grud, "{\"inputs\":[{\"name\":\"%s\"},{}]}", name);
    described_bad(grud, "grud.inputs[0].name", "at most 63 bytes");
    snprintf(grud, sizeof grud, "{\"inputs\":[{\"name\":\"%s\"},{}]}", name + 1);
    gru_model_unref(described_good(grud));
    described_bad("{\"inputs\":[{\"name\":\"\"},{}]}", "grud.inputs[0].name", "must not be empty");
    described_bad("{\"inputs\":[{\"name\":\"a\\u0000\"},{}]}", "grud.inputs[0].name", "no NUL");
    described_bad("{\"inputs\":[{},{\"unit\":\"12345678901234567890123456789012\"}]}",
                  "grud.inputs[1].unit", "at most 31 bytes");
    gru_model_unref(
        described_good("{\"inputs\":[{},{\"unit\":\"1234567890123456789012345678901\"}]}"));
    gru_model_unref(described_good("{\"inputs\":[{},{\"unit\":\"\"}]}"));
}

/* ---- order ---- */

TEST(order_must_not_be_empty_or_endless)
{
    described_bad("{\"order\":[]}", "grud.order", "must not be empty");
    char grud[300];
    char *p = grud + sprintf(grud, "{\"order\":[");
    for (int k = 0; k < 33; k++) {
        p += sprintf(p, k > 0 ? ",\"a\"" : "\"a\"");
    }
    sprintf(p, "]}");
    described_bad(grud, "grud.order", "more than 32 elements");
    described_bad("{\"order\":[\"a\\u0000\"]}", "grud.order[0]", "NUL");
}

/* ---- selftest ---- */

TEST(selftest_has_a_limit_of_rows)
{
    enum { N = SELFTEST_ROWS_MAX + 1 };
    char *grud = malloc((size_t)N * 6 + 100);
    ck_assert_ptr_nonnull(grud);
    char *p = grud + sprintf(grud, "{\"selftest\":{\"x\":[");
    for (int k = 0; k < N; k++) {
        p += sprintf(p, k > 0 ? ",[1,2]" : "[1,2]");
    }
    sprintf(p, "]}}");
    described_bad(grud, "grud.selftest.x", "more than 10000 rows");
    free(grud);
}

/* ---- mutations ---- */

TEST(every_flipped_byte_of_a_description_loads_or_fails_cleanly)
{
    static const char all[] =
        "{\"cell\":\"gru\",\"reset\":\"after\",\"gate_order\":\"zrh\",\"update\":\"take\","
        "\"order\":[\"gru."
        "\"],"
        "\"activation\":\"tanh\",\"inputs\":[{\"name\":\"a\",\"unit\":\"C\",\"mean\":1.5e2,\"std\":"
        "2},{}],"
        "\"outputs\":[{\"name\":\"a\"},{\"feeds\":\"x1\"}],\"residual\":true,\"steps\":1,"
        "\"missing\":"
        "\"error\","
        "\"interval_seconds\":60,\"season\":24,\"selftest\":{\"x\":[[1,2],[3,4]],\"y\":[[0,0],[0,0]"
        "]}}";
    for (size_t at = 0; at + 1 < sizeof all; at++) {
        for (int mask = 1; mask < 128; mask *= 2) {
            char text[sizeof all];
            memcpy(text, all, sizeof all);
            text[at] = (char)(text[at] ^ mask);
            if (text[at] == '\0') {
                continue;
            }
            struct file file = described_file(text);
            struct gru_model *model = NULL;
            struct gru_error error = { .message = "" };
            enum gru_status status = gru_model_load(file.bytes, file.n, &model, &error);
            ck_assert(status == GRU_OK ? model != NULL : model == NULL && error.message[0] != '\0');
            gru_model_unref(model);
            free(file.bytes);
        }
    }
}
