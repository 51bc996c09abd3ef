/* The verdict on comparisons that are made up: each rule by itself, at its edge. */
#include "service/jobs/gate.h"

#include "test.h"

#include <math.h>
#include <string.h>

enum { STREAMS_MOST = 40, BLOCKS_MOST = 80 };

/* Streams of 100 targets in blocks of their own; a base loss of 1 and a naive one of 2 a target. */
struct made {
    struct gru_stream_losses streams[STREAMS_MOST];
    struct gru_losses blocks[BLOCKS_MOST];
    struct gru_class_counts classes[3];
    struct gru_comparison_result result;
    struct job_gate gate;
};

static struct gru_losses losses(size_t n, double trained, double base, double naive)
{
    double size = (double)n;
    return (struct gru_losses){ n, size * trained, size * base, size * naive };
}

static void add_stream(struct made *made, double trained, size_t n_blocks)
{
    struct gru_comparison_result *result = &made->result;
    ck_assert(result->n_streams < STREAMS_MOST && result->n_blocks + n_blocks <= BLOCKS_MOST);
    made->streams[result->n_streams] = (struct gru_stream_losses){
        .series = result->n_streams,
        .n_series = 1,
        .ahead = losses(100, trained, 1, 2),
        .first_block = result->n_blocks,
        .n_blocks = n_blocks,
    };
    result->n_streams++;
    for (size_t b = 0; b < n_blocks; b++) {
        made->blocks[result->n_blocks++] = losses(100 / n_blocks, trained, 1, 2);
    }
    result->all.n += 100;
    result->all.trained += 100 * trained;
    result->all.base += 100;
}

static void make(struct made *made, size_t n_streams, double trained, size_t n_blocks)
{
    memset(made, 0, sizeof *made);
    made->gate = job_gate_default;
    made->result.streams = made->streams;
    made->result.blocks = made->blocks;
    made->result.classes = made->classes;
    for (size_t k = 0; k < n_streams; k++) {
        add_stream(made, trained, n_blocks);
    }
}

static struct gate_measures measures_of(const struct made *made)
{
    struct gate_measures measures;
    ck_assert(gate_measure(&made->result, &measures));
    return measures;
}

static struct gate_figures measured(const struct made *made)
{
    return measures_of(made).sure;
}

static void expect(const struct made *made, bool passes, const char *words)
{
    char reason[JOB_REASON_MAX + 1];
    struct gate_measures measures = measures_of(made);
    bool got = gate_judge(&made->gate, &made->result, &measures, reason);
    ck_assert_msg(got == passes && strstr(reason, words) != NULL, "%s: %s",
                  got ? "passes" : "does not pass", reason);
}

TEST(ratios_hold_where_nothing_is_lost_or_too_much)
{
    ck_assert(gate_ratio(0, 0) == 1 && gate_ratio(1, 0) == INFINITY && gate_ratio(0, 1) == 0);
    ck_assert(gate_ratio(INFINITY, 1) == INFINITY && gate_ratio(INFINITY, INFINITY) == INFINITY);
    ck_assert(gate_ratio(NAN, 1) == INFINITY && gate_ratio(1, INFINITY) == 0);
    ck_assert(gate_ratio(1, 4) == 0.25);
}

TEST(the_median_stream_must_gain_what_is_asked_for)
{
    struct made made;
    make(&made, 3, 0.98, 5);
    expect(&made, true, "its loss is 0.98 of the base version's (median of 3 streams)");
    made.gate.min_relative_gain = 0.03;
    expect(&made, false,
           "its loss is 0.98 of the base version's (median of 3 streams), and at "
           "most 0.97 is asked for");
    make(&made, 2, 1.02, 5);
    add_stream(&made, 1e-6, 5); /* however much one gains */
    expect(&made, false, "its loss is 1.02 ");
}

TEST(at_most_a_tenth_of_the_streams_may_be_worse)
{
    static const struct {
        size_t n, n_worse;
        bool passes;
    } cases[] = { { 9, 1, false }, { 10, 1, true }, { 19, 2, false }, { 20, 2, true } };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct made made;
        make(&made, cases[k].n - cases[k].n_worse, 0.5, 1);
        for (size_t j = 0; j < cases[k].n_worse; j++) {
            add_stream(&made, 1.06, 1);
        }
        expect(&made, cases[k].passes, cases[k].passes ? "" : "by more than 5 % in ");
    }
    struct made made;
    make(&made, 8, 0.5, 1);
    add_stream(&made, 1.05, 1);
    expect(&made, true, "");
}

