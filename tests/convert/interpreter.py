"""The equations of docs/MODELS.md in float64, from a model file alone: nothing of grud-convert's is
used here, so that it cannot be wrong in the same way."""

import json
import math
import re
import struct

import numpy as np

ERF = np.frompyfunc(math.erf, 1, 1)
SELU_SCALE, SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717


def logistic(x):
    return 1.0 / (1.0 + np.exp(-x))


ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": lambda x: x * (x > 0),
    "leaky_relu": lambda x: x * np.where(x > 0, 1.0, 0.01),
    "elu": lambda x: np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1),
    "selu": lambda x: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * (np.exp(np.minimum(x, 0)) - 1)),
    "gelu": lambda x: x / 2 * (1 + ERF(x / math.sqrt(2)).astype(float)),
    "silu": lambda x: x * logistic(x),
    "tanh": np.tanh,
    "sigmoid": logistic,
    "softplus": lambda x: np.logaddexp(0, x),
    "softmax": lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
}


def read_file(path):
    """Tensors by name, and what the file says of itself."""
    with open(path, "rb") as file:
        data = file.read()
    (n,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + n])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        assert entry["dtype"] == "F32", name
        begin, end = entry["data_offsets"]
        part = np.frombuffer(data[8 + n + begin : 8 + n + end], "<f4")
        tensors[name] = part.reshape(entry["shape"]).astype(np.float64)
    return tensors, json.loads(metadata.get("grud", "{}"))


def network_of(tensors, grud):
    """The chain that a file without `network` means."""
    prefixes = []
    for name in tensors:
        match = re.fullmatch(r"(.*)\.weight_ih_l0", name)
        if match:
            prefixes.append(match.group(1))
    assert len(prefixes) == 1 or "order" in grud
    (read_out,) = [n[:-7] for n, t in tensors.items() if n.endswith(".weight") and t.ndim == 2]
    recurrent = [{"type": "recurrent", "prefix": p} for p in grud.get("order", prefixes)]
    for entry in recurrent:
        entry.update({k: grud[k] for k in ("reset",) if k in grud})
    last = {"type": "dense", "prefix": read_out, "activation": grud.get("activation", "linear")}
    return [*recurrent, last]


def recur(entry, tensors, ending, h, c, rows):
    def tensor(part, default=0.0):
        return tensors.get(f"{entry['prefix']}.{part}{ending}", default)

    w, u, b_ih, b_hh = (tensor(p) for p in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    size = u.shape[1]
    out = []
    for x in rows:
        p, q = w @ x + b_ih, u @ h + b_hh
        if len(u) == 4 * size:
            i, f, g, o = (p + q).reshape(4, size)
            c = logistic(f) * c + logistic(i) * np.tanh(g)
            h = logistic(o) * np.tanh(c)
        else:
            r, z = logistic(p + q)[: 2 * size].reshape(2, size)
            inner = r * q[2 * size :]
            if entry.get("reset") == "before":
                inner = (u @ (r * h) + b_hh)[2 * size :]
            h = (1 - z) * np.tanh(p[2 * size :] + inner) + z * h
        out.append(h)
    return np.array(out)


def run_recurrent(entry, tensors, x):
    k = 0
    while f"{entry['prefix']}.weight_hh_l{k}" in tensors:
        size = tensors[f"{entry['prefix']}.weight_hh_l{k}"].shape[1]
        first = [
            tensors[entry[key]].reshape(-1, size)[k] if key in entry else np.zeros(size)
            for key in ("initial_state", "initial_cell")
        ]
        ways = [recur(entry, tensors, f"_l{k}", *first, x)]
        if f"{entry['prefix']}.weight_hh_l{k}_reverse" in tensors:
            ways.append(recur(entry, tensors, f"_l{k}_reverse", *first, x[::-1])[::-1])
        x = np.concatenate(ways, axis=1)
        k += 1
    assert k > 0, entry
    return x


def run_entry(entry, tensors, x):
    kind = entry["type"]
    if kind in ("recurrent", "gru", "lstm"):
        return run_recurrent(entry, tensors, x)
    if kind == "activation":
        return ACTIVATIONS[entry["activation"]](x)
    if kind == "heads":
        heads = [run_entry({"type": "dense", **head}, tensors, x) for head in entry["heads"]]
        return np.concatenate(heads, axis=1)
    weight = tensors.get(entry["prefix"] + ".weight", 1.0)
    bias = tensors.get(entry["prefix"] + ".bias", 0.0)
    if kind == "dense":
        return ACTIVATIONS[entry.get("activation", "linear")](x @ weight.T + bias)
    if kind == "layer_norm":
        mean, variance = x.mean(1, keepdims=True), x.var(1, keepdims=True)
    else:
        mean, variance = (tensors[f"{entry['prefix']}.running_{w}"] for w in ("mean", "var"))
    return (x - mean) / np.sqrt(variance + entry.get("eps", 1e-5)) * weight + bias


def scaling(entries, n, inputs=()):
    by_name = {entry["name"]: entry for entry in inputs}
    entries = entries or [{}] * n
    entries = [
        e if "mean" in e or "std" in e else {**by_name.get(e.get("name"), {}), **e}
        for e in entries
    ]
    return [np.array([e.get(k, v) for e in entries]) for k, v in (("mean", 0.0), ("std", 1.0))]


def run_file(path, x):
    """The outputs of a model file for rows, in raw units."""
    tensors, grud = read_file(path)
    x = np.asarray(x, dtype=np.float64)
    mean, std = scaling(grud.get("inputs"), x.shape[1])
    y = (x - mean) / std
    for entry in grud.get("network") or network_of(tensors, grud):
        y = run_entry(entry, tensors, y)
    steps = grud.get("steps", 1)
    y = y.reshape(len(x), steps, -1)
    mean, std = scaling(grud.get("outputs"), y.shape[2], grud.get("inputs", ()))
    y = y * std + mean
    if grud.get("residual"):
        names = [entry["name"] for entry in grud["inputs"]]
        for k, entry in enumerate(grud["outputs"]):
            if entry["name"] in names:
                y[:, :, k] += x[:, names.index(entry["name"])][:, None]
    return y.reshape(len(x), -1)
