/* Writing a safetensors file; see safetensors.h. */
#include "engine/buffer.h"
#include "engine/file/safetensors.h"
#include "engine/file/safetensors_values.h"

#include <stdlib.h>
#include <string.h>

enum { PREFIX_BYTES = 8, HEADER_ALIGNMENT = 8 };

static bool count_bytes(const struct tensor_out *tensor, size_t *ret_n_bytes)
{
    size_t columns = tensor->columns > 0 ? tensor->columns : 1;
    size_t n_values;
    return !__builtin_mul_overflow(tensor->rows, columns, &n_values) &&
           !__builtin_mul_overflow(n_values, sizeof(float), ret_n_bytes);
}

static void put_tensor(struct file_text *header, const struct tensor_out *tensor, size_t begin,
                       size_t end)
{
    gru_text_put_string(header, tensor->name, strlen(tensor->name));
    gru_text_puts(header, ":{\"dtype\":\"F32\",\"shape\":[");
    gru_text_put_int(header, tensor->rows);
    if (tensor->columns > 0) {
        gru_text_puts(header, ",");
        gru_text_put_int(header, tensor->columns);
    }
    gru_text_puts(header, "],\"data_offsets\":[");
    gru_text_put_int(header, begin);
    gru_text_puts(header, ",");
    gru_text_put_int(header, end);
    gru_text_puts(header, "]}");
}

static void put_metadata(struct file_text *header, const struct metadata_out *metadata,
                         bool is_followed)
{
    size_t n = 0;
    for (size_t k = 0; k < METADATA_OUT_MAX; k++) {
        if (metadata[k].text) {
            gru_text_puts(header, n++ > 0 ? "," : "\"__metadata__\":{");
            gru_text_put_string(header, metadata[k].key, strlen(metadata[k].key));
            gru_text_puts(header, ":");
            gru_text_put_string(header, metadata[k].text, metadata[k].n);
        }
    }
    if (n > 0) {
        gru_text_puts(header, is_followed ? "}," : "}");
    }
}

/* The header, padded with spaces so that the data behind it is aligned, as the reference writer
 * does. */
static bool put_header(struct file_text *header, const struct tensor_out *tensors, size_t n,
                       const struct metadata_out *metadata, size_t *ret_n_data)
{
    size_t begin = 0;
    gru_text_puts(header, "{");
    put_metadata(header, metadata, n > 0);
    for (size_t k = 0; k < n; k++) {
        size_t n_bytes, end;
        if (!count_bytes(&tensors[k], &n_bytes) || __builtin_add_overflow(begin, n_bytes, &end)) {
            return false;
        }
        put_tensor(header, &tensors[k], begin, end);
        gru_text_puts(header, k + 1 < n ? "," : "");
        begin = end;
    }
    gru_text_puts(header, "}");
    while (header->n % HEADER_ALIGNMENT != 0 && !header->failed) {
        gru_text_puts(header, " ");
    }
    *ret_n_data = begin;
    return !header->failed;
}

static unsigned char *put_values(unsigned char *p, const struct tensor_out *tensor)
{
    size_t n = tensor->rows * (tensor->columns > 0 ? tensor->columns : 1);
    for (size_t k = 0; k < n; k++) {
        uint32_t bits;
        memcpy(&bits, &tensor->values[k], sizeof bits);
        store_le32(p, bits);
        p += sizeof bits;
    }
    return p;
}

enum gru_status gru_safetensors_write(const struct tensor_out *tensors, size_t n,
                                      const struct metadata_out metadata[METADATA_OUT_MAX],
                                      void **ret_bytes, size_t *ret_n_bytes)
{
    struct file_text header = { 0 };
    unsigned char *bytes = NULL;
    size_t n_data, n_all;
    enum gru_status status = GRU_NO_MEMORY;
    if (put_header(&header, tensors, n, metadata, &n_data) &&
        !__builtin_add_overflow(PREFIX_BYTES + header.n, n_data, &n_all)) {
        bytes = malloc(n_all);
    }
    if (bytes && header.n > SAFETENSORS_HEADER_MAX) {
        free(bytes); /* no reader would take it */
        status = GRU_BAD_FILE;
    } else if (bytes) {
        store_le64(bytes, header.n);
        memcpy(bytes + PREFIX_BYTES, header.p, header.n);
        unsigned char *p = bytes + PREFIX_BYTES + header.n;
        for (size_t k = 0; k < n; k++) {
            p = put_values(p, &tensors[k]);
        }
        *ret_bytes = bytes;
        *ret_n_bytes = n_all;
        status = GRU_OK;
    }
    gru_text_done(&header);
    return status;
}
