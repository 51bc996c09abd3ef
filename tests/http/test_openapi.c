/* The OpenAPI document: every route is in it, whole, and nothing in it leads nowhere.
 * tests/openapi/ compares it with what the daemon does. */
#include "http/openapi.h"

#include "http/openapi_refusals.h"
#include "http/openapi_route.h"
#include "http/routes.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

static const struct interval_levels levels = { 1, { 0.9 } };
static struct arena arena;

/* The document, which ends with a NUL. */
static const char *document(void)
{
    const struct openapi openapi = { .routes = http_routes,
                                     .n_routes = http_n_routes,
                                     .limits = { .horizon_max = 77, .interval_levels = &levels },
                                     .has_keys = true };
    struct text text;
    arena_init(&arena, 1 << 24);
    text_init(&text, &arena, 0);
    openapi_put(&text, &openapi);
    text_append(&text, "", 1);
    ck_assert(!text.failed);
    return text.p;
}

static void assert_has(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "there is no %s", part);
}

TEST(the_document_has_every_route)
{
    const char *text = document();
    assert_has(text, "{\"openapi\":\"3.1.0\",");
    for (size_t k = 0; k < http_n_routes; k++) {
        char part[160], id[OPENAPI_ID_SIZE];
        snprintf(part, sizeof part, "\"%s\":{", http_routes[k].path);
        assert_has(text, part);
        openapi_print_id(&http_routes[k], id);
        snprintf(part, sizeof part, "\"operationId\":\"%s\",\"summary\":", id);
        assert_has(text, part);
    }
    arena_done(&arena);
}

TEST(operations_have_names_of_their_own)
{
    for (size_t k = 0; k < http_n_routes; k++) {
        char id[OPENAPI_ID_SIZE], other[OPENAPI_ID_SIZE];
        openapi_print_id(&http_routes[k], id);
        for (size_t i = k + 1; i < http_n_routes; i++) {
            openapi_print_id(&http_routes[i], other);
            ck_assert_str_ne(id, other);
        }
    }
    char id[OPENAPI_ID_SIZE];
    const struct route step = { .method = "POST",
                                .path = "/v1/models/{model}/sessions/{session}/step" };
    openapi_print_id(&step, id);
    ck_assert_str_eq(id, "post_model_session_step");
}

/* Each "$ref":"#/components/a/b" has a member "b" in "a". */
TEST(references_lead_somewhere)
{
    static const char prefix[] = "\"$ref\":\"#/components/";
    const char *text = document(), *components = strstr(text, "\"components\":{");
    size_t n = 0;
    ck_assert_ptr_nonnull(components);
    for (const char *at = text; (at = strstr(at, prefix)); at++, n++) {
        const char *name = strchr(at + sizeof prefix, '/') + 1;
        char part[128];
        snprintf(part, sizeof part, "\"%.*s\":{", (int)strcspn(name, "\""), name);
        assert_has(components, part);
    }
    ck_assert_uint_gt(n, 100);
    arena_done(&arena);
}

TEST(every_query_parameter_is_described)
{
    for (size_t k = 0; k < http_n_routes; k++) {
        for (size_t i = 0; http_routes[k].queries[i]; i++) {
            const struct json_schema *schema =
                openapi_query(&http_routes[k], http_routes[k].queries[i]);
            ck_assert_msg(schema && schema->help, "%s?%s", http_routes[k].path,
                          http_routes[k].queries[i]);
        }
    }
}

TEST(every_error_is_one_of_some_route)
{
    for (enum status status = STATUS_OK + 1; status < STATUS_COUNT; status++) {
        bool is_refused = status == STATUS_ROUTE_NOT_FOUND /* of no route */ ||
                          status == STATUS_DIVERGED /* a job's, not a reply's */;
        for (size_t k = 0; k < http_n_routes; k++) {
            is_refused |= openapi_refuses(&http_routes[k], status);
        }
        ck_assert_msg(is_refused, "no route refuses with %s", status_code(status));
    }
}

TEST(columns_say_what_a_route_refuses)
{
    const struct route step = { .path = "/v1/models/{model}/sessions/{session}/step",
                                .scope = SCOPE_PREDICT,
                                .changes = true,
                                .takes = MEDIA_SET_JSON,
                                .body = SCHEMA_STEP,
                                .refuses = { STATUS_SEQUENCE_MISMATCH } };
    const struct route health = { .path = "/healthz" };
    ck_assert(openapi_refuses(&step, STATUS_SEQUENCE_MISMATCH));
    ck_assert(openapi_refuses(&step, STATUS_MODEL_NOT_FOUND));
    ck_assert(openapi_refuses(&step, STATUS_KEY_MISSING));
    ck_assert(openapi_refuses(&step, STATUS_ORIGIN_REFUSED));
    ck_assert(openapi_refuses(&step, STATUS_UNSUPPORTED_MEDIA_TYPE));
    ck_assert(!openapi_refuses(&step, STATUS_SESSION_EXPIRED)); /* it begins a new one */
    ck_assert(!openapi_refuses(&step, STATUS_JOB_NOT_FOUND));
    ck_assert(openapi_refuses(&health, STATUS_NO_MEMORY));
    ck_assert(!openapi_refuses(&health, STATUS_KEY_MISSING));
    ck_assert(!openapi_refuses(&health, STATUS_UNSUPPORTED_MEDIA_TYPE));
}

TEST(what_was_made_is_linked_to_what_can_be_done_with_it)
{
    const char *text = document();
    assert_has(text, "\"delete_model_session\":{\"operationId\":\"delete_model_session\","
                     "\"parameters\":{\"model\":\"$request.path.model\",\"session\":"
                     "\"$response.body#/session\"}}");
    assert_has(text, "\"post_fine_tuning_job_cancel\":{\"operationId\":"
                     "\"post_fine_tuning_job_cancel\",\"parameters\":{\"id\":"
                     "\"$response.body#/id\"}}");
    assert_has(text, "\"post_model_version_activate\":{\"operationId\":"
                     "\"post_model_version_activate\",\"parameters\":{\"model\":"
                     "\"$response.body#/name\",\"version\":\"$response.body#/active_version\"}}");
    arena_done(&arena);
}

TEST(options_are_in_the_document)
{
    const char *text = document();
    assert_has(text, "\"maximum\":77");
    assert_has(text, "\"enum\":[0.9]");
    assert_has(text, "\"security\":[{\"key\":[\"predict\"]}]");
    arena_done(&arena);
}
