/* The container: each check of the reference reader, and mutations of a whole file. */
#include "engine/file/safetensors.h"
#include "engine/fixture.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A header of one tensor, in printf's form. */
#define ONE(shape, begin, end)                                                                     \
    "{\"a\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}}"
#define TENSOR(name, begin, end)                                                                   \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[" #begin "," #end "]}"

static void bad(const char *header, size_t n_data, const char *param, const char *part)
{
    expect_refused(file_of(header, n_data), GRU_BAD_FILE, param, part);
}

/* The file of one header as a table; the caller frees both. */
static struct safetensors table_of(struct file file)
{
    struct safetensors table;
    struct gru_error error = { 0 };
    enum gru_status status = gru_safetensors_read(file.bytes, file.n, &table, &error);
    ck_assert_msg(status == GRU_OK, "%s", error.message);
    return table;
}

/* ---- the header's length ---- */

TEST(file_shorter_than_its_prefix_is_refused)
{
    for (size_t n = 0; n < 8; n++) {
        struct file file = file_of("{}", 0);
        file.n = n;
        expect_refused(file, GRU_BAD_FILE, "", "too few for the 8 bytes");
    }
}

static struct file with_length(unsigned long long length)
{
    struct file file = file_of("{}", 0);
    for (int k = 0; k < 8; k++) {
        file.bytes[k] = (unsigned char)(length >> (8 * k));
    }
    return file;
}

TEST(header_length_beyond_the_file_is_refused)
{
    expect_refused(with_length(3), GRU_BAD_FILE, "", "more than the 2 bytes that follow");
    expect_refused(with_length(100000000), GRU_BAD_FILE, "", "more than the 2 bytes that follow");
}

TEST(header_length_beyond_the_limit_is_refused)
{
    expect_refused(with_length(100000001), GRU_BAD_FILE, "", "limit of 100000000 bytes");
    expect_refused(with_length(~0ULL), GRU_BAD_FILE, "", "limit of 100000000 bytes");
    expect_refused(with_length(~0ULL - 7), GRU_BAD_FILE, "", "limit of 100000000 bytes");
}

TEST(header_must_start_with_a_brace)
{
    expect_refused(with_length(0), GRU_BAD_FILE, "", "does not start with '{'");
    bad(" {}", 0, "", "does not start with '{'");
    bad("[]", 0, "", "does not start with '{'");
}

TEST(header_must_be_strict_json)
{
    bad("{", 0, "", "cannot be read");
    bad("{} x", 0, "", "cannot be read");
    bad("{\"a\"}", 0, "", "cannot be read");
    bad("{\"a\":1}", 0, "", "expected an object");
    bad("{\"\xff\":{}}", 0, "", "UTF-8");
    bad("{\"a\":{\"dtype\":\"F32\",\"shape\":[1 2],\"data_offsets\":[0,4]}}", 4, "",
        "cannot be read");
    bad("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],}}", 4, "",
        "cannot be read");
    bad("{\"a\":{\"dtype\":\"F32\",\"shape\":[01],\"data_offsets\":[0,4]}}", 4, "",
        "cannot be read");
}

TEST(header_may_be_padded_with_spaces)
{
    struct file file = file_of("{" TENSOR("a", 0, 4) "}   ", 4);
    struct safetensors table = table_of(file);
    ck_assert_uint_eq(table.n_tensors, 1);
    gru_safetensors_done(&table);
    free(file.bytes);
}

/* ---- names ---- */

TEST(duplicate_tensor_is_refused)
{
    bad("{" TENSOR("a", 0, 4) "," TENSOR("b", 4, 8) "," TENSOR("a", 8, 12) "}", 12, "a",
        "two tensors named 'a'");
}

TEST(tensors_that_are_duplicates_only_unescaped_are_refused)
{
    bad("{" TENSOR("a", 0, 4) "," TENSOR("\\u0061", 4, 8) "}", 8, "a", "two tensors named 'a'");
}

TEST(name_with_a_nul_is_refused)
{
    bad("{" TENSOR("a\\u0000b", 0, 4) "}", 4, "a\\u0000b", "NUL");
}

