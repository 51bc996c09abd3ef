/*
 * gru_explain.h - why a forecast is what it is: how much of it each input has brought. A part of
 * gru.h, which includes it; libgru-infer has none of it.
 *
 *     gru_explain_create(model, &question, &explain);
 *     while (gru_explain_rows_left(explain) > 0) {
 *         gru_explain_part(explain, work, 1000);
 *     }
 *     gru_explain_result(explain, &explanation);
 *
 * The value F is the raw forecast of one output, `ahead` rows after the last reading. What the
 * network saw of the T readings, normalised, is s_1 ... s_T, and of the known future readings up to
 * there likewise. Along the straight path from nothing, where each input is at its mean, to what
 * was seen, an input i is credited with the integral of the gradient,
 *
 *     c_i = sum over t of s_ti times the integral from 0 to 1 over a of dF / ds_ti (a s) da
 *
 * (integrated gradients: M. Sundararajan, A. Taly, Q. Yan, "Axiomatic Attribution for Deep
 * Networks", ICML 2017). Forecasts that are fed back are functions of what was seen, as they are
 * where they are served. So
 *
 *     value = baseline + state + sum over i of c_i + residual
 *
 *     baseline   F at a = 0, from the state in which a stream begins
 *     c_i        0 exactly where the network has no way from the input to the forecast
 *     state      what the readings before the T have brought: the value less F at a = 1, which is
 *                the forecast of a stream that begins with these T. 0 exactly for a stream that has
 *                had no others
 *     residual   what the integral's approximation has left over
 *
 * With a transform (gru.h) s is of u, so the baseline is a series whose changes are as usual, on
 * the level on which it stands now: u is turned into a forecast by what the state's transform keeps
 * after the last reading, which belongs to the baseline. A missing reading is what the model's
 * policy makes of it. Of the T one that the model refuses, or that does not run from the beginning,
 * is left out with those before it. Where none is left, or T is 0, the path is of one reading whose
 * inputs are all at their means: so all but what the known future brings is the state's.
 *
 * The integral is Gauss's formula of 16 points. What it leaves over is known, for F is known at
 * both ends. Where that is more than GRU_EXPLAIN_TOLERANCE of what there is to explain, |F(1) -
 * F(0)|, the part of the path that leaves most is halved, with as many points in each half, until
 * the sum over parts is less, or there are GRU_EXPLAIN_PARTS_MAX of them: then it is left at that,
 * and the residual says how good it is. What a float cannot tell apart is not looked into: 1e-5 of
 * the output's std, a 16384th of the path.
 *
 * It knows no clock, and gives the same bits however it is cut. One thread at a time.
 */
#ifndef GRU_EXPLAIN_H
#define GRU_EXPLAIN_H

#define GRU_EXPLAIN_TOLERANCE 0.001
enum { GRU_EXPLAIN_PARTS_MAX = 33 };

/* What it points to stays where it is until the end. */
struct gru_question {
    const float *state;   /* after the last reading */
    const double *x;      /* [n_rows][I] the last readings, raw; NaN: missing */
    size_t n_rows;        /* T; 0: they are not known */
    const double *future; /* [n_future_rows][n_future], as gru_forecast takes it */
    size_t n_future_rows;
    size_t output, ahead; /* from 1 */
};

struct gru_explanation {
    double value, baseline, state, residual;
    const double *inputs; /* [I] c_i; as long as the gru_explain is */
    size_t n_points;      /* of the integral */
};

struct gru_explain;

/* A bound on what gru_explain_create allocates; SIZE_MAX: more than can be counted. */
GRU_API size_t gru_explain_bytes(const struct gru_model *model, size_t n_rows, size_t ahead);
/* The model is borrowed. GRU_BAD_ARGUMENT (no such output, ahead 0), GRU_NOT_CAUSAL (a
 * bidirectional model), what gru_roll_begin says, GRU_NO_MEMORY. */
GRU_API GRU_CHECK enum gru_status gru_explain_create(const struct gru_model *model,
                                                     const struct gru_question *question,
                                                     struct gru_explain **ret_explain);
GRU_API void gru_explain_free(struct gru_explain *explain); /* takes NULL */

/* Rows to be run until the end, or until a part turns out to be halved, which begins another count;
 * 0: it is done. A row of the path counts twice, for it is run forth and back. */
GRU_API size_t gru_explain_rows_left(const struct gru_explain *explain);
/* Goes on by at least that many rows (at least 1), or until another count begins. GRU_NON_FINITE:
 * the forecast, or something on the path to it, is no finite number. GRU_MISSING_INPUT,
 * GRU_NO_MEMORY. A failure is the end. */
GRU_API GRU_CHECK enum gru_status gru_explain_part(struct gru_explain *explain,
                                                   struct gru_work *work, size_t most_rows);
/* Once it is done. */
GRU_API void gru_explain_result(const struct gru_explain *explain,
                                struct gru_explanation *ret_explanation);

#endif