/* Single rows may become worse, and persistence may be better at them. */
TEST(who_aims_at_roll_outs_is_judged_by_them)
{
    struct made made;
    make(&made, 1, 0.9, 5);
    made.result.horizon = 6;
    made.result.is_of_rolls = true;
    expect(&made, false, "it was trained for roll-outs, and the validation has none to judge");
    made.streams[0].ahead = losses(100, 3, 1, 2);
    made.streams[0].rolled = losses(100, 0.9, 1, 2);
    expect(&made, true, "its loss is 0.9 of the base version's (median of 1 streams)");
    made.streams[0].rolled = losses(100, 0.995, 1, 2);
    expect(&made, false, "its loss rolled out up to 6 rows ahead is 0.995 of the base version's");
    made.streams[0].rolled = losses(100, 0.9, 1, 0.8);
    expect(&made, false, "rolled out up to 6 rows ahead is no better than that of persistence");
    made.streams[0].rolled = losses(100, 0.9, 1, 2);
    for (size_t b = 0; b < 5; b++) {
        made.blocks[b] = losses(20, b < 3 ? 0.5 : 1.4, 1, 2);
    }
    expect(&made, false, "the gain may be chance");
}

TEST(what_is_rolled_out_must_not_become_worse)
{
    struct made made;
    make(&made, 1, 0.5, 5);
    made.result.horizon = 12;
    made.streams[0].rolled = losses(50, 1, 1, 2);
    expect(&made, true, ", up to 12 rows ahead 0.5 (0.5)");
    made.streams[0].rolled = losses(50, 1.01, 1, 2);
    expect(&made, false, "its loss rolled out up to 12 rows ahead is 1.01 of the base version's");
    made.streams[0].rolled = losses(50, 0.9, 1, 0.8);
    expect(&made, false, "rolled out up to 12 rows ahead is no better than that of persistence");
    made.gate.must_beat_persistence = false;
    expect(&made, true, "");
}

TEST(the_naive_forecast_must_be_beaten_unless_that_is_lifted)
{
    struct made made;
    make(&made, 1, 0.5, 5);
    made.streams[0].ahead.naive = made.streams[0].ahead.trained;
    expect(&made, false, "no better than that of persistence; of the loss of persistence: 1 (base");
    made.streams[0].ahead.naive = 0;
    struct gate_measures measures = measures_of(&made);
    char reason[JOB_REASON_MAX + 1];
    ck_assert(!gate_judge(&made.gate, &made.result, &measures, reason));
    ck_assert_str_eq(reason, "its loss is no better than that of persistence");
    made.gate.must_beat_persistence = false;
    expect(&made, true, "");
}

TEST(classes_must_be_found_unless_that_is_lifted)
{
    struct made made;
    make(&made, 1, 0.5, 5);
    made.result.n_classes = 3;
    made.classes[0] = (struct gru_class_counts){ .n = 90, .n_found = 90 };
    made.classes[1] = (struct gru_class_counts){ .n = 4, .n_found = 0 }; /* too few to say */
    made.classes[2] = (struct gru_class_counts){ .n = 6, .n_found = 1 };
    expect(&made, true, "the classes' frequencies");
    made.classes[2].n_found = 0;
    expect(&made, false, "it finds 0 of 6 targets of class 2");
    made.gate.must_beat_persistence = false;
    expect(&made, true, "");
}

TEST(few_targets_prove_nothing)
{
    struct made made;
    make(&made, 1, 0.5, 5);
    made.gate.min_targets = 100;
    expect(&made, true, "");
    made.gate.min_targets = 101;
    expect(&made, false, "100 validation targets can be judged, and 'min_targets' is 101;");
    made.result.all.n = 107;
    expect(&made, false, " (7 are outliers or of constant outputs)");
    make(&made, 0, 0, 0);
    made.gate.min_targets = 1;
    expect(&made, false, "0 validation targets");
}

TEST(losses_that_are_not_finite_do_not_pass)
{
    struct made made;
    make(&made, 1, 0.5, 5);
    made.result.all.base = INFINITY;
    made.streams[0].ahead.base = INFINITY;
    expect(&made, false, "no finite validation losses");
    make(&made, 1, 0.5, 5);
    made.result.all.trained = NAN;
    expect(&made, false, "no finite validation losses");
}

/* ---- what is doubtful, what is the same ---- */

static void doubt(struct made *made, struct made *with, double trained)
{
    make(with, 3, trained, 5);
    made->result.n_doubtful = 12;
    made->result.doubtful_streams = with->streams;
    made->result.doubtful_blocks = with->blocks;
}

