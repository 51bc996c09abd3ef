/* Optimizers against their equations in double, one parameter at a time. */
#include "engine/train/optimizer.h"
#include "test.h"
#include "training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 19, UPDATES = 7 };

/* A run of updates with gradients that depend on the weights: g = w - target + noise. */
struct run {
    struct optimizer optimizer;
    float w[N], m[N], v[N], start[N];
};

static void make_run(struct run *run, const struct gru_hyperparameters *h)
{
    memset(run, 0, sizeof *run);
    float *w = training_float_noise(N, 11);
    memcpy(run->w, w, sizeof run->w);
    memcpy(run->start, w, sizeof run->start);
    free(w);
    size_t n_moments = gru_optimizer_n_moments(h);
    run->optimizer = (struct optimizer){ .hyperparameters = h,
                                         .learning_rate = h->learning_rate,
                                         .n = N,
                                         .moments = { n_moments > 0 ? run->m : NULL,
                                                      n_moments > 1 ? run->v : NULL },
                                         .start = h->l2_sp > 0 ? run->start : NULL };
}

static float gradient_at(float w, size_t k, int t)
{
    return 2 * (w - (float)k * 0.1F) + 0.3F * (float)((int)k % 5 - 2) + 0.1F * (float)t;
}

/* The equations of PyTorch's documentation, in double. */
struct reference {
    double w, m, v;
};

static void reference_update(const struct gru_hyperparameters *h, struct reference *r, double g,
                             int t)
{
    if (h->optimizer == GRU_ADAMW) {
        r->w -= h->learning_rate * h->weight_decay * r->w;
    } else {
        g += h->weight_decay * r->w;
    }
    if (h->optimizer == GRU_SGD) {
        r->m = t > 1 ? h->momentum * r->m + g : g;
        r->w -= h->learning_rate * r->m;
        return;
    }
    r->m = 0.9 * r->m + (1 - 0.9) * g;
    r->v = 0.999 * r->v + (1 - 0.999) * g * g;
    double m = r->m / (1 - pow(0.9, t));
    double v = r->v / (1 - pow(0.999, t));
    r->w -= h->learning_rate * m / (sqrt(v) + 1e-8);
}

static void expect_equations(const struct gru_hyperparameters *h)
{
    struct run run;
    struct reference references[N] = { 0 };
    make_run(&run, h);
    for (size_t k = 0; k < N; k++) {
        references[k].w = (double)run.w[k];
    }
    for (int t = 1; t <= UPDATES; t++) {
        float g[N];
        double exact[N], square = 0, size;
        for (size_t k = 0; k < N; k++) {
            g[k] = gradient_at(run.w[k], k, t);
            exact[k] = (double)g[k] + h->l2_sp * ((double)run.w[k] - (double)run.start[k]);
            square += exact[k] * exact[k];
        }
        double clip = h->clip_norm > 0 ? fmin(1, h->clip_norm / (sqrt(square) + 1e-6)) : 1;
        ck_assert(gru_optimizer_update(&run.optimizer, run.w, g, &size));
        training_expect_near("norm", size, sqrt(square), 1e-6);
        for (size_t k = 0; k < N; k++) {
            reference_update(h, &references[k], exact[k] * clip, t);
            ck_assert_msg(fabs((double)run.w[k] - references[k].w) < 2e-6,
                          "update %d, [%zu]: %.9g, not %.9g", t, k, (double)run.w[k],
                          references[k].w);
        }
    }
}

TEST(optimizers_follow_their_equations)
{
    struct gru_hyperparameters h = training_plain();
    h.learning_rate = 0.05;
    for (h.optimizer = GRU_SGD; h.optimizer <= GRU_ADAMW; h.optimizer++) {
        for (int decays = 0; decays < 2; decays++) {
            for (int clips = 0; clips < 2; clips++) {
                h.weight_decay = decays ? 0.1 : 0;
                h.clip_norm = clips ? 0.5 : 0;
                h.l2_sp = decays ? 0.25 : 0;
                expect_equations(&h);
            }
        }
    }
    h.optimizer = GRU_SGD;
    h.momentum = 0.9;
    expect_equations(&h);
}

TEST(moments_are_as_many_as_the_optimizer_has)
{
    struct gru_hyperparameters h = training_plain();
    ck_assert_uint_eq(gru_optimizer_n_moments(&h), 2);
    h.optimizer = GRU_ADAMW;
    ck_assert_uint_eq(gru_optimizer_n_moments(&h), 2);
    h.optimizer = GRU_SGD;
    ck_assert_uint_eq(gru_optimizer_n_moments(&h), 0);
    h.momentum = 0.1;
    ck_assert_uint_eq(gru_optimizer_n_moments(&h), 1);
}

TEST(small_gradients_are_not_clipped)
{
    struct gru_hyperparameters h = training_plain();
    struct run clipped, plain;
    double size;
    h.optimizer = GRU_SGD;
    make_run(&plain, &h);
    float g[N], again[N];
    for (size_t k = 0; k < N; k++) {
        g[k] = again[k] = 0.001F * (float)k;
    }
    ck_assert(gru_optimizer_update(&plain.optimizer, plain.w, g, &size));
    h.clip_norm = 1;
    make_run(&clipped, &h);
    ck_assert(gru_optimizer_update(&clipped.optimizer, clipped.w, again, &size));
    ck_assert_mem_eq(clipped.w, plain.w, sizeof plain.w);
}

TEST(a_gradient_that_is_not_finite_changes_nothing)
{
    const float wrong[] = { NAN, INFINITY, -INFINITY };
    struct gru_hyperparameters h = training_plain();
    for (size_t k = 0; k < 3; k++) {
        struct run run, before;
        double size;
        float g[N] = { 1 };
        g[N - 1] = wrong[k];
        make_run(&run, &h);
        before = run;
        ck_assert(!gru_optimizer_update(&run.optimizer, run.w, g, &size));
        ck_assert(!isfinite(size));
        ck_assert_mem_eq(run.w, before.w, sizeof run.w);
        ck_assert_mem_eq(run.m, before.m, sizeof run.m);
        ck_assert_mem_eq(run.v, before.v, sizeof run.v);
        ck_assert_uint_eq(run.optimizer.n_updates, 0);
    }
}

/* Its square is beyond a float. */
TEST(the_norm_of_a_large_gradient_is_finite)
{
    struct gru_hyperparameters h = training_plain();
    struct run run;
    double size;
    float g[N] = { 3e30F, 4e30F };
    h.optimizer = GRU_SGD;
    h.clip_norm = 1;
    make_run(&run, &h);
    ck_assert(gru_optimizer_update(&run.optimizer, run.w, g, &size));
    training_expect_near("norm", size, 5e30, 1e-6);
    training_expect_near("w", (double)(run.start[1] - run.w[1]), 0.001 * 0.8, 1e-3);
}
