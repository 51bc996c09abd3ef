/*
 * explain.h - the inside of a gru_explain (gru_explain.h): what was seen, the points of the path
 * that are in hand, and how far they are. Private to lib/engine/explain.
 *
 * First the T readings run from the state in which a stream begins: what the policy fills in is
 * known by that, and whether the stream had others. Then its forecast. Then the points of the path,
 * as lanes of a window (engine/train/backprop.h) of the T rows and, for each S rows ahead beyond
 * the first, of a block of S rows that are fed back. A window goes forth and back in pieces.
 */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include "engine/explain/turn.h"
#include "engine/train/backprop.h"

/* Points of the formula on each part of the path, and those of a count at most: one of two halves,
 * and the value between. */
enum { EXPLAIN_POINTS = 16, EXPLAIN_COUNT_MAX = 2 * EXPLAIN_POINTS + 1 };

/* From `from` to `to` on the path. */
struct explain_part {
    double from, to;
    double value_from, value_to; /* F there */
    double *inputs;              /* [I] credits */
};

struct explain_point {
    double at;
    double weight; /* of the part's length; 0: only the value is wanted */
    double value;  /* F(at), once it has run */
    struct explain_part *part;
};

struct explain_sizes {
    size_t n_kept;   /* T */
    size_t n_blocks; /* that are fed back: the forecast is of the block with this number, from 0 */
    size_t n_steps;  /* of a window: T + n_blocks S */
    size_t n_ahead;  /* (n_blocks + 1) S rows that are forecast */
    size_t n_lanes;  /* of a window, at most */
    size_t n_piece;  /* steps of a piece of the T rows, at most */
};

enum explain_phase { EXPLAIN_REPLAY, EXPLAIN_FORECAST, EXPLAIN_PATH, EXPLAIN_DONE };

struct gru_explain {
    const struct gru_model *model;
    struct gru_question question;
    struct explain_sizes sizes;
    enum explain_phase phase;
    void *block; /* that holds every array */

    /* The readings from the beginning, and the forecast. */
    struct gru_lane lane;
    struct gru_lane *order[1];
    struct gru_run run;
    struct gru_roll roll;
    float *replayed, *rolled; /* states */
    double *y, *forecast;     /* [T][S * O], [ahead][O] */
    bool is_whole;            /* the T are all that the stream has had */

    /* The path. */
    struct explain_part parts[GRU_EXPLAIN_PARTS_MAX];
    size_t n_parts, halved; /* halved: the one whose halves are counted; the other is the last */
    struct explain_point points[EXPLAIN_COUNT_MAX];
    size_t n_points;
    double least;   /* below which nothing is told apart, raw */
    double *inputs; /* [I] sums over the parts, once it is done */

    /* The window in hand. B lanes. */
    size_t first, n_lanes; /* its points */
    size_t step;           /* forth: steps that are done; back: that are not */
    bool is_back;
    struct backprop *backprop;
    struct backprop_window window;
    size_t *lanes;        /* [n_steps] B each */
    float *states;        /* [B] */
    float *seen;          /* [n_steps][I] s; of what is fed back nothing */
    float *in;            /* [n_steps * B][I] */
    float *out, *d_out;   /* of a piece: [rows][S * O] */
    float *d_in;          /* [rows][I] */
    float *z, *a;         /* [n_blocks + 1][B][S * O] before and after the activation */
    double *d_seen;       /* [B][I] by what an output is added to, not normalised */
    struct turn_lane *of; /* [B] */
};

/* explain_seen.c: what the network has seen of the readings and the known future, once they have
 * run. */
GRU_CHECK enum gru_status gru_explain_see(struct gru_explain *explain);

/* explain_parts.c: */
void gru_explain_begin_path(struct gru_explain *explain);
/* All points of a count are done: another count begins, or it is the end. */
GRU_CHECK enum gru_status gru_explain_judge(struct gru_explain *explain);
/* F(0) or F(1), and the sum of credits. */
double gru_explain_value(const struct gru_explain *explain, double at);
double gru_explain_sum(const struct gru_explain *explain, const double *inputs);

/* explain_path.c: the next window of points; false: there is none. */
bool gru_explain_begin_window(struct gru_explain *explain);
/* The next piece of it, forth or back; returns its rows. The window's credits are those of the
 * parts once step is 0 again. */
size_t gru_explain_piece(struct gru_explain *explain);

#endif