TEST(with_doubtful_values_or_without_it_must_gain_and_not_suffer_the_other_way)
{
    static const struct {
        double sure, with;
        bool passes;
        const char *words;
    } cases[] = {
        { 0.5, 1, true, "its loss is 0.5 of" },
        { 0.5, 1.01, false, "with 12 targets of doubtful values is 1.01 of the base version's" },
        { 1, 0.5, true, "its loss is 0.5 of" },
        { 1.01, 0.5, false, "without 12 targets of doubtful values is 1.01 of the base" },
        { 1.02, 1.03, false, "its loss is 1.02 of the base version's (median of 3" },
        { 0.5, INFINITY, false, "with 12 targets of doubtful" },
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct made made, with;
        make(&made, 3, cases[k].sure, 5);
        doubt(&made, &with, cases[k].with);
        expect(&made, cases[k].passes, cases[k].words);
    }
    struct made made, with;
    make(&made, 3, 1.5, 5);
    doubt(&made, &with, 0.5);
    made.result.doubtful = losses(5, 100, 0.9, 10); /* the base forecasts them: they are events */
    expect(&made, true, "its loss is 0.5 of");
    made.result.doubtful = losses(5, 100, 1.1, 10);
    expect(&made, false, "without 12 targets");
    made.result.doubtful = losses(4, 0, 0, 10);
    expect(&made, false, "without 12 targets");
    make(&made, 1, 0.5, 5);
    doubt(&made, &with, 0.5);
    made.gate.min_targets = 101; /* hardly anything is sure */
    expect(&made, false, "100 validation targets can be judged");
    make(&made, 3, 0.5, 5);
    doubt(&made, &with, 0.5);
    for (size_t k = 0; k < 3; k++) {
        with.streams[k].rolled = losses(50, 1.06, 1, 2);
    }
    expect(&made, false, "with 12 targets of doubtful values is 1.06");
}

TEST(what_repeats_is_no_evidence_and_copies_are_no_streams)
{
    struct made made;
    make(&made, 5, 0.5, 5);
    for (size_t k = 1; k < 5; k++) {
        made.streams[k].n_repeated = made.streams[k].n_copied = 51;
    }
    expect(&made, true, "(median of 1 streams)");
    made.gate.min_targets = 101;
    expect(&made, false, "100 validation targets can be judged, and 'min_targets' is 101 (400 rep");
    for (size_t k = 1; k < 5; k++) {
        made.streams[k].n_copied = 50;
    }
    made.gate.min_targets = 296;
    expect(&made, true, "(median of 5 streams)");
}

/* ---- chance ---- */

TEST(p_is_the_share_of_signs_that_look_as_good)
{
    struct made made;
    make(&made, 1, 0.5, 4);
    ck_assert(measured(&made).p == 1.0 / 16);
    made.blocks[3].trained = made.blocks[3].base * 1.25; /* gains 0.5 0.5 0.5 -0.25 */
    ck_assert(measured(&made).p == 2.0 / 16);
    made.blocks[3].trained = made.blocks[3].base * 1.5; /* gains 0.5 0.5 0.5 -0.5 */
    ck_assert(measured(&made).p == 5.0 / 16);
    made.blocks[3] = (struct gru_losses){ .n = 0 }; /* nothing was judged in it */
    ck_assert(measured(&made).p == 1.0 / 8 && measured(&made).n_blocks == 3);
    expect(&made, false, "the gain may be chance: p is 0.125 over 3 blocks, and 'confidence' 0.9");
    made.gate.confidence = 0.875;
    expect(&made, true, "p is 0.125");
    make(&made, 1, 1, 16);
    ck_assert(measured(&made).p == 1);
    make(&made, 17, 1, 1);
    ck_assert(measured(&made).p == 1);
}

/* One block cannot decide, however large: the others' signs are as good as chance. */
TEST(one_large_block_is_chance)
{
    for (size_t n_blocks = 10; n_blocks <= 20; n_blocks += 10) {
        struct made made;
        make(&made, 1, 1, n_blocks);
        for (size_t b = 0; b < n_blocks; b++) {
            made.blocks[b].trained *= b % 2 == 0 ? 1.01 : 0.99;
        }
        made.blocks[4].base = 1000;
        made.streams[0].ahead.base = 2000;
        expect(&made, false, "the gain may be chance");
    }
}

TEST(of_many_blocks_p_is_that_of_the_normal_law)
{
    struct made made;
    make(&made, 1, 0.5, 20);
    ck_assert_double_eq_tol(measured(&made).p, 0.5 * erfc(sqrt(10)), 1e-12);
}
