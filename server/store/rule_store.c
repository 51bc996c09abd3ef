#include "store/rule_store.h"

#include "store/database_open.h"
#include "store/query.h"

#include <stdlib.h>

enum { RULES_FORMAT = 2 }; /* raised by hand, with each migration: see migrate.h */

struct rule_store {
    struct database database;
};

#define RULE_COLUMNS(X)                                                                            \
    X(model, TEXT, model, 0)                                                                       \
    X(name, TEXT, name, 0)                                                                         \
    X(prefix, TEXT, prefix, 0)                                                                     \
    X(kind, CHOICE, kind, RULE_N_KINDS - 1)                                                        \
    X(bound, REAL, bound, 0)                                                                       \
    X(n_for, COUNT, n_for, 0)                                                                      \
    X(url, TEXT, url, 0)                                                                           \
    X(format, CHOICE, format, RULE_ALERTMANAGER)                                                   \
    X(created_at_ms, INTEGER, created_at_ms, 0)                                                    \
    X(is_over, FLAG, is_over, 0)                                                                   \
    X(output, TEXT, output, 0)                                                                     \
    X(is_below, FLAG, is_below, 0)                                                                 \
    X(threshold, REAL, threshold, 0)                                                               \
    X(horizon, COUNT, horizon, 0)

#define FIRING_COLUMNS(X)                                                                          \
    X(session, TEXT, session, 0)                                                                   \
    X(is_firing, FLAG, is_firing, 0)                                                               \
    X(is_told, FLAG, is_told, 0)                                                                   \
    X(owes_firing, FLAG, owes_firing, 0)                                                           \
    X(since_ms, INTEGER, since_ms, 0)                                                              \
    X(since_step, COUNT, since_step, 0)                                                            \
    X(since_value, REAL, since_value, 0)                                                           \
    X(ended_ms, INTEGER, ended_ms, 0)                                                              \
    X(ended_step, COUNT, ended_step, 0)                                                            \
    X(ended_value, REAL, ended_value, 0)                                                           \
    X(reason, CHOICE, end, RULE_N_ENDS - 1)

#define OF_RULE(column, type, field, most)   COLUMN_OF(rule, column, type, field, most),
#define OF_FIRING(column, type, field, most) COLUMN_OF(firing, column, type, field, most),
static const struct query_column rule_columns[] = { RULE_COLUMNS(OF_RULE) };
static const struct query_column firing_columns[] = { FIRING_COLUMNS(OF_FIRING) };
enum {
    N_RULE_COLUMNS = sizeof rule_columns / sizeof *rule_columns,
    N_FIRING_COLUMNS = sizeof firing_columns / sizeof *firing_columns
};

/* SQL, laid out as SQL. */
// clang-format off
static const struct statement migrations[RULES_FORMAT] = {
    { "create the tables",
    "CREATE TABLE rules (number INTEGER PRIMARY KEY AUTOINCREMENT, model TEXT NOT NULL,"
    " name TEXT NOT NULL, prefix TEXT NOT NULL, kind INTEGER NOT NULL /* coverage */,"
    " bound REAL, n_for INTEGER NOT NULL, url TEXT NOT NULL,"
    " format INTEGER NOT NULL /* json|alertmanager */, created_at_ms INTEGER NOT NULL,"
    " is_over INTEGER NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX rules_by_name ON rules (model, name) WHERE is_over = 0;"
    "CREATE TABLE firings (rule INTEGER NOT NULL REFERENCES rules (number), session TEXT NOT NULL,"
    " is_firing INTEGER NOT NULL, is_told INTEGER NOT NULL, owes_firing INTEGER NOT NULL,"
    " since_ms INTEGER NOT NULL, since_step INTEGER NOT NULL, since_value REAL,"
    " ended_ms INTEGER NOT NULL, ended_step INTEGER NOT NULL, ended_value REAL,"
    " reason INTEGER NOT NULL /* condition|session_ended|rule_changed */,"
    " PRIMARY KEY (rule, session)) STRICT, WITHOUT ROWID;" },

    /* kind 1: anomaly, 2: crossing */
    { "add rules on anomalies and crossings",
    "ALTER TABLE rules ADD COLUMN output TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE rules ADD COLUMN is_below INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE rules ADD COLUMN threshold REAL DEFAULT 0;"
    "ALTER TABLE rules ADD COLUMN horizon INTEGER NOT NULL DEFAULT 0;" },
};

enum { RULES_INSERT, RULES_END, RULES_EACH, RULES_EACH_FIRING, RULES_WRITE, RULES_DELETE, RULES_FORGET,
       RULES_N_STATEMENTS };

static const struct statement statements[] = {
    [RULES_INSERT] = { "add a rule", "INSERT INTO rules (number" RULE_COLUMNS(COLUMN_NAMED) ")"
        " VALUES (NULL" RULE_COLUMNS(COLUMN_MARK) ")" },
    [RULES_END] = { "end a rule", "UPDATE rules SET is_over = 1 WHERE number = ?" },
    [RULES_EACH] = { "read the rules", "SELECT number" RULE_COLUMNS(COLUMN_NAMED) " FROM rules ORDER BY number" },
    [RULES_EACH_FIRING] = { "read what the rules have found",
        "SELECT rule" FIRING_COLUMNS(COLUMN_NAMED) " FROM firings" },
    [RULES_WRITE] = { "write what a rule has found", "INSERT OR REPLACE INTO firings (rule" FIRING_COLUMNS(COLUMN_NAMED) ")"
        " SELECT ?1" FIRING_COLUMNS(COLUMN_MARK) " WHERE EXISTS (SELECT 1 FROM rules WHERE number = ?1)" },
    [RULES_DELETE] = { "delete what a rule has found", "DELETE FROM firings WHERE rule = ? AND session = ?" },
    [RULES_FORGET] = { "delete rules that are over",
        "DELETE FROM rules WHERE is_over = 1 AND NOT EXISTS (SELECT 1 FROM firings WHERE rule = number)" },
};
// clang-format on

