/* A description is written in one canonical form, and comes back as the same model. */
#include "engine/file/described.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

TEST(every_word_is_taken)
{
    described_written("{\"cell\":\"gru\"}", "{}");
    described_written("{\"reset\":\"after\",\"gate_order\":\"rzn\",\"update\":\"keep\"}", "{}");
    described_written("{\"reset\":\"before\"}", "{\"reset\":\"before\"}");
    described_written(
        "{\"activation\":\"linear\",\"missing\":\"last\",\"residual\":false,\"steps\":1}", "{}");
    described_written("{\"activation\":\"sigmoid\"}", "{\"activation\":\"sigmoid\"}");
    described_written("{\"activation\":\"tanh\"}", "{\"activation\":\"tanh\"}");
    described_written("{\"activation\":\"softmax\"}", "{\"activation\":\"softmax\"}");
    described_written("{\"missing\":\"error\"}", "{\"missing\":\"error\"}");
    described_written("{\"missing\":\"mean\"}", "{\"missing\":\"mean\"}");
    described_written("{\"missing\":\"forecast\"}", "{\"missing\":\"forecast\"}");
    described_written("{\"order\":[\"gru\"]}", "{}");
    described_written("{\"residual\":true}", "{\"residual\":true}");
    described_written("{\"steps\":2}", "{\"steps\":2}");
    described_written("{\"interval_seconds\":0.1}", "{\"interval_seconds\":0.1}");
    described_written("{\"season\":24}", "{\"season\":24}");
}

TEST(every_transform_is_taken)
{
#define MISSING ",\"missing\":\"forecast\""
#define FED(transform)                                                                             \
    "{\"inputs\":[{\"name\":\"x0\"},{\"name\":\"x1\"" transform                                    \
    "}],\"outputs\":[{\"name\":\"x1\"},{\"name\":\"y1\"}]"
    described_written(FED(",\"transform\":\"none\"") "}",
                      "{\"outputs\":[{\"name\":\"x1\"},{\"name\":\"y1\"}]" MISSING "}");
    described_written(FED(",\"transform\":\"difference\"") "}",
                      FED(",\"transform\":\"difference\"") MISSING "}");
    described_written(FED(",\"transform\":{\"seasonal_difference\":24}") "}",
                      FED(",\"transform\":{\"seasonal_difference\":24}") MISSING "}");
    described_written(FED(",\"transform\":\"seasonal_difference\"") ",\"season\":7}",
                      FED(",\"transform\":{\"seasonal_difference\":7}") MISSING ",\"season\":7}");
    described_written(FED(",\"transform\":{\"scale\":false,\"level\":0.05}") "}",
                      FED(",\"transform\":{\"level\":0.05}") MISSING "}");
    described_written(FED(",\"transform\":{\"level\":1,\"scale\":true}") "}",
                      FED(",\"transform\":{\"level\":1,\"scale\":true}") MISSING "}");
#undef FED
#undef MISSING
}

/* Older builds take `last` for what is not there. */
TEST(what_becomes_of_missing_readings_is_always_written_where_outputs_feed)
{
    static const char feeds[] = "{\"outputs\":[{\"name\":\"x0\"},{\"name\":\"y1\"}]";
    static const char *const words[] = { "last", "mean", "error", "forecast" };
    char grud[128];
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        snprintf(grud, sizeof grud, "%s,\"missing\":\"%s\"}", feeds, words[k]);
        described_written(grud, grud);
    }
    char plain[128];
    snprintf(plain, sizeof plain, "%s}", feeds);
    described_written(plain, grud);
}

TEST(description_is_written_in_one_order_without_defaults)
{
    described_written(
        "{\"season\":7,\"interval_seconds\":0.1,\"missing\":\"mean\",\"steps\":1,\"residual\":true,"
        "\"inputs\":[{\"std\":2.5,\"mean\":-0.0,\"unit\":\"\\u00b0C\",\"name\":\"a\\\"\\\\\\n\"},{}"
        "],"
        "\"outputs\":[{\"feeds\":\"x1\"},{\"mean\":-3}]}",
        "{\"inputs\":[{\"name\":\"a\\\"\\\\\\n\",\"unit\":\"\xc2\xb0"
        "C\",\"mean\":-0,\"std\":2.5},{\"name\":\"x1\"}],"
        "\"outputs\":[{\"name\":\"y0\",\"feeds\":\"x1\"},{\"name\":\"y1\",\"mean\":-3,\"std\":1}],"
        "\"residual\":true,\"missing\":\"mean\",\"interval_seconds\":0.1,\"season\":7}");
}

TEST(numbers_come_back_bit_for_bit)
{
    static const char *const numbers[] = {
        "0.30000000000000004",    "5e-324", "2.2250738585072014e-308",
        "1.7976931348623157e308", "1e-7",   "9007199254740993"
    };
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
        char grud[300];
        snprintf(grud, sizeof grud,
                 "{\"inputs\":[{\"mean\":-%s,\"std\":%s},{}],\"outputs\":[{},{\"mean\":%s}],"
                 "\"interval_seconds\":%s}",
                 numbers[k], numbers[k], numbers[k], numbers[k]);
        struct gru_model *model = described_good(grud);
        ck_assert(gru_model_info(model)->inputs[0].mean == -strtod(numbers[k], NULL));
        described_again(model);
        gru_model_unref(model);
    }
}

TEST(outputs_may_feed_across)
{
    described_written(
        "{\"outputs\":[{\"name\":\"x0\",\"feeds\":\"x1\"},{\"name\":\"x1\",\"feeds\":\"x0\"}]}",
        "{\"outputs\":[{\"name\":\"x0\",\"feeds\":\"x1\"},{\"name\":\"x1\",\"feeds\":\"x0\"}],"
        "\"missing\":\"forecast\"}");
}
