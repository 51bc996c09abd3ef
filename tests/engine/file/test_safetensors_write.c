/* Files that are written: aligned, and read back as they were. */
#include "engine/file/safetensors.h"
#include "engine/fixture.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

static void expect_reads_back(const char *metadata, const char *residuals)
{
    static const float values[] = { 1.5F, -0.0F, 0x1p-149F };
    static const unsigned char bits[] = { 0, 0, 0xC0, 0x3F, 0, 0, 0, 0x80, 1, 0, 0, 0 };
    const struct tensor_out tensors[] = { { "b", 2, 0, values + 1 }, { "w", 1, 3, values } };
    void *bytes = NULL;
    struct file file = { .n = 0 };
    const struct metadata_out out[METADATA_OUT_MAX] = {
        { "grud", metadata, metadata ? strlen(metadata) : 0 },
        { "grud_residuals", residuals, residuals ? strlen(residuals) : 0 },
    };
    enum gru_status status = gru_safetensors_write(tensors, 2, out, &bytes, &file.n);
    ck_assert(status == GRU_OK && bytes != NULL);
    file.bytes = bytes;
    ck_assert_int_eq(file.bytes[0] % 8, 0);
    struct safetensors table;
    ck_assert_int_eq(gru_safetensors_read(file.bytes, file.n, &table, NULL), GRU_OK);
    ck_assert(table.n_tensors == 2 && strcmp(table.tensors[1].name, "w") == 0);
    ck_assert(table.tensors[0].n_dims == 1 && table.tensors[1].n_dims == 2);
    ck_assert_mem_eq(file.bytes + file.n - sizeof bits, bits, sizeof bits);
    ck_assert(metadata ? strcmp(table.grud, metadata) == 0 : table.grud == NULL);
    ck_assert(residuals ? strcmp(table.residuals, residuals) == 0 : table.residuals == NULL);
    ck_assert_str_eq(table.unread, "");
    gru_safetensors_done(&table);
    free(bytes);
}

TEST(written_file_is_aligned_and_reads_back)
{
    expect_reads_back(NULL, NULL);
    expect_reads_back("{}", NULL);
    expect_reads_back(NULL, "{}");
    expect_reads_back("{\"a\":\"\\\"\xc3\xa4\n\"}", "\"");
}
