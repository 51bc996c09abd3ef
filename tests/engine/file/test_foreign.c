/* What is given as a model and is another program's file: its beginnings, and what is said of it.
 */
#include "engine/fixture.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

/* The first bytes of a file, and the last ones; zeros between them, or nothing. */
struct ends {
    size_t n_head, n_tail, n_file;
    const char *head, *tail;
};
#define HEAD(bytes)      .head = (bytes), .n_head = sizeof(bytes) - 1
#define TAIL(bytes)      .tail = (bytes), .n_tail = sizeof(bytes) - 1
#define LOCAL_HEADER     "PK\3\4\x14\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\x12\0"
#define CENTRAL_HEADER   "PK\1\2\0\0\0\0\0\0"
#define END_OF_DIRECTORY "PK\5\6\0\0\0\0\1\0\1\0\x10\0\0\0\0\x10\0\0\0\0"

static const struct {
    struct ends ends;
    const char *name, *way;
} files[] = {
    { { HEAD(LOCAL_HEADER "archive/data.pkl"), .n_file = 9000 },
      "a PyTorch archive",
      "`grud-convert FILE -o" },
    { { HEAD(LOCAL_HEADER "model/data/0"), TAIL(CENTRAL_HEADER "model/data.pkl" END_OF_DIRECTORY),
        .n_file = 900000 },
      "a PyTorch archive",
      "`grud-convert FILE -o" },
    { { HEAD(LOCAL_HEADER "m/data/0"),
        TAIL(CENTRAL_HEADER "m/data.pkl" CENTRAL_HEADER "m/constants.pkl" END_OF_DIRECTORY),
        .n_file = 300000 },
      "a TorchScript archive",
      "`grud-convert FILE -o" },
    { { HEAD(LOCAL_HEADER "metadata.json"),
        TAIL(CENTRAL_HEADER "model.weights.h5" END_OF_DIRECTORY), .n_file = 300000 },
      "a Keras archive",
      "`grud-convert FILE -o" },
    { { HEAD(LOCAL_HEADER "kernel.npy"), .n_file = 5000 }, "a NumPy archive", "save_file" },
    { { HEAD(LOCAL_HEADER "readme.txt") }, "a zip archive", "unpack it" },
    { { HEAD(END_OF_DIRECTORY) }, "an empty zip archive", "fetch" },
    { { HEAD("\x89HDF\r\n\x1a\n\0\0\0\0\0\x08\x08\0") }, "an HDF5 file", "`grud-convert FILE -o" },
    { { HEAD("\x80\2\x8a\nl\xfc\x9c"
             "F\xf9 j\xa8P\x19.\x80\2M\xe9\3.") },
      "a PyTorch file of before",
      "`grud-convert FILE -o" },
    { {
          HEAD("\x80\2}q\0X\1\0\0\0a."),
      },
      "a Python pickle",
      "state_dict" },
    { {
          HEAD("\x80\4\x95\x0b\0\0\0\0\0\0\0}\x94."),
      },
      "a Python pickle",
      "state_dict" },
    { {
          HEAD("\x80\5\x95\x93\0\0\0\0\0\0\0}\x94\x8c\1as."),
      },
      "a Python pickle",
      "state_dict" },
    { { HEAD("\x93NUMPY\1\0v\0{'descr': '<f8'") }, "a NumPy array", "save_file" },
    { { HEAD("GGUF\3\0\0\0\x10\0\0\0\0\0\0\0") }, "a GGUF file", "made from: `grud-convert FILE" },
    { { HEAD("\x1c\0\0\0TFL3\0\0\0\0") },
      "a TensorFlow Lite model",
      "made from: `grud-convert FILE" },
    { { HEAD("\x1c\0\0\0ORTM\0\0\0\0") },
      "an ONNX Runtime model",
      "made from: `grud-convert FILE" },
    { { HEAD("\x08\x0a:3\n\x0c\n\1x\x12\1y\"\4Relu") }, "an ONNX model", "`grud-convert FILE -o" },
    { { HEAD("\x08\7\x12\7pytorch\x1a\3"
             "2.1:") },
      "an ONNX model",
      "`grud-convert FILE -o" },
    { { HEAD("\x08\x0e"
             "B\4\n\0\x10\x15") },
      "an ONNX model",
      "`grud-convert FILE -o" },
    { { HEAD("\x08\1\x12\xd4\x10\n\x1a\x12\5serve") }, "a TensorFlow SavedModel", "model.save(" },
    { { HEAD("\0\0\1\0model/kernel"), TAIL("\0\0W\xfb\x80\x8b$uG\xdb"), .n_file = 2000 },
      "a TensorFlow checkpoint",
      "model.save(" },
    { { HEAD("<?xml version=\"1.0\"?><net name=") },
      "an XML file",
      "made from: `grud-convert FILE" },
    { { HEAD("\x1f\x8b\x08\0\0\0\0\0\0\3") }, "a gzip file", "unpack it" },
    { { HEAD("\x28\xb5\x2f\xfd\x24\x05") }, "a zstd file", "unpack it" },
    { { HEAD("\xfd"
             "7zXZ\0\0\4") },
      "an xz file",
      "unpack it" },
    { { HEAD("BZh91AY&SY") }, "a bzip2 file", "unpack it" },
    { { HEAD("7z\xbc\xaf\x27\x1c\0\4") }, "a 7-Zip archive", "unpack it" },
    { { HEAD("model/"),
        TAIL("ustar\0"
             "00"),
        .n_file = 265 },
      "a tar archive",
      "unpack it" },
    { { HEAD("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n") },
      "a pointer of Git LFS",
      "git lfs pull" },
    { { HEAD("<!DOCTYPE html>\n<html>") }, "an HTML page", "fetch" },
    { { HEAD("<!doctype html><html>") }, "an HTML page", "fetch" },
    { { HEAD("<html><body>404") }, "an HTML page", "fetch" },
};
enum { N_FILES = sizeof files / sizeof *files };

