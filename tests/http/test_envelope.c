#include "http/envelope.h"

#include "codec/codec.h"
#include "test.h"

#include <string.h>

static void check(const struct envelope *envelope, const char *made, size_t n, enum status status,
                  const char *message)
{
    struct arena arena;
    struct text text;
    struct fault fault;
    fault_fill(&fault, status, NULL, "%s", message);
    arena_init(&arena, 1 << 16);
    text_init(&text, &arena, 64);
    envelope->put(&text, &fault);
    ck_assert(!text.failed);
    ck_assert_uint_eq(text.n, n);
    ck_assert_int_eq(memcmp(text.p, made, n), 0);
    arena_done(&arena);
}

TEST(errors_that_are_made_already_are_as_the_envelope_writes_them)
{
    for (size_t k = 0; k < ENVELOPE_COUNT; k++) {
        const struct envelope *envelope = &envelopes[k];
        check(envelope, envelope->out_of_memory, envelope->n_out_of_memory, STATUS_NO_MEMORY,
              "no memory for the reply");
        check(envelope, envelope->overloaded, envelope->n_overloaded, STATUS_OVERLOADED,
              "there is more to do than can be done in time; try again");
    }
}
