/* The values of tensors as floats; see safetensors_values.h. */
#include "engine/file/safetensors_values.h"
#include "engine/buffer.h"
#include "engine/model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float load_f32(const unsigned char *p)
{
    return float_of_bits(load_le32(p));
}

static float load_bf16(const unsigned char *p)
{
    return float_of_bits(load_le16(p) << 16);
}

/* IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits. Exact: every half is a float.
 */
static float load_f16(const unsigned char *p)
{
    uint32_t half = load_le16(p);
    uint32_t exponent = half >> 10 & 0x1F;
    uint32_t fraction = half & 0x3FF;
    float magnitude;
    if (exponent == 0) {
        magnitude = (float)fraction * 0x1p-24F; /* subnormal, or zero */
    } else if (exponent == 0x1F) {
        magnitude = fraction ? NAN : INFINITY;
    } else {
        magnitude = float_of_bits((exponent + 127 - 15) << 23 | fraction << 13);
    }
    return half >> 15 ? -magnitude : magnitude;
}

/* Rounded to nearest; beyond the range of float it is infinite, and so refused. */
static float load_f64(const unsigned char *p)
{
    uint64_t bits = load_le64(p);
    double value;
    memcpy(&value, &bits, sizeof value);
    return (float)value;
}

static const struct {
    const char *name;
    size_t bytes;
    float (*load)(const unsigned char *p);
} dtypes[N_DTYPES] = {
    [DTYPE_F32] = { "F32", 4, load_f32 }, [DTYPE_F64] = { "F64", 8, load_f64 },
    [DTYPE_F16] = { "F16", 2, load_f16 }, [DTYPE_BF16] = { "BF16", 2, load_bf16 },
    [DTYPE_BOOL] = { "BOOL", 1, NULL },   [DTYPE_U8] = { "U8", 1, NULL },
    [DTYPE_I8] = { "I8", 1, NULL },       [DTYPE_U16] = { "U16", 2, NULL },
    [DTYPE_I16] = { "I16", 2, NULL },     [DTYPE_U32] = { "U32", 4, NULL },
    [DTYPE_I32] = { "I32", 4, NULL },     [DTYPE_U64] = { "U64", 8, NULL },
    [DTYPE_I64] = { "I64", 8, NULL },
};

const char *gru_dtype_name(enum safetensors_dtype dtype)
{
    return dtypes[dtype].name;
}

size_t gru_dtype_bytes(enum safetensors_dtype dtype)
{
    return dtypes[dtype].bytes;
}

enum gru_status gru_tensor_check_dtype(const struct tensor_view *tensor, struct gru_error *error)
{
    if (dtypes[tensor->dtype].load) {
        return GRU_OK;
    }
    return gru_fail(error, GRU_BAD_TENSORS, gru_show(tensor->name).text,
                    "tensor '%s' has dtype %s, but only F32, F64, F16 and BF16 are taken",
                    gru_show(tensor->name).text, dtypes[tensor->dtype].name);
}

struct tensor_view gru_tensor_part(const struct tensor_view *tensor, size_t first, size_t n)
{
    struct tensor_view part = *tensor;
    part.n_dims = 1;
    part.dims[0] = n;
    part.n_values = n;
    part.data += first * dtypes[tensor->dtype].bytes;
    return part;
}

static enum gru_status fail_value(const struct tensor_view *tensor, size_t k,
                                  struct gru_error *error)
{
    char index[64];
    if (tensor->n_dims == 2) {
        snprintf(index, sizeof index, "[%zu, %zu]", k / tensor->dims[1], k % tensor->dims[1]);
    } else {
        snprintf(index, sizeof index, "[%zu]", k);
    }
    return gru_fail(error, GRU_BAD_TENSORS, gru_show(tensor->name).text,
                    "the value at %s of tensor '%s' is not a finite 32-bit number", index,
                    gru_show(tensor->name).text);
}

enum gru_status gru_tensor_values(const struct tensor_view *tensor, float *ret_values,
                                  struct gru_error *error)
{
    size_t n_bytes = dtypes[tensor->dtype].bytes;
    float (*load)(const unsigned char *p) = dtypes[tensor->dtype].load;
    for (size_t k = 0; k < tensor->n_values; k++) {
        float value = load(tensor->data + k * n_bytes);
        if (!isfinite(value)) {
            return fail_value(tensor, k, error);
        }
        ret_values[k] = value;
    }
    return GRU_OK;
}
