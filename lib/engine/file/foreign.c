/* foreign.c - gru_foreign_text: what bytes are that are no safetensors file, by their first ones.
 * Formats are known here and not read: nothing of the bytes is trusted or kept. */
#include "gru.h"

#include <string.h>

/* How much of a long file is looked at, at its beginning and at its end. */
enum { NEAR_BYTES = 1 << 16 };

/* The ways to a model file; docs/MODELS.md, "From other formats", has more of them. */
#define BY_CONVERTING "`grud-convert FILE -o NAME.safetensors` makes a model of it (docs/MODELS.md)"
#define BY_KERAS                                                                                   \
    "load it in Keras, and model.save(\"NAME.keras\"); then "                                      \
    "`grud-convert NAME.keras -o NAME.safetensors` (docs/MODELS.md)"
#define BY_NUMPY "write its arrays with safetensors.numpy.save_file (docs/MODELS.md)"
#define BY_UNPICKLING                                                                              \
    "it can run any code when it is read; where it was made write the model's state_dict() with "  \
    "torch.save, then `grud-convert FILE -o NAME.safetensors` (docs/MODELS.md)"
#define BY_ORIGIN                                                                                  \
    "convert the model that it was made from: "                                                    \
    "`grud-convert FILE -o NAME.safetensors` (docs/MODELS.md)"
#define BY_UNPACKING "unpack it: a model is one .safetensors file"
#define BY_FETCHING  "fetch the model's file itself"

struct foreign {
    size_t at; /* where the magic bytes stand */
    const char *magic;
    size_t n_magic;
    const char *inside; /* stands near the beginning or the end as well; NULL: nothing need */
    bool (*fits)(const unsigned char *bytes, size_t n); /* where the magic bytes say too little */
    const char *text;
};

/* Protobuf messages whose first field is a small number, a version. */

static bool is_saved_model(const unsigned char *bytes, size_t n)
{
    enum { SCHEMA_VERSION = 1, META_GRAPHS = 0x12 };
    return n > 3 && bytes[1] == SCHEMA_VERSION && bytes[2] == META_GRAPHS;
}

/* Others begin so too, but in ONNX the second field, if it is there, is a program's name. */
static bool is_onnx(const unsigned char *bytes, size_t n)
{
    enum {
        IR_VERSION_MIN = 2,
        IR_VERSION_MAX = 40,
        PRODUCER_NAME = 0x12,
        GRAPH = 0x3a,
        OPSETS = 0x42
    };
    if (n < 6 || bytes[1] < IR_VERSION_MIN || bytes[1] > IR_VERSION_MAX) {
        return false;
    }
    const bool is_named = bytes[2] == PRODUCER_NAME && bytes[3] < 0x80 && bytes[4] > ' ';
    return is_named || bytes[2] == GRAPH || bytes[2] == OPSETS;
}

/* Protocols 2 to 5, which all end with a full stop. */
static bool is_pickle(const unsigned char *bytes, size_t n)
{
    return n > 2 && bytes[1] >= 2 && bytes[1] <= 5 && bytes[n - 1] == '.';
}

/* The number 0x1950a86a20f9469cfc6c, pickled. */
#define TORCH_MAGIC "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."

#define MAGIC(bytes)  .magic = (bytes), .n_magic = sizeof(bytes) - 1
#define IS(name, way) .text = "is " name ", not a safetensors file: " way

