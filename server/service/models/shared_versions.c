#include "service/models/shared_versions.h"

#include "cluster/cluster_library.h"
#include "cluster/cluster_trouble.h"
#include "service/cluster/engine.h"
#include "service/models/version_bytes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    KEY_MAX = MODEL_NAME_MAX + 48,
    PIECE_BYTES = 1 << 20,
    UPLOAD_IS_KEPT_MS = 60000,
    FILE_BYTES_MAX = 1 << 30 /* as large as a request's body may be */
};

static const char catalogue_key[] = "m";

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, NULL, "no memory for the models of the cluster");
}

/* "m:NAME", and behind it ":NUMBER". */
static void put_model_key(struct engine *engine, const char *name)
{
    char key[KEY_MAX];
    snprintf(key, sizeof key, "m:%s", name);
    engine_put_key(engine, key);
}

static void put_file_key(struct engine *engine, const char *name, unsigned number)
{
    char key[KEY_MAX];
    snprintf(key, sizeof key, "m:%s:%u", name, number);
    engine_put_key(engine, key);
}

static void put_name(struct engine *engine, const char *name)
{
    engine_put_text(engine, name, strlen(name));
}

/* Before calls, each of which begins with the epoch that the engine has. */
static enum status wait_for(struct engine *engine, struct fault *fault)
{
    return engine_wait(engine, fault) == STATUS_OK ? STATUS_OK : engine_check(engine, fault);
}

/* The reply of a call, which has to be of that type. */
static enum status call(struct engine *engine, enum cluster_reply_type type,
                        const struct cluster_reply **ret_reply, struct fault *fault)
{
    enum status status = engine_call(engine, ret_reply, fault);
    return status == STATUS_OK && (*ret_reply)->type != type ? engine_refuse(*ret_reply, fault)
                                                             : status;
}

/* The same of a change, which counts as a write: its reply is a number. */
static enum status call_change(struct engine *engine, int64_t *ret_number, struct fault *fault)
{
    const struct cluster_reply *reply;
    enum status status = engine_call_one(engine, &reply, fault);
    if (status == STATUS_OK && reply->type != CLUSTER_NUMBER) {
        return engine_refuse(reply, fault);
    }
    if (status == STATUS_OK) {
        *ret_number = reply->number;
    }
    return status;
}

/* ---- what has changed ---- */

static enum status take_names(const struct cluster_reply *reply, struct shared_changes *changes,
                              struct fault *fault)
{
    changes->names = calloc(reply->n, sizeof *changes->names);
    if (!changes->names) {
        return no_memory(fault);
    }
    for (size_t k = 1; k < reply->n; k++) {
        const struct cluster_text name = reply->list[k].text;
        if (reply->list[k].type == CLUSTER_TEXT && model_name_is_valid(name.bytes, name.n)) {
            memcpy(changes->names[changes->n++], name.bytes, name.n);
        }
    }
    return STATUS_OK;
}

enum status shared_changes_read(struct engine *engine, int64_t since,
                                struct shared_changes *ret_changes, struct fault *fault)
{
    struct shared_changes changes = { .n = 0 };
    const struct cluster_reply *reply;
    enum status status = wait_for(engine, fault);
    if (status == STATUS_OK) {
        engine_begin(engine, CLUSTER_MODELS_CHANGED);
        engine_put_key(engine, catalogue_key);
        engine_put_number(engine, since);
        status = call(engine, CLUSTER_LIST, &reply, fault);
    }
    if (status == STATUS_OK && (reply->n == 0 || reply->list[0].type != CLUSTER_NUMBER)) {
        status = engine_refuse(reply, fault);
    }
    if (status == STATUS_OK) {
        changes.at = reply->list[0].number;
        status = reply->n > 1 ? take_names(reply, &changes, fault) : STATUS_OK;
    }
    if (status == STATUS_OK) {
        *ret_changes = changes;
    }
    return status;
}

void shared_changes_done(struct shared_changes *changes)
{
    free(changes->names);
    *changes = (struct shared_changes){ .n = 0 };
}

/* ---- a model ---- */

/* 0: it is no number of a version. */
static unsigned read_number(struct cluster_text text)
{
    enum { DIGITS_MAX = 10 };
    if (text.n == 0 || text.n > DIGITS_MAX || text.bytes[0] == '0' ||
        strspn(text.bytes, "0123456789") != text.n) {
        return 0;
    }
    const unsigned long long number = strtoull(text.bytes, NULL, 10);
    return number <= UINT32_MAX ? (unsigned)number : 0;
}

static int by_number(const void *a, const void *b)
{
    const struct version_entry *left = a, *right = b;
    return (left->number > right->number) - (left->number < right->number);
}

