/* The documents that cJSON builds. */
#include "codec_support.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static const char metadata[] =
    "{\"inputs\":[{\"name\":\"temp\",\"unit\":\"\xc2\xb0"
    "C\",\"mean\":20.1,\"std\":5},{\"name\":\"humidity\"}],"
    "\"outputs\":[{\"name\":\"temp\",\"mean\":1.5,\"std\":2},{\"name\":\"alarm\","
    "\"unit\":\"a\\\"b\"}],\"residual\":true,"
    "\"missing\":\"forecast\",\"interval_seconds\":0.1,\"season\":24,\"reset\":\"before\"}";

TEST(a_model_is_described_as_documented)
{
    struct setup s;
    setup_init(&s, model_described(2, 2, metadata));
    setup_add_version(&s, model_described(2, 2, metadata));
    codec_put_model(&s.text, &s.model);
    ck_assert_str_eq(
        setup_text(&s),
        "{\"name\":\"weather\",\"active_version\":3,\"versions\":["
        "{\"version\":3,\"created_at\":1763668800.25,\"parent\":2,\"job\":null,"
        "\"digest\":\"xxh3:0123456789abcdeffedcba9876543210\",\"parameters\":28,\"verified\":false,"
        "\"metrics\":null},"
        "{\"version\":4,\"created_at\":1763668801,\"parent\":null,\"job\":null,"
        "\"digest\":\"xxh3:00000000000000000000000000000000\",\"parameters\":28,\"verified\":false,"
        "\"metrics\":null}],"
        "\"inputs\":[{\"name\":\"temp\",\"unit\":\"\xc2\xb0"
        "C\",\"mean\":20.1,\"std\":5,\"transform\":\"none\"},"
        "{\"name\":\"humidity\",\"unit\":\"\",\"mean\":0,\"std\":1,\"transform\":\"none\"}],"
        "\"outputs\":[{\"name\":\"temp\",\"unit\":\"\",\"mean\":1.5,\"std\":2,\"feeds\":\"temp\"},"
        "{\"name\":\"alarm\",\"unit\":\"a\\\"b\",\"mean\":0,\"std\":1,\"feeds\":null}],"
        "\"layers\":[{\"cell\":\"gru\",\"reset\":\"before\",\"input_size\":2,\"hidden_size\":2}],"
        "\"activation\":\"linear\",\"horizon_capable\":true,\"sessions\":7,"
        "\"residual\":true,\"steps\":1,\"missing\":\"forecast\",\"interval_seconds\":0.1,"
        "\"season\":24,\"drift\":{\"state\":\"none\",\"ratio\":null,\"alarms\":0,"
        "\"detected_at\":null,\"detector\":null,\"statistic\":null,\"last_job\":null}}");
    setup_done(&s);
}

static void note_errors(struct setup *s, double size)
{
    for (size_t k = 0; k < 200; k++) {
        drift_note(s->model.drift, 0, k % 2 ? size : 0.0, 1763668800250);
    }
    bool has_alarm;
    (void)drift_look(s->model.drift, 3, 1763668800250, &has_alarm);
}

TEST(drift_is_described_with_the_last_job_that_it_started)
{
    static const struct drift_job jobs[] = { { .at_ms = 1763668801000, .id = "ftjob-1" },
                                             { .at_ms = 1763668801000, .reason = "a \"quote\"" } };
    static const char *const described[] = { "\"job\":\"ftjob-1\",\"reason\":null}}",
                                             "\"job\":null,\"reason\":\"a \\\"quote\\\"\"}}" };
    for (size_t k = 0; k < 2; k++) {
        struct setup s;
        setup_init(&s, model_weather());
        note_errors(&s, 2.0);
        note_errors(&s, 6.0);
        drift_note_job(s.model.drift, &jobs[k]);
        codec_put_drift(&s.text, &s.model);
        const char *text = setup_text(&s);
        ck_assert_ptr_nonnull(strstr(text, "{\"state\":\"drifting\",\"ratio\":"));
        ck_assert_ptr_nonnull(strstr(text, "\"alarms\":1,\"detected_at\":1763668800.25,"
                                           "\"detector\":\"page_hinkley\",\"statistic\":4"));
        ck_assert_ptr_nonnull(strstr(text, "\"last_job\":{\"at\":1763668801,"));
        ck_assert_ptr_nonnull(strstr(text, described[k]));
        setup_done(&s);
    }
}

TEST(what_cannot_be_served_is_named_with_its_reason)
{
    struct setup s;
    const struct unserved unserved[] = { { .model = "a", .reason = "a \"quote\"" },
                                         { .model = "b", .version = 7, .reason = "gone" } };
    setup_init(&s, model_classes());
    codec_put_degraded(&s.text, "disk", NULL, 0);
    codec_put_degraded(&s.text, "models",
                       (const struct unserved *const[]){ &unserved[0], &unserved[1] }, 2);
    ck_assert_str_eq(setup_text(&s),
                     "{\"status\":\"degraded\",\"reason\":\"disk\"}"
                     "{\"status\":\"degraded\",\"reason\":\"models\",\"models\":["
                     "{\"model\":\"a\",\"version\":null,\"reason\":\"a \\\"quote\\\"\"},"
                     "{\"model\":\"b\",\"version\":7,\"reason\":\"gone\"}]}");
    setup_done(&s);
}

