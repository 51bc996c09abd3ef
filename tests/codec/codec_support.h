/* codec_support.h - models without a service, and what most tests of the codec look at. */
#ifndef CODEC_SUPPORT_H
#define CODEC_SUPPORT_H

#include "codec/codec.h"
#include "service/pool/pool.h"
#include "test.h"

enum { ARENA_BYTES = 64 << 20, HORIZON_MAX = 100, DEPTH_MAX = 32, ROWS_MAX = 100000 };

/* A model of one or two versions, and the memory of one request. */
struct setup {
    struct pool pool; /* with a number of sessions, and nothing else */
    struct arena arena;
    struct version versions[2];
    struct model model;
    struct codec_limits limits;
    struct fault fault;
    struct text text;
};

extern const struct codec_limits usual_limits;

/* What a decoder takes. */
#define INPUT(body, n_body, its_limits, its_arena, its_fault)                                      \
    (&(const struct codec_input){ .json = (body),                                                  \
                                  .n = (n_body),                                                   \
                                  .limits = (its_limits),                                          \
                                  .arena = (its_arena),                                            \
                                  .fault = (its_fault) })

/* A model in `setup` named weather, version 3; takes over `gru`. */
void setup_init(struct setup *setup, struct gru_model *gru);
/* A second version, 4, which is not active; takes over `gru`. */
void setup_add_version(struct setup *setup, struct gru_model *gru);
void setup_done(struct setup *setup);

/* temp, humidity -> temp: humidity must be known ahead. */
struct gru_model *model_weather(void);
/* temp -> temp: rolls out on its own. */
struct gru_model *model_closed(void);
/* temp, humidity -> class: cannot look ahead. */
struct gru_model *model_classes(void);
/* N_WIDE inputs and outputs of the longest names, each byte of which takes 6: \u0001. */
enum { N_WIDE = 40 };
struct gru_model *model_wide(void);
/* One layer of 2 units with all weights 0; n_head rows of the read-out; metadata as in
 * docs/MODELS.md. */
struct gru_model *model_described(size_t n_inputs, size_t n_head, const char *metadata);

/* The text so far, NUL-terminated; begins it anew. */
const char *setup_text(struct setup *setup);

/* Puts something into the smallest text that it does not have to grow, so that ASan sees it go
 * beyond what it has reserved. Returns the bytes reserved. */
size_t setup_put_tightly(struct setup *setup, void (*put)(struct text *text, const void *what),
                         const void *what);

/* A body, and how it is refused. */
struct refusal {
    const char *body;
    enum status status;
    const char *param;
};
#define ASSERT_REFUSED(got, fault, refusal)                                                        \
    do {                                                                                           \
        ck_assert_msg((got) == (refusal)->status && (fault)->status == (refusal)->status &&        \
                          strcmp((fault)->param, (refusal)->param) == 0,                           \
                      "%s: expected %s at '%s', got %s at '%s' (%s)", (refusal)->body,             \
                      status_code((refusal)->status), (refusal)->param, status_code(got),          \
                      (fault)->param, (got) == STATUS_OK ? "" : (fault)->message);                 \
    } while (0)

#define N_OF(array) (sizeof(array) / sizeof *(array))

#endif