/* In memory of its exact size. */
static struct file make_file(const struct ends *ends)
{
    const size_t n_least = ends->n_head + ends->n_tail;
    struct file file = { .n = ends->n_file > n_least ? ends->n_file : n_least };
    file.bytes = calloc(file.n, 1);
    ck_assert_ptr_nonnull(file.bytes);
    memcpy(file.bytes, ends->head, ends->n_head);
    if (ends->tail) {
        memcpy(file.bytes + file.n - ends->n_tail, ends->tail, ends->n_tail);
    }
    return file;
}

TEST(a_file_of_another_program_is_named_with_the_way_to_a_model)
{
    for (size_t k = 0; k < N_FILES; k++) {
        struct file file = make_file(&files[k].ends);
        const char *text = gru_foreign_text(file.bytes, file.n);
        ck_assert_msg(text, "%s is not known", files[k].name);
        ck_assert_msg(strncmp(text, "is ", 3) == 0 &&
                          strncmp(text + 3, files[k].name, strlen(files[k].name)) == 0 &&
                          strstr(text, "not a safetensors file: ") && strstr(text, files[k].way),
                      "%s: %s", files[k].name, text);
        expect_refused(file, GRU_BAD_FILE, "", text);
    }
}

/* A long file's two ends say as much as all of it. */
TEST(the_two_ends_of_a_file_are_enough)
{
    enum { NEAR = 1 << 16 };
    for (size_t k = 0; k < N_FILES; k++) {
        struct file file = make_file(&files[k].ends);
        const char *text = gru_foreign_text(file.bytes, file.n);
        if (file.n > (size_t)2 * NEAR) {
            memmove(file.bytes + NEAR, file.bytes + file.n - NEAR, NEAR);
            ck_assert_ptr_eq(gru_foreign_text(file.bytes, (size_t)2 * NEAR), text);
        }
        free(file.bytes);
    }
}

/* Nothing behind the bytes is read, however early they end. */
TEST(a_beginning_alone_is_looked_at_and_no_more)
{
    for (size_t k = 0; k < N_FILES; k++) {
        for (size_t n = 0; n < files[k].ends.n_head; n++) {
            unsigned char *bytes = malloc(n > 0 ? n : 1);
            ck_assert_ptr_nonnull(bytes);
            memcpy(bytes, files[k].ends.head, n);
            (void)gru_foreign_text(n > 0 ? bytes : NULL, n);
            free(bytes);
        }
    }
}

TEST(what_is_not_known_and_damaged_models_are_left_to_their_checks)
{
    static const struct ends others[] = {
        { HEAD("") },
        { HEAD("x") },
        { HEAD("{\"weights\":[1,2]}") },
        { HEAD("\x80\2 is no pickle without its end") },
        { HEAD("\x08\x0a\x08\x01 is no message") },
        { HEAD("\x08\x05\x12\x30\n\x05image is Core ML") },
        {
            HEAD("\x80\2\0\0\0\0\0\0{\"a\":{}} cut short."),
        },
        { HEAD("\x1f\x8b\x08\0\0\0\0\0{\"a\":{}}") },
    };
    for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
        struct file file = make_file(&others[k]);
        ck_assert_ptr_null(gru_foreign_text(file.bytes, file.n));
        free(file.bytes);
    }
}