TEST(a_model_without_feeds_is_not_horizon_capable)
{
    struct setup s;
    setup_init(&s, model_classes());
    codec_put_model(&s.text, &s.model);
    const char *text = setup_text(&s);
    ck_assert_ptr_nonnull(strstr(text, "\"horizon_capable\":false"));
    ck_assert_ptr_nonnull(strstr(text, "\"interval_seconds\":null"));
    ck_assert_ptr_nonnull(strstr(text, "\"season\":null"));
    setup_done(&s);
    setup_init(&s, model_described(1, 3, "{\"steps\":3}"));
    codec_put_model(&s.text, &s.model);
    ck_assert_ptr_nonnull(strstr(setup_text(&s), "\"horizon_capable\":true"));
    setup_done(&s);
}

TEST(a_transform_is_described_as_its_file_has_it)
{
    static const struct {
        const char *transform, *described;
    } rows[] = {
        { "\"difference\"", "\"difference\"}" },
        { "{\"seasonal_difference\":24}", "{\"seasonal_difference\":24}}" },
        { "{\"level\":0.05}", "{\"level\":0.05,\"scale\":false}}" },
        { "{\"level\":0.05,\"scale\":true}", "{\"level\":0.05,\"scale\":true}}" },
    };
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        struct setup s;
        char text[200];
        snprintf(text, sizeof text,
                 "{\"inputs\":[{\"transform\":%s}],\"outputs\":[{\"name\":\"x0\"}]}",
                 rows[k].transform);
        setup_init(&s, model_described(1, 1, text));
        codec_put_model(&s.text, &s.model);
        snprintf(text, sizeof text, "\"std\":1,\"transform\":%s", rows[k].described);
        ck_assert_msg(strstr(setup_text(&s), text) != NULL, "%s", setup_text(&s));
        setup_done(&s);
    }
}

TEST(a_cell_without_a_reset_gate_has_no_reset)
{
    struct gru_plan plan = { .n_inputs = 1,
                             .inputs = (const char *const[]){ "a" },
                             .n_outputs = 1,
                             .outputs = (const char *const[]){ "a" },
                             .n_layers = 1,
                             .hidden_sizes = (const size_t[]){ 4 },
                             .cell = GRU_LAYER_THREE_GATE };
    struct gru_model *gru;
    struct setup s;
    ck_assert_int_eq(gru_model_create(&plan, &gru, NULL), GRU_OK);
    setup_init(&s, gru);
    codec_put_model(&s.text, &s.model);
    ck_assert_ptr_nonnull(strstr(setup_text(&s),
                                 "\"layers\":[{\"cell\":\"gru_three_gate\",\"reset\":null,"
                                 "\"input_size\":1,\"hidden_size\":4}]"));
    setup_done(&s);
}

TEST(models_are_listed)
{
    struct setup s;
    setup_init(&s, model_weather());
    const struct model *models[] = { &s.model, &s.model };
    codec_put_models(&s.text, models, 0);
    ck_assert_str_eq(setup_text(&s), "{\"models\":[]}");
    codec_put_models(&s.text, models, 2);
    cJSON *tree = cJSON_Parse(setup_text(&s));
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(tree, "models")), 2);
    cJSON_Delete(tree);
    setup_done(&s);
}

TEST(the_index_lists_the_routes)
{
    static const struct codec_route routes[] = {
        { "GET", "/healthz", "lives" }, { "PUT", "/v1/models/{model}", "stores a \"version\"" }
    };
    struct setup s;
    setup_init(&s, model_weather());
    codec_put_routes(&s.text, "0.1.0", routes, 2);
    ck_assert_str_eq(setup_text(&s),
                     "{\"name\":\"grud\",\"version\":\"0.1.0\",\"routes\":["
                     "{\"method\":\"GET\",\"path\":\"/healthz\",\"summary\":\"lives\"},"
                     "{\"method\":\"PUT\",\"path\":\"/v1/models/{model}\",\"summary\":\"stores a "
                     "\\\"version\\\"\"}]}");
    setup_done(&s);
}

static size_t n_until_failure;
static bool goes_on_failing;

static void *failing_malloc(size_t n)
{
    if (n_until_failure == 0) {
        n_until_failure = goes_on_failing ? 0 : SIZE_MAX;
        return NULL;
    }
    n_until_failure--;
    return malloc(n);
}

/* Describes a model until it succeeds; each time a later allocation fails. */
static void fail_each_allocation(struct setup *s)
{
    size_t n = 0;
    do {
        text_init(&s->text, &s->arena, 0);
        n_until_failure = n++;
        codec_put_model(&s->text, &s->model);
    } while (s->text.failed);
    ck_assert_uint_gt(n, 50);
}

TEST(whichever_allocation_fails_the_text_fails_and_nothing_leaks)
{
    struct setup s;
    setup_init(&s, model_described(2, 2, metadata));
    cJSON_Hooks hooks = { failing_malloc, free };
    cJSON_InitHooks(&hooks);
    goes_on_failing = true;
    fail_each_allocation(&s);
    goes_on_failing = false;
    fail_each_allocation(&s);
    cJSON_InitHooks(NULL);
    setup_done(&s);
}
