/*
 * fixture.h - model files made in memory, for tests of what a file may and may not be.
 *
 *     struct fixture f = fixture_new();
 *     fixture_layer(&f, "gru.", 0, 3, 2, 4);
 *     fixture_tensor(&f, "fc.weight", 1, 4);
 *     expect_refused(fixture_file(&f), GRU_BAD_TENSORS, "fc.weight", "columns");
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include "gru.h"

enum { FIXTURE_TENSORS_MAX = 80 };

struct fixture_tensor {
    char name[160];
    const char *dtype;
    size_t rows, columns; /* columns 0: a vector */
    size_t middle;        /* of a tensor of three sizes, between the two; 0: of fewer */
    unsigned char *bytes;
    size_t n_bytes;
};

struct fixture {
    const char *grud; /* metadata, or NULL */
    struct fixture_tensor tensors[FIXTURE_TENSORS_MAX];
    size_t n;
};

/* A whole file; whoever takes one frees its bytes. */
struct file {
    unsigned char *bytes;
    size_t n;
};

struct fixture fixture_new(void);
/* A tensor of F32 values in [-0.5, 0.5) that depend on how many came before it. */
void fixture_tensor(struct fixture *f, const char *name, size_t rows, size_t columns);
void fixture_raw_tensor(struct fixture *f, const char *name, const char *dtype, size_t rows,
                        size_t columns, const void *bytes, size_t n_bytes);
/* The four tensors of a recurrent layer. */
void fixture_layer(struct fixture *f, const char *prefix, size_t layer, size_t n_gates,
                   size_t n_inputs, size_t n_hidden);
float *fixture_values(struct fixture *f, const char *name); /* to change them */
void fixture_remove(struct fixture *f, const char *name);
void fixture_rename(struct fixture *f, const char *name, const char *new_name);
/* Ends the fixture. */
struct file fixture_file(struct fixture *f);

/* 2 inputs, one layer of 4 units, 2 outputs: gru.*_l0, fc.weight, fc.bias. */
struct fixture fixture_small(void);

/* A file of any header text and n_data zero bytes. */
struct file file_of(const char *header, size_t n_data);
struct file file_read(const char *path);

struct gru_model *expect_loaded(struct file file);
/* That a file is refused with this status and parameter, and a message that holds `part`. */
void expect_refused(struct file file, enum gru_status status, const char *param, const char *part);
/* The same of a fixture, which ends; refused with GRU_BAD_TENSORS. */
struct gru_model *fixture_loaded(struct fixture *f);
void fixture_refused(struct fixture *f, const char *param, const char *part);
void expect_layer(const struct gru_model *model, size_t l, size_t input_size, size_t hidden_size);
/* That two models are the same bit for bit: description, weights, selftest. */
void expect_same(const struct gru_model *a, const struct gru_model *b);
struct file save(const struct gru_model *model);

#endif