static void take_field(struct shared_model *model, struct cluster_text field,
                       struct cluster_text value)
{
    const unsigned number = read_number(field);
    if (strcmp(field.bytes, "active") == 0) {
        model->active = read_number(value);
    } else if (strcmp(field.bytes, "newest") == 0) {
        model->newest = read_number(value);
    } else if (number > 0) {
        struct version_entry *entry = &model->versions[model->n++];
        entry->number = number;
        version_entry_read(value.bytes, value.n, entry);
    }
}

enum status shared_model_read(struct engine *engine, const char *name,
                              struct shared_model *ret_model, struct fault *fault)
{
    struct shared_model model = { .n = 0 };
    const struct cluster_reply *reply;
    enum status status = wait_for(engine, fault);
    if (status == STATUS_OK) {
        engine_begin(engine, CLUSTER_MODEL_READ);
        put_model_key(engine, name);
        status = call(engine, CLUSTER_LIST, &reply, fault);
    }
    if (status == STATUS_OK && reply->n > 1) {
        model.versions = calloc(reply->n / 2, sizeof *model.versions);
        status = model.versions ? STATUS_OK : no_memory(fault);
    }
    for (size_t k = 0; status == STATUS_OK && k + 1 < reply->n; k += 2) {
        if (reply->list[k].type == CLUSTER_TEXT && reply->list[k + 1].type == CLUSTER_TEXT) {
            take_field(&model, reply->list[k].text, reply->list[k + 1].text);
        }
    }
    if (status == STATUS_OK) {
        if (model.n > 0) {
            qsort(model.versions, model.n, sizeof *model.versions, by_number);
        }
        *ret_model = model;
    }
    return status;
}

void shared_model_done(struct shared_model *model)
{
    free(model->versions);
    *model = (struct shared_model){ .n = 0 };
}

const struct version_entry *shared_model_find(const struct shared_model *model, unsigned number)
{
    const struct version_entry wanted = { .number = number };
    return model->n > 0 ? bsearch(&wanted, model->versions, model->n, sizeof wanted, by_number)
                        : NULL;
}

/* ---- a file ---- */

static enum status refuse_file(const struct version_entry *entry, const char *why,
                               struct fault *fault)
{
    return fault_set(fault, STATUS_INVALID_MODEL, NULL,
                     "what the cluster's engine has of version %u is damaged: %s", entry->number,
                     why);
}

static enum status read_piece(struct engine *engine, const char *name,
                              const struct version_entry *entry, size_t from, char *out,
                              struct fault *fault)
{
    const size_t n = entry->n_file - from < PIECE_BYTES ? entry->n_file - from : PIECE_BYTES;
    const struct cluster_reply *reply = NULL;
    engine_begin(engine, CLUSTER_MODEL_FILE);
    put_file_key(engine, name, entry->number);
    engine_put_number(engine, (int64_t)from);
    engine_put_number(engine, (int64_t)n);
    enum status status = call(engine, CLUSTER_TEXT, &reply, fault);
    if (reply && cluster_reply_trouble(reply) == CLUSTER_IS_KEY_TYPE) {
        status = refuse_file(entry, "its key is of another type", fault);
    }
    if (status == STATUS_OK && reply->text.n != n) {
        status = refuse_file(entry, "its file is cut", fault);
    }
    if (status == STATUS_OK) {
        memcpy(out, reply->text.bytes, n);
    }
    return status;
}

enum status shared_version_read(struct engine *engine, const char *name,
                                const struct version_entry *entry, struct version_bytes **ret_bytes,
                                struct fault *fault)
{
    if (entry->is_damaged || entry->n_file == 0 || entry->n_file > FILE_BYTES_MAX) {
        return refuse_file(entry, "its entry is none", fault);
    }
    struct version_bytes *bytes = version_bytes_create(entry->n_file);
    enum status status = bytes ? STATUS_OK : no_memory(fault);
    for (size_t at = 0; status == STATUS_OK && at < entry->n_file; at += PIECE_BYTES) {
        status = read_piece(engine, name, entry, at, bytes->bytes + at, fault);
    }
    if (status == STATUS_OK && !digest_equals(digest_128(bytes->bytes, bytes->n), entry->digest)) {
        status = refuse_file(entry, "its file has another digest", fault);
    }
    if (status != STATUS_OK) {
        version_bytes_unref(bytes);
        return status;
    }
    *ret_bytes = bytes;
    return STATUS_OK;
}

/* ---- a new version ---- */

