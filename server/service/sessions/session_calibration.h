/*
 * session_calibration.h - the prediction intervals of a session outside of its record, on their way
 * to a client or to another session: a tail whose bytes stand by themselves, with the levels and
 * the moment that they are of.
 *
 * What is restored goes on as it was, if it is of the moment and the version that the session is
 * restored to. Else what waits is dropped, since other readings come, and errors are rescaled as
 * from one version to another. Levels that are not offered here, and steps ahead that are too many,
 * are left out; where a level is missed, its factors begin from the nearest one's and counts begin
 * anew.
 *
 * Called by the holder of the claim. Takes no lock.
 */
#ifndef SESSION_CALIBRATION_H
#define SESSION_CALIBRATION_H

#include "base/arena.h"
#include "service/sessions/session_intervals.h"

enum { SESSION_CALIBRATION_HORIZONS_MAX = 24 }; /* as interval-horizon-max (config.h) */

struct session_calibration {
    struct interval_levels levels; /* n 0: the session has none */
    size_t n_horizons;
    uint32_t parts;       /* behind the tracker (scores/tail.h) */
    unsigned char *bytes; /* of a tail, aligned to 4 */
    uint64_t step;        /* of the session, when it was like this */
    uint64_t digest;      /* of the version that it is of: the low bits */
};

struct session_restore;

/* Formats of its text: the first, which had no means of widths and scores, and those of today, of
 * models whose values are not wide (gru.h) and of the others. */
enum session_calibration_format {
    SESSION_CALIBRATION_FIRST = 1,
    SESSION_CALIBRATION_NARROW,
    SESSION_CALIBRATION_WIDE
};
/* Of a calibration of that model, and the layout of its tracker then. */
enum session_calibration_format session_calibration_format(const struct gru_info *info);
struct interval_layout session_calibration_layout(const struct gru_info *info, size_t n_horizons,
                                                  size_t n_levels);
/* Of a text of some format: how many bytes. Of another than the model's own: makes its own of them.
 * Where they are no tail's, these are none either. */
size_t session_calibration_bytes(enum session_calibration_format format,
                                 const struct gru_info *info,
                                 const struct session_calibration *calibration);
void session_calibration_take(enum session_calibration_format format, const struct gru_info *info,
                              unsigned char *bytes, const struct session_calibration *calibration);
/* As a tail. The view must stay where it is, and the bytes too. */
void session_calibration_view(const struct gru_info *info,
                              const struct session_calibration *calibration,
                              struct session_intervals *ret_intervals);

/* That of the claimed session. False: no memory. */
__attribute__((warn_unused_result)) bool
session_calibration_read(const struct interval_sessions *of, uint32_t slot, struct arena *arena,
                         struct session_calibration *ret_calibration);

/* The class of record for the session that is to be restored in the place of the one in the slot
 * (INDEX_NONE: there is none). */
unsigned session_calibration_class(const struct interval_sessions *of, uint32_t slot,
                                   const struct session_calibration *calibration);
/* The tail of a restored copy of that class, all else of which is made. */
void session_calibration_write(const struct interval_sessions *of, const struct model *model,
                               uint32_t slot, unsigned record_class,
                               const struct session_restore *restore, struct record_copy *copy);

#endif
