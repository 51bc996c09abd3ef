/* How weights lie for the kernels: block by block of units, padded with zeros. */
#include "kernels/levels.h"
#include "reference.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

static const size_t sizes[] = { 1, 2, 4, 5, 15, 16, 17, 37, 64 };
enum { N_SIZES = sizeof sizes / sizeof *sizes };

/* ---- matrices ---- */

/* Where the weight of an output and an input lies. */
static size_t place(size_t n, size_t k, size_t output, size_t input)
{
    if (packed_by_rows(n)) {
        return output * k_padded(k) + input;
    }
    return output / K_BLOCK * K_BLOCK * k + input * K_BLOCK + output % K_BLOCK;
}

static void check_matrix(size_t n, size_t k)
{
    const size_t n_packed = k_packed_floats(n, k);
    float *w = new_floats(n * k), *packed = new_floats(n_packed), *want = calloc(n_packed, 4);
    ck_assert_ptr_nonnull(want);
    fill_random(w, n * k, 1.0f, (unsigned)(n + k));
    for (size_t output = 0; output < n; output++) {
        for (size_t input = 0; input < k; input++) {
            want[place(n, k, output, input)] = w[output * k + input];
        }
    }
    k_pack(w, n, k, packed);
    ck_assert_msg(memcmp(packed, want, n_packed * sizeof *packed) == 0, "%zu by %zu", n, k);
    free(w);
    free(packed);
    free(want);
}

TEST(every_weight_has_its_place_and_the_rest_is_zero)
{
    for (size_t n = 0; n < N_SIZES; n++) {
        for (size_t k = 0; k < N_SIZES; k++) {
            check_matrix(sizes[n], sizes[k]);
        }
    }
}

/* ---- gates ---- */

/* Each gate of a block lies in the panel where the gate would, packed alone. */
static void check_gates(size_t n_gates, size_t h, size_t k)
{
    const size_t n_packed = n_gates * k_padded(h) * k, width = n_gates * K_BLOCK;
    float *w = new_floats(n_gates * h * k), *packed = new_floats(n_packed);
    fill_random(w, n_gates * h * k, 1.0f, (unsigned)(h + k));
    k_pack_gates(w, n_gates, h, k, packed);
    for (size_t gate = 0; gate < n_gates; gate++) {
        for (size_t unit = 0; unit < k_padded(h); unit++) {
            for (size_t i = 0; i < k; i++) {
                float got = packed[unit / K_BLOCK * width * k + i * width + gate * K_BLOCK +
                                   unit % K_BLOCK];
                ck_assert(got == (unit < h ? w[(gate * h + unit) * k + i] : 0.0f));
            }
        }
    }
    free(w);
    free(packed);
}

TEST(the_gates_of_a_block_of_units_lie_together)
{
    for (size_t h = 0; h < N_SIZES; h++) {
        for (size_t k = 0; k < N_SIZES; k++) {
            check_gates(3 + (h + k) % 2, sizes[h], sizes[k]);
        }
    }
}

/* ---- biases ---- */

TEST(a_packed_gate_bias_lies_block_by_block_with_zero_padding)
{
    enum { H = 21, HP = 32, G = 3 };
    float bias[G * H], packed[G * HP], inner[HP];
    fill_random(bias, G * H, 1.0f, 1);
    k_pack_biases(K_GRU_BEFORE, H, bias, NULL, packed, inner);
    for (size_t gate = 0; gate < G; gate++) {
        for (size_t unit = 0; unit < HP; unit++) {
            float got = packed[unit / K_BLOCK * G * K_BLOCK + gate * K_BLOCK + unit % K_BLOCK];
            ck_assert(got == (unit < H ? bias[gate * H + unit] : 0.0f));
        }
    }
}

/* No bias is lost, and none acts twice: with the reset gate that of the recurrent product alone,
 * and outside every gate the sum of both. */
TEST(each_cell_has_its_biases_where_they_act)
{
    enum { H = 21, HP = 32, N = K_GATES_MAX * H };
    float b_ih[N], b_hh[N];
    fill_random(b_ih, N, 1.0f, 1);
    fill_random(b_hh, N, 1.0f, 2);
    for (enum k_cell cell = 0; cell < K_N_CELLS; cell++) {
        const size_t n_gates = k_n_gates(cell);
        const enum k_bias bias = k_cells[cell].bias;
        float packed[K_GATES_MAX * HP], apart[HP];
        k_pack_biases(cell, H, b_ih, b_hh, packed, apart);
        for (size_t i = 0; i < n_gates * H; i++) {
            const size_t gate = i / H, unit = i % H;
            const bool is_apart = gate == K_CANDIDATE && bias != K_BIAS_SUM;
            float want = b_ih[i] + b_hh[i], want_apart = 0;
            if (is_apart) {
                want = bias == K_BIAS_HH_IN_RESET ? b_ih[i] : 0;
                want_apart = bias == K_BIAS_HH_IN_RESET ? b_hh[i] : b_ih[i] + b_hh[i];
            }
            float got =
                packed[unit / K_BLOCK * n_gates * K_BLOCK + gate * K_BLOCK + unit % K_BLOCK];
            ck_assert_msg(got == want, "cell %d, gate %zu, unit %zu", (int)cell, gate, unit);
            ck_assert(gate != K_CANDIDATE || apart[unit] == want_apart);
        }
        ck_assert(apart[H] == 0 && apart[HP - 1] == 0);
    }
}
