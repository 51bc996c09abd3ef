/* The table of what is known, and its way out; see diagnosis.h. */
#include "engine/file/diagnosis.h"
#include "engine/buffer.h"
#include "engine/fail.h"
#include "engine/file/network_guess.h"
#include "engine/file/scaler_tensors.h"
#include "engine/file/tensor_names.h"

#include <stdio.h>
#include <string.h>

/* By the class, in its own framework. */
#define BY_CONVERTING "grud-convert FILE --model net.py:Class -o NAME.safetensors"

static bool ends_in(const struct tensor_view *tensor, const char *end)
{
    return gru_name_ends_in(tensor->name, strlen(tensor->name), end);
}

static bool holds(const struct tensor_view *tensor, const char *part)
{
    return strstr(tensor->name, part) != NULL;
}

/* Whether a part of the name between two full stops begins so. */
static bool has_part(const struct tensor_view *tensor, const char *begin)
{
    const size_t n = strlen(begin);
    for (const char *p = tensor->name; p; p = strchr(p, '.') ? strchr(p, '.') + 1 : NULL) {
        if (strncmp(p, begin, n) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_recurrent(const struct tensor_view *tensor)
{
    return gru_tensor_name_parse(gru_layer_kind_row(GRU_LAYER_GRU), tensor->name).role !=
           ROLE_OTHER;
}

/* ---- what there is ---- */

typedef bool fits_fn(const struct safetensors *file, const struct tensor_view *tensor);

static bool fits_weight_norm(const struct safetensors *file, const struct tensor_view *tensor)
{
    char twin[256];
    const size_t n = strlen(tensor->name);
    if (!ends_in(tensor, "_g") || n >= sizeof twin) {
        return false;
    }
    memcpy(twin, tensor->name, n + 1);
    twin[n - 1] = 'v';
    return gru_safetensors_find(file, twin) != NULL;
}

static bool fits_parametrization(const struct safetensors *file, const struct tensor_view *tensor)
{
    (void)file;
    return has_part(tensor, "parametrizations");
}

static bool fits_spectral_norm(const struct safetensors *file, const struct tensor_view *tensor)
{
    (void)file;
    return ends_in(tensor, "_orig");
}

static bool fits_counter(const struct safetensors *file, const struct tensor_view *tensor)
{
    (void)file;
    return ends_in(tensor, "n_averaged");
}

static bool fits_average(const struct safetensors *file, const struct tensor_view *tensor)
{
    const char *rest = strchr(tensor->name, '.');
    const bool is_twin = strncmp(tensor->name, "module.", strlen("module.")) == 0 &&
                         gru_safetensors_find(file, rest + 1);
    return is_recurrent(tensor) &&
           (is_twin || has_part(tensor, "ema") || has_part(tensor, "model_ema") ||
            has_part(tensor, "swa_") || has_part(tensor, "averaged") ||
            has_part(tensor, "avg_model") || has_part(tensor, "shadow"));
}

static bool fits_attention(const struct safetensors *file, const struct tensor_view *tensor)
{
    (void)file;
    return !is_recurrent(tensor) && (holds(tensor, "attn") || holds(tensor, "attention") ||
                                     ends_in(tensor, "in_proj_weight"));
}

static bool fits_convolution(const struct safetensors *file, const struct tensor_view *tensor)
{
    (void)file;
    return !is_recurrent(tensor) && ends_in(tensor, "weight") && tensor->n_dims >= 3;
}

static bool fits_embedding(const struct safetensors *file, const struct tensor_view *tensor)
{
    (void)file;
    return has_part(tensor, "emb") && ends_in(tensor, "weight") && tensor->n_dims == 2 &&
           !is_recurrent(tensor);
}

static bool fits_decoder(const struct safetensors *file, const struct tensor_view *tensor)
{
    (void)file;
    return has_part(tensor, "dec") && is_recurrent(tensor);
}

/* ---- the ways out ---- */

typedef void way_fn(const struct tensor_view *tensor, char *out, size_t size);

/* The first n bytes of "gru.weight_hh_l0_g" as the arguments of a call: "model.gru,
 * 'weight_hh_l0'"; numbers between full stops are indices. */
static struct shown show_member(const char *name, size_t n)
{
    char out[160];
    const size_t size = sizeof out;
    size_t n_module = n, used = (size_t)snprintf(out, size, "model");
    while (n_module > 0 && name[n_module - 1] != '.') {
        n_module--;
    }
    for (size_t at = 0; at + 1 < n_module && used < size;) {
        const size_t n_part = strcspn(name + at, ".");
        const bool is_index = strspn(name + at, "0123456789") == n_part;
        used += (size_t)snprintf(out + used, size - used, is_index ? "[%.*s]" : ".%.*s",
                                 (int)n_part, name + at);
        at += n_part + 1;
    }
    if (used < size) {
        snprintf(out + used, size - used, ", '%.*s'", (int)(n - n_module), name + n_module);
    }
    return gru_show(out);
}

static void say_weight_norm(const struct tensor_view *tensor, char *out, size_t size)
{
    const struct shown member = show_member(tensor->name, strlen(tensor->name) - strlen("_g"));
    snprintf(out, size,
             "torch.nn.utils.remove_weight_norm(%s) before model.state_dict() puts the weight "
             "itself in its place; or " BY_CONVERTING,
             member.text);
}

static void say_spectral_norm(const struct tensor_view *tensor, char *out, size_t size)
{
    const struct shown member = show_member(tensor->name, strlen(tensor->name) - strlen("_orig"));
    snprintf(out, size,
             "torch.nn.utils.remove_spectral_norm(%s) before model.state_dict() puts the weight "
             "itself in its place; or " BY_CONVERTING,
             member.text);
}

/* "gru.parametrizations.weight_hh_l0.original0" */
static void say_parametrization(const struct tensor_view *tensor, char *out, size_t size)
{
    static const char mark[] = "parametrizations.";
    char plain[160];
    const char *at = strstr(tensor->name, mark);
    const char *rest = at ? at + strlen(mark) : tensor->name;
    snprintf(plain, sizeof plain, "%.*s%.*s", at ? (int)(at - tensor->name) : 0, tensor->name,
             (int)strcspn(rest, "."), rest);
    const struct shown member = show_member(plain, strlen(plain));
    snprintf(out, size,
             "torch.nn.utils.parametrize.remove_parametrizations(%s) before model.state_dict() "
             "puts the weight itself in its place; or " BY_CONVERTING,
             member.text);
}

static void say_counter(const struct tensor_view *tensor, char *out, size_t size)
{
    snprintf(out, size, "del state_dict['%s'], and write the rest", gru_show(tensor->name).text);
}

static void say_average(const struct tensor_view *tensor, char *out, size_t size)
{
    const struct shown prefix = gru_show_n(tensor->name, strcspn(tensor->name, ".") + 1);
    snprintf(out, size,
             "write one of the two, as in save_file({k: v for k, v in state_dict.items() if "
             "k.startswith('%s')}, 'model.safetensors')",
             prefix.text);
}

static void say_embedding(const struct tensor_view *tensor, char *out, size_t size)
{
    const struct shown name = gru_show(tensor->name);
    snprintf(out, size,
             "with classes as inputs of 0 and 1 it is a dense layer of its transpose, "
             "state_dict['%s'] = state_dict['%s'].T.contiguous(), that \"network\" lists "
             "(docs/MODELS.md)",
             name.text, name.text);
}

#define SERVED                                                                                     \
    "grud serves chains of recurrent, dense and normalising layers (docs/MODELS.md): train one "   \
    "without it"

static void say_served(const struct tensor_view *tensor, char *out, size_t size)
{
    (void)tensor;
    snprintf(out, size, SERVED);
}

static void say_decoder(const struct tensor_view *tensor, char *out, size_t size)
{
    (void)tensor;
    snprintf(
        out, size,
        "train one stack whose outputs feed its inputs, or with \"steps\" forecast at once; if "
        "it is a chain after all, list it as \"network\" (docs/MODELS.md)");
}

/* ---- the table ---- */

struct diagnosis {
    fits_fn *fits;
    const char *what;
    way_fn *say;
    bool is_certain; /* no layer has tensors of such a name */
    const char
        *beside; /* recurrent layers with such a part in their names are there, too; or NULL */
};

static const struct diagnosis diagnoses[] = {
    { fits_weight_norm, "of a weight normalisation", say_weight_norm, true, NULL },
    { fits_parametrization, "of a parametrization", say_parametrization, true, NULL },
    { fits_spectral_norm, "of a spectral normalisation", say_spectral_norm, true, NULL },
    { fits_average, "of a running average of the weights (EMA) beside the weights themselves",
      say_average, false, NULL },
    { fits_counter, "the counter of a running average of weights (EMA, SWA)", say_counter, true,
      NULL },
    { fits_attention, "of an attention, which weighs all rows at once", say_served, false, NULL },
    { fits_convolution, "of a convolution, which sees several rows at once", say_served, false,
      NULL },
    { fits_embedding, "of an embedding, which takes numbers of classes", say_embedding, false,
      NULL },
    { fits_decoder, "of a decoder behind an encoder, which is given its own outputs", say_decoder,
      false, "enc" },
};

static bool has_beside(const struct safetensors *file, const char *part)
{
    bool has = false;
    for (size_t k = 0; file->tensors && !has && k < file->n_tensors; k++) {
        has = has_part(&file->tensors[k], part) && is_recurrent(&file->tensors[k]);
    }
    return has;
}

static const struct tensor_view *find(const struct safetensors *file,
                                      const struct diagnosis *diagnosis)
{
    if (diagnosis->beside && !has_beside(file, diagnosis->beside)) {
        return NULL;
    }
    for (size_t k = 0; k < file->n_tensors; k++) {
        if (diagnosis->fits(file, &file->tensors[k])) {
            return &file->tensors[k];
        }
    }
    return NULL;
}

static bool say_network(const struct safetensors *file, struct gru_error *error)
{
    struct network_guess guess;
    if (!gru_network_guess(file, &guess)) {
        return false;
    }
    (void)gru_fail(
        error, GRU_BAD_TENSORS, "grud.network",
        "the tensors' names do not say how these layers work together: say it in the metadata "
        "as \"grud\" %s%s%s; or " BY_CONVERTING,
        guess.text,
        guess.is_open ? " with what acts between the layers in place of … (relu, linear, …)" : "",
        guess.is_one_of_several ? ", in the order of the model's own forward" : "");
    return true;
}

enum gru_status gru_diagnose(const struct safetensors *file, bool has_network,
                             enum gru_status status, struct gru_error *error)
{
    if (status != GRU_BAD_TENSORS || !error) {
        return status;
    }
    for (size_t k = 0; k < sizeof diagnoses / sizeof *diagnoses; k++) {
        const struct diagnosis *diagnosis = &diagnoses[k];
        const struct tensor_view *tensor =
            has_network && !diagnosis->is_certain ? NULL : find(file, diagnosis);
        if (tensor) {
            char way[400];
            const struct shown name = gru_show(tensor->name);
            diagnosis->say(tensor, way, sizeof way);
            return gru_fail(error, status, name.text, "tensor '%s' is %s: %s", name.text,
                            diagnosis->what, way);
        }
    }
    if (!gru_scaler_diagnose(file, error) && !has_network) {
        (void)say_network(file, error);
    }
    return status;
}
