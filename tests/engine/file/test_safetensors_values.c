/* The number formats of safetensors: what becomes a float, bit for bit, and what is refused. */
#include "engine/file/safetensors_values.h"
#include "engine/fixture.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void expect_values(const char *dtype, const void *bytes, size_t n_bytes,
                          const float *expected, size_t n)
{
    float got[32];
    struct gru_error error;
    struct fixture f = fixture_new();
    fixture_raw_tensor(&f, "a", dtype, n, 0, bytes, n_bytes);
    struct file file = fixture_file(&f);
    struct safetensors table;
    ck_assert_int_eq(gru_safetensors_read(file.bytes, file.n, &table, &error), GRU_OK);
    ck_assert_int_eq(gru_tensor_values(&table.tensors[0], got, &error), GRU_OK);
    ck_assert_mem_eq(got, expected, n * sizeof *got);
    gru_safetensors_done(&table);
    free(file.bytes);
}

TEST(f16_values_are_exact)
{
    static const unsigned char bytes[] = { 0x00, 0x3C, 0x00, 0xC0, 0xFF, 0x7B, 0x00,
                                           0x04, 0x01, 0x00, 0xFF, 0x03, 0x55, 0x35,
                                           0x00, 0x00, 0x00, 0x80, 0x01, 0x80 };
    static const float expected[] = { 1.0F,         -2.0F,       65504.0F, 0x1p-14F, 0x1p-24F,
                                      0x1.ff8p-15F, 0x1.554p-2F, 0.0F,     -0.0F,    -0x1p-24F };
    expect_values("F16", bytes, sizeof bytes, expected, 10);
}

TEST(bf16_values_are_exact)
{
    static const unsigned char bytes[] = { 0x80, 0x3F, 0x49, 0x40, 0x00,
                                           0xC0, 0x01, 0x00, 0x7F, 0x7F };
    static const float expected[] = { 1.0F, 3.140625F, -2.0F, 0x1p-133F, 0x1.fep127F };
    expect_values("BF16", bytes, sizeof bytes, expected, 5);
}

TEST(f64_values_are_rounded_to_nearest)
{
    static const double values[] = { 0.1, -1e-300, 3.4028234663852886e38, 16777217.0, 1e-45 };
    static const float expected[] = { 0.1F, -0.0F, 3.4028235e38F, 16777216.0F, 0x1p-149F };
    expect_values("F64", values, sizeof values, expected, 5);
}

TEST(f32_values_keep_their_bits_at_any_alignment)
{
    static const float values[] = { 0.1F, -0.0F, 0x1p-149F, 3.4028235e38F };
    expect_values("F32", values, sizeof values, values, 4);
}

static void expect_not_finite(const char *dtype, const void *value, size_t n_bytes)
{
    unsigned char bytes[6 * 8] = { 0 };
    struct fixture f = fixture_small();
    fixture_remove(&f, "fc.weight");
    fixture_remove(&f, "fc.bias");
    memcpy(bytes + 5 * n_bytes, value, n_bytes);
    fixture_raw_tensor(&f, "fc.weight", dtype, 1, 4, bytes, 4 * n_bytes);
    gru_model_unref(expect_loaded(fixture_file(&f)));

    f = fixture_new();
    fixture_layer(&f, "gru.", 0, 3, 2, 3);
    fixture_raw_tensor(&f, "fc.weight", dtype, 2, 3, bytes, 6 * n_bytes);
    expect_refused(fixture_file(&f), GRU_BAD_TENSORS, "fc.weight",
                   "at [1, 2] of tensor 'fc.weight'");
    f = fixture_new();
    fixture_layer(&f, "gru.", 0, 3, 2, 3);
    fixture_tensor(&f, "fc.weight", 6, 3);
    fixture_raw_tensor(&f, "fc.bias", dtype, 6, 0, bytes, 6 * n_bytes);
    expect_refused(fixture_file(&f), GRU_BAD_TENSORS, "fc.bias", "at [5] of tensor 'fc.bias'");
}

TEST(non_finite_weights_are_refused)
{
    static const float floats[] = { NAN, INFINITY, -INFINITY };
    static const double doubles[] = { NAN, INFINITY, 3.5e38, -1e300 };
    for (int k = 0; k < 3; k++) {
        expect_not_finite("F32", &floats[k], 4);
    }
    for (int k = 0; k < 4; k++) {
        expect_not_finite("F64", &doubles[k], 8);
    }
    expect_not_finite("F16", (const unsigned char[]){ 0x00, 0x7C }, 2);
    expect_not_finite("F16", (const unsigned char[]){ 0x01, 0xFC }, 2);
    expect_not_finite("BF16", (const unsigned char[]){ 0x80, 0x7F }, 2);
    expect_not_finite("BF16", (const unsigned char[]){ 0xC0, 0xFF }, 2);
}
