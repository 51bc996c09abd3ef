/* docs/API.md has tables that are made of the table of routes and of the schemas: they stand
 * between two comments and are compared, or, with UPDATE_FILES set (`make api-docs`), written. */
#include "http/openapi_route.h"
#include "http/routes.h"
#include "secure/keys.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char path[] = "docs/API.md";

/* ---- a table of routes ---- */

/* `GET /v1/models/{model}/sessions?prefix=&limit=` */
static void print_route(FILE *out, const struct route *route)
{
    fprintf(out, "| `%s %s", route->method, route->path);
    for (size_t k = 0; route->queries[k]; k++) {
        fprintf(out, "%c%s=", k > 0 ? '&' : '?', route->queries[k]);
    }
    fputs("` |", out);
}

/* In a table "|" would end a cell; the parameters at its end stand in the route already. */
static void print_summary(FILE *out, const struct route *route)
{
    const char *brackets = route->queries[0] ? strchr(route->summary, '(') : NULL;
    const size_t n = brackets ? (size_t)(brackets - route->summary) - 1 : strlen(route->summary);
    fprintf(out, " %.*s%s |\n", (int)n, route->summary, brackets ? strchr(brackets, ')') + 1 : "");
}

static void print_row(FILE *out, const struct route *route)
{
    const struct json_schema *body = schema_json(route->body), *reply = schema_json(route->reply);
    print_route(out, route);
    fprintf(out, " %s |", route->scope != SCOPE_NONE ? scope_word(route->scope) : "");
    fprintf(out, " %s |", body && route->body != SCHEMA_EMPTY ? body->name : "");
    for (size_t k = 0; openapi_code(route, k) != 0; k++) {
        fprintf(out, "%s%d", k > 0 ? ", " : " ", openapi_code(route, k));
    }
    fprintf(out, "%s%s |", reply ? " " : "", reply ? reply->name : "");
    print_summary(out, route);
}

static void print_routes(FILE *out, const char *tag)
{
    fputs("| route | scope | body | reply | |\n|---|---|---|---|---|\n", out);
    for (size_t k = 0; k < http_n_routes; k++) {
        if (strcmp(openapi_tag_of(&http_routes[k]), tag) == 0) {
            print_row(out, &http_routes[k]);
        }
    }
}

/* ---- a table of fields ---- */

static const char *type_word(const struct json_schema *schema)
{
    static const char *const words[] = {
        [JSON_SCHEMA_ANY] = "any",         [JSON_SCHEMA_OBJECT] = "object",
        [JSON_SCHEMA_ARRAY] = "array",     [JSON_SCHEMA_STRING] = "text",
        [JSON_SCHEMA_INTEGER] = "integer", [JSON_SCHEMA_NUMBER] = "number",
        [JSON_SCHEMA_FLOAT] = "number",    [JSON_SCHEMA_BOOLEAN] = "true or false",
    };
    return words[schema->type];
}

static void print_type(FILE *out, const struct json_schema *schema)
{
    fprintf(out, "%s", schema->type != JSON_SCHEMA_ANY_OF ? type_word(schema) : "");
    for (size_t k = 0; k < schema->n_choices; k++) {
        fprintf(out, "%s%s", k > 0 ? " or " : "", type_word(schema->choices[k]));
    }
    fputs(schema->is_nullable ? " or null" : "", out);
}

static void print_fields(FILE *out, const char *name)
{
    const struct json_schema *schema = NULL;
    for (enum schema k = SCHEMA_NONE + 1; k < SCHEMA_COUNT; k++) {
        schema = strcmp(schema_json(k)->name, name) == 0 ? schema_json(k) : schema;
    }
    ck_assert_msg(schema != NULL, "there is no schema %s", name);
    fputs("| field | type | |\n|---|---|---|\n", out);
    for (size_t k = 0; k < schema->n_fields; k++) {
        const struct field *field = &schema->fields[k];
        fprintf(out, "| `%s` | ", field->name);
        print_type(out, field->schema);
        fprintf(out, "%s | %s |\n", field->is_required ? ", required" : "",
                field->schema->help ? field->schema->help : "");
    }
}

/* ---- the page ---- */

static const char begin[] = "<!-- table: ", end[] = "<!-- end of the table -->\n";

/* "<!-- table: routes of Models (make api-docs) -->" */
static void print_table(FILE *out, const char *what)
{
    char name[64] = "";
    if (sscanf(what, "routes of %63[^(]", name) == 1) {
        name[strlen(name) - 1] = '\0';
        print_routes(out, name);
    } else if (sscanf(what, "fields of %63[^( ]", name) == 1) {
        print_fields(out, name);
    } else {
        ck_abort_msg("there is no table of %.40s", what);
    }
}

/* The page, with its tables as they should be. */
static void print_page(FILE *out, const char *page, size_t *n_tables)
{
    const char *table;
    while ((table = strstr(page, begin))) {
        const char *rows = strchr(table, '\n') + 1, *behind = strstr(rows, end);
        ck_assert_msg(behind != NULL, "a table has no end: %.60s", table);
        fwrite(page, 1, (size_t)(rows - page), out);
        fputc('\n', out);
        print_table(out, table + sizeof begin - 1);
        fputc('\n', out);
        page = behind;
        *n_tables += 1;
        fwrite(page, 1, sizeof end - 1, out);
        page += sizeof end - 1;
    }
    fputs(page, out);
}

static char *read_page(void)
{
    char *page = calloc(1, 1 << 17);
    FILE *file = fopen(path, "r");
    ck_assert(page && file);
    ck_assert_uint_lt(fread(page, 1, (1 << 17) - 1, file), (1 << 17) - 1);
    fclose(file);
    return page;
}

TEST(the_tables_of_the_page_of_the_api_are_up_to_date)
{
    char *page = read_page(), *expected;
    size_t n, n_tables = 0;
    FILE *out = open_memstream(&expected, &n);
    ck_assert_ptr_nonnull(out);
    print_page(out, page, &n_tables);
    fclose(out);
    if (getenv("UPDATE_FILES")) { /* NOLINT(concurrency-mt-unsafe) */
        FILE *file = fopen(path, "w");
        ck_assert_ptr_nonnull(file);
        ck_assert_uint_eq(fwrite(expected, 1, n, file), n);
        fclose(file);
    } else {
        ck_assert_msg(strcmp(page, expected) == 0, "%s is out of date: make api-docs", path);
    }
    ck_assert_uint_ge(n_tables, 5);
    free(page);
    free(expected);
}

TEST(every_chapter_of_routes_is_a_table_of_the_page)
{
    char *page = read_page();
    for (size_t k = 0; openapi_tag(k); k++) {
        char marker[96];
        snprintf(marker, sizeof marker, "%sroutes of %s (make api-docs)", begin, openapi_tag(k));
        ck_assert_msg(strstr(page, marker) != NULL, "%s is not there", marker);
    }
    free(page);
}