TEST(two_hundred_thousand_names_are_checked_in_time)
{
    enum { N = 200000 };
    char *header = malloc((size_t)N * 80);
    ck_assert_ptr_nonnull(header);
    char *p = header;
    for (int k = 0; k < N; k++) {
        p += sprintf(p, "%c\"t%06d\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}",
                     k > 0 ? ',' : '{', k == N - 1 ? 0 : N - k);
    }
    sprintf(p, ",\"t000000\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}");
    bad(header, 0, "t000000", "two tensors named");
    free(header);
}

TEST(long_names_are_cut_between_characters_in_messages)
{
    char header[700];
    char *p = header + sprintf(header, "{\"");
    for (int k = 0; k < 100; k++) {
        p += sprintf(p, "\xe2\x82\xac"); /* a euro sign */
    }
    sprintf(p, "\":{}}");
    struct file file = file_of(header, 0);
    struct gru_model *model;
    struct gru_error error;
    ck_assert_int_eq(gru_model_load(file.bytes, file.n, &model, &error), GRU_BAD_FILE);
    ck_assert_uint_eq(strlen(error.param), 20 * 3 + 3);
    ck_assert_str_eq(error.param + 20 * 3, "...");
    free(file.bytes);
}

TEST(control_characters_do_not_reach_messages)
{
    bad("{\"a\\u001b[2J\":{}}", 0, "a?[2J", "'a?[2J'");
}

/* ---- a tensor's fields ---- */