/* "m:NAME:up:" and what nobody else draws. */
static enum status name_upload(const char *name, char key[KEY_MAX], struct fault *fault)
{
    uint64_t drawn[2];
    if (getrandom(drawn, sizeof drawn, 0) != sizeof drawn) {
        return fault_set(fault, STATUS_INTERNAL, NULL, "the system gives no random numbers");
    }
    snprintf(key, KEY_MAX, "m:%s:up:%016" PRIx64 "%016" PRIx64, name, drawn[0], drawn[1]);
    return STATUS_OK;
}

static enum status refuse_cut(struct fault *fault)
{
    return fault_set(fault, STATUS_STORAGE_FAILED, NULL,
                     "the cluster's engine has lost what it was sent of the file: send it again");
}

static enum status upload(struct engine *engine, const char *key, const struct shared_put *put,
                          struct fault *fault)
{
    const size_t n_file = put->entry.n_file;
    enum status status = STATUS_OK;
    for (size_t at = 0, n; status == STATUS_OK && at < n_file; at += n) {
        const struct cluster_reply *reply;
        n = n_file - at < PIECE_BYTES ? n_file - at : PIECE_BYTES;
        engine_begin(engine, CLUSTER_MODEL_UPLOAD);
        engine_put_key(engine, key);
        engine_put_number(engine, (int64_t)at);
        engine_put_text(engine, (const char *)put->bytes + at, n);
        engine_put_number(engine, UPLOAD_IS_KEPT_MS);
        status = call(engine, CLUSTER_NUMBER, &reply, fault);
        if (status == STATUS_OK && reply->number != 1) {
            status = refuse_cut(fault);
        }
    }
    return status;
}

enum status shared_version_put(struct engine *engine, const char *name,
                               const struct shared_put *put, unsigned *ret_number,
                               struct fault *fault)
{
    char key[KEY_MAX], entry[VERSION_ENTRY_MAX];
    int64_t number = 0;
    enum status status = wait_for(engine, fault);
    if (status == STATUS_OK) {
        status = name_upload(name, key, fault);
    }
    if (status == STATUS_OK) {
        status = upload(engine, key, put, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    engine_begin(engine, CLUSTER_MODEL_PUT);
    engine_put_key(engine, catalogue_key);
    put_model_key(engine, name);
    engine_put_key(engine, key);
    put_name(engine, name);
    engine_put_number(engine, put->entry.number);
    engine_put_number(engine, (int64_t)put->entry.n_file);
    engine_put_number(engine, put->same);
    engine_put_text(engine, entry, version_entry_print(&put->entry, entry));
    status = call_change(engine, &number, fault);
    if (status == STATUS_OK && (number <= 0 || number > UINT32_MAX)) {
        status = refuse_cut(fault);
    }
    if (status == STATUS_OK) {
        *ret_number = (unsigned)number;
    }
    return status;
}

/* ---- changes of versions that are there ---- */

static enum status refuse_absent(const char *name, unsigned number, struct fault *fault)
{
    return fault_set(fault, STATUS_VERSION_NOT_FOUND, "version",
                     "model '%s' has no version %u in the cluster", name, number);
}

/* only_from NULL: there is no such argument. */
static enum status change(struct engine *engine, const char *function, const char *name,
                          unsigned number, const unsigned *only_from, int64_t *ret_reply,
                          struct fault *fault)
{
    enum status status = wait_for(engine, fault);
    if (status == STATUS_OK) {
        engine_begin(engine, function);
        engine_put_key(engine, catalogue_key);
        put_model_key(engine, name);
        put_name(engine, name);
        engine_put_number(engine, number);
        if (only_from) {
            engine_put_number(engine, *only_from);
        }
        status = call_change(engine, ret_reply, fault);
    }
    return status;
}

enum status shared_version_activate(struct engine *engine, const char *name, unsigned number,
                                    unsigned only_from, unsigned *ret_from, struct fault *fault)
{
    int64_t from = 0;
    enum status status =
        change(engine, CLUSTER_MODEL_ACTIVATE, name, number, &only_from, &from, fault);
    if (status == STATUS_OK && from < 0) {
        status = refuse_absent(name, number, fault);
    }
    if (status == STATUS_OK) {
        *ret_from = (unsigned)from;
    }
    return status;
}

enum status shared_version_delete(struct engine *engine, const char *name, unsigned number,
                                  struct fault *fault)
{
    int64_t deleted = 0;
    enum status status = change(engine, CLUSTER_MODEL_DELETE, name, number, NULL, &deleted, fault);
    if (status == STATUS_OK && deleted < 0) {
        status = fault_set(fault, STATUS_VERSION_ACTIVE, "version",
                           "version %u of model '%s' is active; activate another one first", number,
                           name);
    }
    return status == STATUS_OK && deleted == 0 ? refuse_absent(name, number, fault) : status;
}
