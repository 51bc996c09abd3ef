/*
 * calibration_fields.h - the calibration of a session's prediction intervals (docs/INTERVALS.md, "A
 * calibration as text"): what GET writes and PUT reads again. Private to the codec.
 */
#ifndef CALIBRATION_FIELDS_H
#define CALIBRATION_FIELDS_H

#include "codec/reader.h"

/* At most how many bytes; and they, or null. */
size_t calibration_fields_max(const struct gru_info *info,
                              const struct session_calibration *calibration);
char *calibration_fields_put(char *p, const struct gru_info *info,
                             const struct session_calibration *calibration);
/* What GET gave, or null: a calibration without levels. Its digest is left to the caller. */
enum status calibration_fields_read(struct reader *r, const struct gru_info *info,
                                    struct session_calibration **ret_calibration);

#endif
