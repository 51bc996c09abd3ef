/* described.h - models with a description of their own (metadata), for tests of what one may say
 * and of how it is written again. */
#ifndef DESCRIBED_H
#define DESCRIBED_H

#include "engine/fixture.h"

/* fixture_small (2 inputs, 2 outputs) with this description. */
struct file described_file(const char *grud);
struct gru_model *described_good(const char *grud);
/* That it is refused as bad metadata with this parameter and a message that holds `part`. */
void described_bad(const char *grud, const char *param, const char *part);

/* The description that a model is saved with; "" if none. The caller frees it. */
char *described_text(const struct gru_model *model);
/* That what a model is saved with comes back as the same model. */
void described_again(const struct gru_model *model);
/* That a description is kept as `canonical`, and that this comes back as the same model. */
void described_written(const char *grud, const char *canonical);

#endif
