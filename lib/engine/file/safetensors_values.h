/* safetensors_values.h - the number formats of safetensors: names, sizes, little-endian bytes.
 * Private to safetensors*.c. */
#ifndef SAFETENSORS_VALUES_H
#define SAFETENSORS_VALUES_H

#include "engine/file/safetensors.h"

#include <stdint.h>

const char *gru_dtype_name(enum safetensors_dtype dtype);
size_t gru_dtype_bytes(enum safetensors_dtype dtype);

/* Little-endian whatever the processor is; compilers make one load or store of it where they may.
 */
static inline uint32_t load_le16(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static inline uint32_t load_le32(const unsigned char *p)
{
    return load_le16(p) | load_le16(p + 2) << 16;
}

static inline uint64_t load_le64(const unsigned char *p)
{
    return (uint64_t)load_le32(p) | (uint64_t)load_le32(p + 4) << 32;
}

static inline void store_le32(unsigned char *p, uint32_t value)
{
    for (int k = 0; k < 4; k++) {
        p[k] = (unsigned char)(value >> (8 * k));
    }
}

static inline void store_le64(unsigned char *p, uint64_t value)
{
    store_le32(p, (uint32_t)value);
    store_le32(p + 4, (uint32_t)(value >> 32));
}

#endif