static const struct database_schema schema = { .file_name = "rules.db",
                                               .application_id = 0x67727573, /* "grus" */
                                               .migrations = migrations,
                                               .n_migrations = RULES_FORMAT,
                                               .statements = statements,
                                               .n_statements = RULES_N_STATEMENTS };

enum status rule_store_open(const char *data, struct rule_store **ret_rules, struct fault *fault)
{
    struct rule_store *rules = calloc(1, sizeof *rules);
    if (!rules) {
        return fault_set(fault, STATUS_NO_MEMORY, NULL,
                         "there is not enough memory to open the rules");
    }
    enum status status = database_open(&rules->database, &schema, data, true, fault);
    if (status != STATUS_OK) {
        free(rules);
        return status;
    }
    *ret_rules = rules;
    return STATUS_OK;
}

void rule_store_close(struct rule_store *rules)
{
    if (rules) {
        database_close(&rules->database);
        free(rules);
    }
}

/* ---- rules ---- */

static enum status run_with(struct rule_store *rules, size_t statement, int64_t number,
                            struct fault *fault)
{
    struct query query;
    query_start(&query, &rules->database, statement);
    query_put_integer(&query, number);
    return query_run(&query, fault);
}

static enum status insert(struct rule_store *rules, const struct rule *rule, int64_t *ret_number,
                          struct fault *fault)
{
    struct query query;
    query_start(&query, &rules->database, RULES_INSERT);
    query_put_columns(&query, rule_columns, N_RULE_COLUMNS, rule);
    enum status status = query_run(&query, fault);
    if (status == STATUS_OK) {
        *ret_number = sqlite3_last_insert_rowid(rules->database.sqlite);
    }
    return status;
}

enum status rule_store_put(struct rule_store *rules, struct rule *rule, int64_t replaced,
                           struct fault *fault)
{
    int64_t number = 0;
    enum status status = database_begin(&rules->database, fault);
    if (status != STATUS_OK) {
        return status;
    }
    if (replaced != 0) {
        status = run_with(rules, RULES_END, replaced, fault);
    }
    if (status == STATUS_OK) {
        status = insert(rules, rule, &number, fault);
    }
    status = database_end(&rules->database, status, fault);
    if (status == STATUS_OK) {
        rule->number = number;
    }
    return status;
}

enum status rule_store_end(struct rule_store *rules, int64_t number, struct fault *fault)
{
    return run_with(rules, RULES_END, number, fault);
}

enum status rule_store_forget(struct rule_store *rules, struct fault *fault)
{
    struct query query;
    query_start(&query, &rules->database, RULES_FORGET);
    return query_run(&query, fault);
}

enum status rule_store_each(struct rule_store *rules,
                            enum status (*found)(void *cls, const struct rule *rule,
                                                 struct fault *fault),
                            void *cls, struct fault *fault)
{
    struct query query;
    bool row = false;
    query_start(&query, &rules->database, RULES_EACH);
    enum status status = query_next(&query, &row, fault);
    while (status == STATUS_OK && row) {
        struct rule rule = { .number = query_get_integer(&query, 1, INT64_MAX) };
        query_get_columns(&query, rule_columns, N_RULE_COLUMNS, &rule);
        status = query_check(&query, fault);
        if (status == STATUS_OK) {
            status = found(cls, &rule, fault);
        }
        if (status == STATUS_OK) {
            status = query_next(&query, &row, fault);
        }
    }
    query_done(&query);
    return status;
}

/* ---- firings ---- */

enum status rule_store_each_firing(struct rule_store *rules,
                                   enum status (*found)(void *cls, const struct firing *firing,
                                                        struct fault *fault),
                                   void *cls, struct fault *fault)
{
    struct query query;
    bool row = false;
    query_start(&query, &rules->database, RULES_EACH_FIRING);
    enum status status = query_next(&query, &row, fault);
    while (status == STATUS_OK && row) {
        struct firing firing = { .rule = query_get_integer(&query, 1, INT64_MAX) };
        query_get_columns(&query, firing_columns, N_FIRING_COLUMNS, &firing);
        status = query_check(&query, fault);
        if (status == STATUS_OK) {
            status = found(cls, &firing, fault);
        }
        if (status == STATUS_OK) {
            status = query_next(&query, &row, fault);
        }
    }
    query_done(&query);
    return status;
}

static enum status write_one(struct rule_store *rules, const struct firing *firing,
                             struct fault *fault)
{
    const bool is_kept = firing->is_firing || firing->is_told || firing->owes_firing;
    struct query query;
    query_start(&query, &rules->database, is_kept ? RULES_WRITE : RULES_DELETE);
    query_put_integer(&query, firing->rule);
    if (is_kept) {
        query_put_columns(&query, firing_columns, N_FIRING_COLUMNS, firing);
    } else {
        query_put_text(&query, firing->session);
    }
    return query_run(&query, fault);
}

enum status rule_store_write(struct rule_store *rules, const struct firing *firings, size_t n,
                             struct fault *fault)
{
    enum status status = database_begin(&rules->database, fault);
    if (status != STATUS_OK) {
        return status;
    }
    for (size_t k = 0; status == STATUS_OK && k < n; k++) {
        status = write_one(rules, &firings[k], fault);
    }
    return database_end(&rules->database, status, fault);
}