/* A row stands before those that its files would fit too. */
// clang-format off
static const struct foreign formats[] = {
    { MAGIC("PK\3\4"), .inside = "model.weights.h5",
      IS("a Keras archive (.keras)", BY_CONVERTING) },
    { MAGIC("PK\3\4"), .inside = "constants.pkl",
      IS("a TorchScript archive (.pt)", BY_CONVERTING) },
    { MAGIC("PK\3\4"), .inside = "data.pkl",
      IS("a PyTorch archive (.pt, .pth)", BY_CONVERTING) },
    { MAGIC("PK\3\4"), .inside = ".npy",
      IS("a NumPy archive (.npz)", BY_NUMPY) },
    { MAGIC("PK\3\4"),
      IS("a zip archive", BY_UNPACKING) },
    { MAGIC("PK\5\6"),
      IS("an empty zip archive", BY_FETCHING) },
    { MAGIC(TORCH_MAGIC),
      IS("a PyTorch file of before 1.6 (.pt, .pth)", BY_CONVERTING) },
    { MAGIC("\x80"), .fits = is_pickle,
      IS("a Python pickle (.pkl)", BY_UNPICKLING) },
    { MAGIC("\x89HDF\r\n\x1a\n"),
      IS("an HDF5 file (.h5, of Keras)", BY_CONVERTING) },
    { MAGIC("\x93NUMPY"),
      IS("a NumPy array (.npy)", BY_NUMPY) },
    { MAGIC("GGUF"),
      IS("a GGUF file", BY_ORIGIN) },
    { .at = 4, MAGIC("TFL3"),
      IS("a TensorFlow Lite model (.tflite)", BY_ORIGIN) },
    { .at = 4, MAGIC("ORTM"),
      IS("an ONNX Runtime model (.ort)", BY_ORIGIN) },
    { MAGIC("\x08"), .fits = is_saved_model,
      IS("a TensorFlow SavedModel (saved_model.pb)", BY_KERAS) },
    { MAGIC("\x08"), .fits = is_onnx,
      IS("an ONNX model (.onnx)", BY_CONVERTING) },
    { MAGIC(""), .inside = "W\xfb\x80\x8b$uG\xdb", /* how LevelDB's tables end */
      IS("a TensorFlow checkpoint (.index)", BY_KERAS) },
    { MAGIC("\x1f\x8b"),
      IS("a gzip file", BY_UNPACKING) },
    { MAGIC("\x28\xb5\x2f\xfd"),
      IS("a zstd file", BY_UNPACKING) },
    { MAGIC("\xfd" "7zXZ"),
      IS("an xz file", BY_UNPACKING) },
    { MAGIC("BZh"),
      IS("a bzip2 file", BY_UNPACKING) },
    { MAGIC("7z\xbc\xaf\x27\x1c"),
      IS("a 7-Zip archive", BY_UNPACKING) },
    { .at = 257, MAGIC("ustar"),
      IS("a tar archive", BY_UNPACKING) },
    { MAGIC("version https://git-lfs"),
      IS("a pointer of Git LFS", "git lfs pull fetches the file itself") },
    { MAGIC("<?xml"),
      IS("an XML file (.xml, of OpenVINO)", BY_ORIGIN) },
    { MAGIC("<!DOCTYPE"),
      IS("an HTML page", BY_FETCHING) },
    { MAGIC("<!doctype"),
      IS("an HTML page", BY_FETCHING) },
    { MAGIC("<html"),
      IS("an HTML page", BY_FETCHING) },
};
// clang-format on

static bool has_near(const unsigned char *bytes, size_t n, const char *text)
{
    const size_t near = n < NEAR_BYTES ? n : NEAR_BYTES, n_text = strlen(text);
    return memmem(bytes, near, text, n_text) || memmem(bytes + n - near, near, text, n_text);
}

static bool is_of(const struct foreign *foreign, const unsigned char *bytes, size_t n)
{
    return n >= foreign->at + foreign->n_magic &&
           memcmp(bytes + foreign->at, foreign->magic, foreign->n_magic) == 0 &&
           (!foreign->fits || foreign->fits(bytes, n)) &&
           (!foreign->inside || has_near(bytes, n, foreign->inside));
}

/* A header's length below 2^40 and its bracket: a damaged one, whatever else the length spells. */
static bool begins_as_safetensors(const unsigned char *bytes, size_t n)
{
    return n > 8 && bytes[5] == 0 && bytes[6] == 0 && bytes[7] == 0 && bytes[8] == '{';
}

const char *gru_foreign_text(const void *bytes, size_t n_bytes)
{
    if (n_bytes == 0 || begins_as_safetensors(bytes, n_bytes)) {
        return NULL;
    }
    for (size_t k = 0; k < sizeof formats / sizeof *formats; k++) {
        if (is_of(&formats[k], bytes, n_bytes)) {
            return formats[k].text;
        }
    }
    return NULL;
}
