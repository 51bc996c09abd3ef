/* See metadata_words.h. */
#include "engine/file/metadata_words.h"
#include "engine/fail.h"
#include "engine/layer_kind.h"

#include <string.h>

enum { GATE_ORDERS_MAX = 16 };

#define WORD(id, word) (word),

enum gru_status gru_field_reset(struct fields *r, const char *path, enum gru_reset *ret_reset)
{
    static const char *const names[] = { GRU_RESETS(WORD, WORD) };
    int choice;
    enum gru_status status = gru_field_choice(r, path, names, GRU_N_RESETS, &choice);
    if (status == GRU_OK) {
        *ret_reset = (enum gru_reset)choice;
    }
    return status;
}

enum gru_status gru_field_activation(struct fields *r, const char *path,
                                     enum gru_activation *ret_activation)
{
    static const char *const names[] = { GRU_ACTIVATIONS(WORD, WORD) };
    struct json ahead = r->j;
    struct json_text text;
    int choice;
    if (json_peek(&ahead) == JSON_STRING && json_string(&ahead, &text) &&
        json_text_is(text, "hard_sigmoid")) {
        return gru_fail(r->error, GRU_BAD_METADATA, path,
                        "'%s' is 'hard_sigmoid', which is not taken: Keras' is (x + 3) / 6, that "
                        "of older ones 0.2 x + 0.5; train with 'sigmoid'",
                        path);
    }
    enum gru_status status = gru_field_choice(r, path, names, GRU_N_ACTIVATIONS, &choice);
    if (status == GRU_OK) {
        *ret_activation = (enum gru_activation)choice;
    }
    return status;
}

/* Of all kinds, each word once. Whether a layer has it is known when all its keys are read. */
static int list_gate_orders(const char *names[GATE_ORDERS_MAX])
{
    int n = 0;
    for (int kind = 0; kind < GRU_N_LAYER_KINDS; kind++) {
        const struct layer_kind *row = gru_layer_kind_row((enum gru_layer_kind)kind);
        for (size_t k = 0; k < row->n_gate_orders; k++) {
            int same = 0;
            while (same < n && strcmp(names[same], row->gate_orders[k].name) != 0) {
                same++;
            }
            if (same == n && n < GATE_ORDERS_MAX) {
                names[n++] = row->gate_orders[k].name;
            }
        }
    }
    return n;
}

enum gru_status gru_field_gate_order(struct fields *r, const char *path, const char **ret_order)
{
    const char *names[GATE_ORDERS_MAX];
    int choice, n = list_gate_orders(names);
    enum gru_status status = gru_field_choice(r, path, names, n, &choice);
    if (status == GRU_OK) {
        *ret_order = names[choice];
    }
    return status;
}

enum gru_status gru_field_update(struct fields *r, const char *path, bool *ret_takes)
{
    static const char *const names[] = { "keep", "take" };
    int choice;
    enum gru_status status = gru_field_choice(r, path, names, 2, &choice);
    if (status == GRU_OK) {
        *ret_takes = choice == 1;
    }
    return status;
}
