#include "engine/file/described.h"
#include "engine/file/metadata.h"
#include "test.h"

#include <stdlib.h>

struct file described_file(const char *grud)
{
    struct fixture f = fixture_small();
    f.grud = grud;
    return fixture_file(&f);
}

struct gru_model *described_good(const char *grud)
{
    return expect_loaded(described_file(grud));
}

void described_bad(const char *grud, const char *param, const char *part)
{
    expect_refused(described_file(grud), GRU_BAD_METADATA, param, part);
}

char *described_text(const struct gru_model *model)
{
    struct file_text text = { 0 };
    gru_metadata_write(model, &text);
    gru_text_put(&text, "", 1);
    ck_assert(!text.failed);
    return text.p;
}

void described_again(const struct gru_model *model)
{
    char *text = described_text(model);
    struct gru_model *again = described_good(text);
    expect_same(model, again);
    gru_model_unref(again);
    free(text);
}

void described_written(const char *grud, const char *canonical)
{
    struct gru_model *model = described_good(grud);
    char *text = described_text(model);
    ck_assert_str_eq(text, canonical);
    free(text);
    described_again(model);
    gru_model_unref(model);
}
