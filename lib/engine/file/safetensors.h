/*
 * safetensors.h - the container: bytes to a checked table of tensors, and back. Private to
 * lib/engine.
 *
 * Knows nothing of GRU networks. Reading trusts no number of the file before it is checked,
 * allocates in proportion to the header that is really there, and leaves the values where they are:
 * a tensor's data points into the caller's bytes. https://github.com/huggingface/safetensors#format
 */
#ifndef SAFETENSORS_H
#define SAFETENSORS_H

#include "gru.h"

enum { SAFETENSORS_HEADER_MAX = 100 * 1000 * 1000, SAFETENSORS_DIMS_MAX = 3 };

/* Those of weights, then those whose values are not read. */
enum safetensors_dtype {
    DTYPE_F32,
    DTYPE_F64,
    DTYPE_F16,
    DTYPE_BF16,
    DTYPE_BOOL,
    DTYPE_U8,
    DTYPE_I8,
    DTYPE_U16,
    DTYPE_I16,
    DTYPE_U32,
    DTYPE_I32,
    DTYPE_U64,
    DTYPE_I64,
    N_DTYPES
};

struct tensor_view {
    const char *name; /* unescaped; in `names` of the table */
    enum safetensors_dtype dtype;
    size_t n_dims; /* as the file says; the sizes beyond the third are not kept */
    size_t dims[SAFETENSORS_DIMS_MAX]; /* 0 beyond n_dims */
    size_t n_values;
    size_t begin, end;         /* within the data, in bytes */
    const unsigned char *data; /* n_values of dtype, at no particular alignment */
};

struct safetensors {
    struct tensor_view *tensors; /* sorted by name */
    size_t n_tensors;
    char *names;                  /* the memory of all names */
    char *grud;                   /* __metadata__["grud"], unescaped, or NULL */
    char *residuals;              /* __metadata__["grud_residuals"], likewise */
    char *base_residuals;         /* __metadata__["grud_base_residuals"], likewise */
    char unread[GRU_UNREAD_SIZE]; /* the other keys of __metadata__ (gru_model_unread) */
};

/* `bytes` must outlive *ret_file; end with gru_safetensors_done. */
GRU_CHECK enum gru_status gru_safetensors_read(const void *bytes, size_t n_bytes,
                                               struct safetensors *ret_file,
                                               struct gru_error *error);
void gru_safetensors_done(struct safetensors *file); /* takes a zeroed one */

/* The tensor of that name; NULL: there is none. */
const struct tensor_view *gru_safetensors_find(const struct safetensors *file, const char *name);

/* Refuses a tensor whose dtype is not one of weights. */
GRU_CHECK enum gru_status gru_tensor_check_dtype(const struct tensor_view *tensor,
                                                 struct gru_error *error);

/* n values of a tensor from the first-th on, as a vector. */
struct tensor_view gru_tensor_part(const struct tensor_view *tensor, size_t first, size_t n);

/* Converts a tensor's values to floats; one that is not finite, or not finite as a float, is
 * refused. */
GRU_CHECK enum gru_status gru_tensor_values(const struct tensor_view *tensor, float *ret_values,
                                            struct gru_error *error);

/* A matrix, or with columns 0 a vector, to be written as F32. */
struct tensor_out {
    char name[64]; /* plain ASCII */
    size_t rows, columns;
    const float *values;
};

/* A key of __metadata__ and its text. */
struct metadata_out {
    const char *key, *text; /* text NULL: not written */
    size_t n;
};
enum { METADATA_OUT_MAX = 3 };

/* Writes the tensors in the order given. The caller frees *ret_bytes. */
GRU_CHECK enum gru_status
gru_safetensors_write(const struct tensor_out *tensors, size_t n,
                      const struct metadata_out metadata[METADATA_OUT_MAX], void **ret_bytes,
                      size_t *ret_n_bytes);

#endif