TEST(missing_field_is_refused)
{
    bad("{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "a", "has no 'dtype'");
    bad("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "a", "has no 'shape'");
    bad("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "a", "has no 'data_offsets'");
}

TEST(unknown_field_is_refused)
{
    bad("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}", 4, "a",
        "unknown field 'x'");
}

TEST(duplicate_field_is_refused)
{
    bad("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
        "a", "'dtype' twice");
}

TEST(field_of_the_wrong_type_is_refused)
{
    bad("{\"a\":{\"dtype\":1}}", 4, "a", "'dtype' of tensor 'a' must be a string, not a number");
    bad("{\"a\":{\"shape\":1}}", 4, "a", "'shape' of tensor 'a' must be an array, not a number");
    bad("{\"a\":{\"data_offsets\":{}}}", 4, "a", "'data_offsets' of tensor 'a' must be an array");
}

TEST(sizes_must_be_whole_numbers)
{
    bad(ONE("[-1]", 0, 4), 4, "a", "whole numbers");
    bad(ONE("[1.0]", 0, 4), 4, "a", "whole numbers");
    bad(ONE("[1e0]", 0, 4), 4, "a", "whole numbers");
    bad(ONE("[\"1\"]", 0, 4), 4, "a", "whole numbers");
    bad(ONE("[null]", 0, 4), 4, "a", "whole numbers");
    bad(ONE("[18446744073709551616]", 0, 4), 4, "a", "whole numbers");
    bad(ONE("[18446744073709551617]", 0, 4), 4, "a", "whole numbers");
    bad(ONE("[1]", -0, 4), 4, "a", "whole numbers");
}

TEST(offsets_must_be_two)
{
    bad("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, "a",
        "2 numbers, not 1");
    bad("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", 4, "a",
        "2 numbers, not 3");
}

TEST(other_dtypes_are_refused_by_name)
{
    static const struct {
        const char *name;
        int n_bytes;
    } dtypes[] = { { "I64", 8 }, { "I32", 4 },     { "U8", 1 },  { "BOOL", 1 }, { "U64", 8 },
                   { "I16", 2 }, { "F8_E4M3", 1 }, { "f32", 4 }, { "", 8 } };
    for (size_t k = 0; k < sizeof dtypes / sizeof *dtypes; k++) {
        char header[200];
        char part[100];
        snprintf(header, sizeof header,
                 "{\"fc.steps\":{\"dtype\":\"%s\",\"shape\":[],\"data_offsets\":[0,%d]}}",
                 dtypes[k].name, dtypes[k].n_bytes);
        snprintf(part, sizeof part, "tensor 'fc.steps' has dtype %s, but only", dtypes[k].name);
        expect_refused(file_of(header, (size_t)dtypes[k].n_bytes), GRU_BAD_TENSORS, "fc.steps",
                       part);
    }
}

/* ---- the layout ---- */

TEST(offsets_beyond_the_file_are_refused)
{
    bad(ONE("[2]", 0, 8), 4, "a", "claims the bytes 0 to 8 of 4");
    bad(ONE("[0]", 18446744073709551615, 18446744073709551615), 4, "a", "claims the bytes");
}

TEST(offsets_that_run_backwards_are_refused)
{
    bad(ONE("[1]", 4, 0), 4, "a", "claims the bytes 4 to 0");
}

TEST(shape_and_bytes_must_agree)
{
    bad(ONE("[2]", 0, 4), 4, "a", "2 values of dtype F32, but 4 bytes");
    bad(ONE("[]", 0, 0), 0, "a", "1 values of dtype F32, but 0 bytes");
}

TEST(shapes_that_overflow_are_refused)
{
    bad(ONE("[4294967296,4294967296]", 0, 0), 0, "a", "too large to count");
    bad(ONE("[4294967296,4294967296,0]", 0, 0), 0, "a", "too large to count");
    bad(ONE("[4611686018427387904]", 0, 0), 0, "a", "bytes of data"); /* x 4 bytes = 2^64 */
}

TEST(hole_is_refused)
{
    bad("{" TENSOR("a", 0, 4) "," TENSOR("b", 8, 12) "}", 12, "b", "there is a hole");
    bad(ONE("[1]", 4, 8), 8, "a", "there is a hole");
}

TEST(overlap_is_refused)
{
    bad("{" TENSOR("a", 0, 4) "," TENSOR("b", 0, 4) "}", 4, "b", "overlaps");
    bad("{" TENSOR("a", 0, 4) "," TENSOR("b", 2, 6) "}", 6, "b", "overlaps");
}

TEST(bytes_behind_the_last_tensor_are_refused)
{
    bad(ONE("[1]", 0, 4), 5, "", "end at byte 4 of the data, but the file holds 5");
    bad("{}", 1, "", "end at byte 0");
}

TEST(header_need_not_be_in_the_order_of_the_data)
{
    struct file file = file_of("{" TENSOR("b", 4, 8) "," TENSOR("a", 0, 4) "}", 8);
    struct safetensors table = table_of(file);
    ck_assert_uint_eq(table.n_tensors, 2);
    ck_assert_str_eq(table.tensors[0].name, "a");
    ck_assert_uint_eq(table.tensors[1].begin, 4);
    gru_safetensors_done(&table);
    free(file.bytes);
}

/* ---- __metadata__ ---- */

TEST(metadata_maps_strings_to_strings)
{
    bad("{\"__metadata__\":1}", 0, "", "expected an object");
    bad("{\"__metadata__\":null}", 0, "", "expected an object");
    bad("{\"__metadata__\":{\"format\":1}}", 0, "__metadata__", "'format' is a number");
    bad("{\"__metadata__\":{\"grud\":{}}}", 0, "__metadata__", "'grud' is an object");
}

TEST(duplicate_metadata_is_refused)
{
    bad("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "__metadata__", "twice");
    bad("{\"__metadata__\":{\"k\":\"1\",\"l\":\"\",\"\\u006b\":\"2\"}}", 0, "__metadata__",
        "key 'k' twice");
    bad("{\"__metadata__\":{\"grud\":\"{}\",\"grud\":\"{}\"}}", 0, "__metadata__",
        "key 'grud' twice");
}

TEST(metadata_with_a_nul_is_refused)
{
    expect_refused(file_of("{\"__metadata__\":{\"grud\":\"{}\\u0000\"}}", 0), GRU_BAD_METADATA,
                   "grud", "NUL");
}

TEST(other_metadata_is_let_be)
{
    struct file file = file_of(
        "{\"__metadata__\":{\"format\":\"pt\",\"grud\":\"{\\\"a\\\"}\",\"\":\"\\u0000\"}}", 0);
    struct safetensors table = table_of(file);
    ck_assert_str_eq(table.grud, "{\"a\"}");
    gru_safetensors_done(&table);
    free(file.bytes);
}

TEST(keys_beside_grud_are_named_and_mean_nothing)
{
    static const struct {
        const char *metadata, *unread;
    } files[] = {
        { "{}", "" },
        { "{\"format\":\"pt\"}", "" },
        { "{\"grud\":\"{}\",\"format\":\"pt\"}", "" },
        { "{\"inputs\":\"[]\"}", "inputs" },
        { "{\"format\":\"pt\",\"Grud\":\"{}\",\"missing\":\"mean\"}", "Grud, missing" },
        { "{\"grud\":\"{}\",\"gate_order\":\"zrh\"}", "gate_order" },
    };
    for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
        char header[200];
        snprintf(header, sizeof header, "{\"__metadata__\":%s}", files[k].metadata);
        struct file file = file_of(header, 0);
        struct safetensors table = table_of(file);
        ck_assert_str_eq(table.unread, files[k].unread);
        gru_safetensors_done(&table);
        free(file.bytes);
    }
}

/* ---- mutations: whatever the bytes, a clean answer ---- */

static const char *const mutated[] = { "tests/fixtures/golden/seed-sigmoid.safetensors",
                                       "tests/fixtures/golden/torch-nobias.safetensors" };

/* Loads a copy that ends where its allocation ends, so that a sanitizer sees the first byte too
 * far. */
static void load_cleanly(const unsigned char *bytes, size_t n)
{
    unsigned char *copy = malloc(n > 0 ? n : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, n);
    struct gru_model *model = NULL;
    struct gru_error error = { .message = "" };
    enum gru_status status = gru_model_load(copy, n, &model, &error);
    ck_assert_int_eq(status == GRU_OK, model != NULL);
    ck_assert(status == GRU_OK || error.message[0] != '\0');
    ck_assert_int_ne(status, GRU_NO_MEMORY);
    gru_model_unref(model);
    free(copy);
}

TEST(every_flipped_byte_of_a_header_loads_or_fails_cleanly)
{
    for (size_t k = 0; k < 2; k++) {
        struct file file = file_read(mutated[k]);
        size_t n_header = 8 + (size_t)file.bytes[0] + 256 * (size_t)file.bytes[1];
        for (size_t at = 0; at < n_header; at++) {
            for (int mask = 1; mask < 256; mask = mask < 128 ? mask * 2 : mask + 127) {
                file.bytes[at] ^= (unsigned char)mask;
                load_cleanly(file.bytes, file.n);
                file.bytes[at] ^= (unsigned char)mask;
            }
        }
        free(file.bytes);
    }
}

TEST(every_truncation_fails_cleanly)
{
    for (size_t k = 0; k < 2; k++) {
        struct file file = file_read(mutated[k]);
        for (size_t n = 0; n < file.n; n++) {
            load_cleanly(file.bytes, n);
            struct gru_model *model;
            ck_assert_int_eq(gru_model_load(file.bytes, n, &model, NULL), GRU_BAD_FILE);
        }
        free(file.bytes);
    }
}

TEST(every_removed_byte_of_a_header_loads_or_fails_cleanly)
{
    struct file file = file_read(mutated[0]);
    size_t n_header = (size_t)file.bytes[0] + 256 * (size_t)file.bytes[1];
    unsigned char *shorter = malloc(file.n);
    ck_assert_ptr_nonnull(shorter);
    for (size_t at = 8; at < 8 + n_header; at++) {
        memcpy(shorter, file.bytes, at);
        memcpy(shorter + at, file.bytes + at + 1, file.n - at - 1);
        shorter[0] = (unsigned char)((n_header - 1) & 0xFF);
        shorter[1] = (unsigned char)((n_header - 1) >> 8);
        load_cleanly(shorter, file.n - 1);
    }
    free(shorter);
    free(file.bytes);
}
