#!/usr/bin/env python3
# /// script
# requires-python = ">=3.9"
# dependencies = ["numpy"]
# # and what the model was made with: torch; keras and h5py, with a backend; onnx, and onnxruntime
# # if it is there; scikit-learn and joblib for --scaler
# ///
"""grud-convert makes a model file of grud from a model of PyTorch, Keras or ONNX.

It finds the chain of layers by following what the model computes, from its output back to its
input. The chain is then run by the equations of docs/MODELS.md and compared with the model itself,
which runs in its own framework. The rows of that run go into the file as its `selftest`, so that
grud compares once more. What no layer of grud does is refused by the name of the layer or node.
"""

from __future__ import annotations

import argparse
import collections
import importlib
import inspect
import json
import math
import pickle
import re
import struct
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

Array = Any  # numpy.ndarray
N_ROWS = 20  # of the selftest
TOLERANCE = 3e-5  # between float32 in a framework and the equations in float64


class Refused(Exception):
    """One sentence for the user: what is not understood, by name, and the way out."""

    rank = 0  # of several tries, the refusal of the lowest rank is told


class Mismatch(Refused):
    rank = 1


class WrongShape(Refused):
    rank = 2


# ---- layers, and what they compute ---------------------------------------------------------------


@dataclass
class Layer:
    """One entry of `network`. Tensors are as PyTorch has them: rows r,z,n or i,f,g,o."""

    kind: str
    name: str
    tensors: Dict[str, Array] = field(default_factory=dict)
    keys: Dict[str, Any] = field(default_factory=dict)
    heads: List["Layer"] = field(default_factory=list)
    key: Any = None  # the same of two layers that share their weights

    def identity(self) -> Any:
        return self.name if self.key is None else self.key


def sigmoid(x: Array) -> Array:
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


erf = np.vectorize(math.erf, otypes=[float])

ACTIVATIONS: Dict[str, Callable[[Array], Array]] = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0.0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0.0))),
    "selu": lambda x: 1.0507009873554805
    * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0.0))),
    "gelu": lambda x: 0.5 * x * (1.0 + erf(x / math.sqrt(2.0))),
    "silu": lambda x: x * sigmoid(x),
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "softplus": lambda x: np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x))),
    "softmax": softmax,
}


def run_gru(layer: Layer, w: Dict[str, Array], h: Array, x: Array) -> Array:
    size = h.size
    p = x @ w["weight_ih"].T + w["bias_ih"]
    rows = []
    for row in p:
        q = w["weight_hh"] @ h + w["bias_hh"]
        r, z = np.split(sigmoid(row[: 2 * size] + q[: 2 * size]), 2)
        if layer.keys.get("reset") == "before":
            new = w["weight_hh"][2 * size :] @ (r * h) + w["bias_hh"][2 * size :]
        else:
            new = r * q[2 * size :]
        h = (1 - z) * np.tanh(row[2 * size :] + new) + z * h
        rows.append(h)
    return np.array(rows)


def run_lstm(w: Dict[str, Array], h: Array, c: Array, x: Array) -> Array:
    p = x @ w["weight_ih"].T + w["bias_ih"]
    rows = []
    for row in p:
        i, f, g, o = np.split(row + w["weight_hh"] @ h + w["bias_hh"], 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        rows.append(h)
    return np.array(rows)


def direction(layer: Layer, ending: str) -> Dict[str, Array]:
    """The tensors of one layer and direction, by their names without the number."""
    w = {
        name: layer.tensors[name + ending]
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        if name + ending in layer.tensors
    }
    zeros = np.zeros(len(w["weight_ih"]))
    return {"bias_ih": zeros, "bias_hh": zeros, **w}


def run_recurrent(layer: Layer, x: Array) -> Array:
    for k in range(n_stacked(layer)):
        outputs = []
        for ending in (f"_l{k}", f"_l{k}_reverse"):
            if "weight_ih" + ending not in layer.tensors:
                continue
            w = direction(layer, ending)
            h, c = first_states(layer, k, w["weight_hh"].shape[1])
            rows = x[::-1] if ending.endswith("_reverse") else x
            y = run_gru(layer, w, h, rows) if layer.kind == "gru" else run_lstm(w, h, c, rows)
            outputs.append(y[::-1] if ending.endswith("_reverse") else y)
        x = np.concatenate(outputs, axis=-1)
    return x


def n_stacked(layer: Layer) -> int:
    return len([n for n in layer.tensors if re.fullmatch(r"weight_ih_l\d+", n)])


def is_bidirectional(layer: Layer) -> bool:
    return "weight_ih_l0_reverse" in layer.tensors


def first_states(layer: Layer, k: int, size: int) -> Tuple[Array, Array]:
    states = [layer.tensors.get(n) for n in ("initial_state", "initial_cell")]
    h, c = (np.zeros(size) if s is None else s.reshape(-1, size)[k] for s in states)
    return h, c


def run_dense(layer: Layer, x: Array) -> Array:
    y = x @ layer.tensors["weight"].T + layer.tensors.get("bias", 0.0)
    return ACTIVATIONS[layer.keys.get("activation", "linear")](y)


def run_layer_norm(layer: Layer, x: Array) -> Array:
    d = x - x.mean(axis=-1, keepdims=True)
    y = d / np.sqrt((d * d).mean(axis=-1, keepdims=True) + layer.keys["eps"])
    return y * layer.tensors["weight"] + layer.tensors.get("bias", 0.0)


def run_batch_norm(layer: Layer, x: Array) -> Array:
    t = layer.tensors
    y = (x - t["running_mean"]) / np.sqrt(t["running_var"] + layer.keys["eps"])
    return y * t.get("weight", 1.0) + t.get("bias", 0.0)


RUN: Dict[str, Callable[[Layer, Array], Array]] = {
    "gru": run_recurrent,
    "lstm": run_recurrent,
    "dense": run_dense,
    "layer_norm": run_layer_norm,
    "batch_norm": run_batch_norm,
    "activation": lambda layer, x: ACTIVATIONS[layer.keys["activation"]](x),
    "affine": lambda layer, x: x * layer.tensors["scale"] + layer.tensors["shift"],
    "heads": lambda layer, x: np.concatenate([run_dense(h, x) for h in layer.heads], axis=-1),
}
RECURRENT = ("gru", "lstm")


def run_layers(layers: Sequence[Layer], x: Array) -> Array:
    """Rows in, rows out, in float64."""
    for layer in layers:
        x = RUN[layer.kind](layer, x)
    return x


def width_in(layer: Layer) -> Optional[int]:
    """What a layer takes; None: whatever comes."""
    for name in ("weight_ih_l0", "weight"):
        if name in layer.tensors:
            return int(layer.tensors[name].shape[-1])
    if layer.heads:
        return width_in(layer.heads[0])
    return len(layer.tensors["running_mean"]) if layer.kind == "batch_norm" else None


def width_out(layer: Layer, width: int) -> int:
    if layer.kind in RECURRENT:
        directions = 2 if is_bidirectional(layer) else 1
        return directions * int(layer.tensors[f"weight_hh_l{n_stacked(layer) - 1}"].shape[1])
    if layer.kind == "dense":
        return len(layer.tensors["weight"])
    return sum(width_out(h, width) for h in layer.heads) or width


def check_widths(layers: Sequence[Layer]) -> Tuple[int, int]:
    """Inputs and outputs of the chain, whose layers fit one to the other."""
    if not any(layer.kind in RECURRENT for layer in layers):
        raise Refused("the model has no recurrent layer; grud serves networks with a GRU or LSTM")
    first = next(w for w in (width_in(layer) for layer in layers) if w is not None)
    width = first
    for layer in layers:
        takes = width_in(layer)
        if takes is not None and takes != width:
            raise Refused(
                f"layer '{layer.name}' takes {takes} values, and what comes before it gives "
                f"{width}; if it sees several steps or layers at once, let it see the last alone"
            )
        width = width_out(layer, width)
    return first, width


# ---- what a model computes, and the way back from its output ------------------------------------


@dataclass
class Ref:
    """A value that was computed. Numbers ascend in the order of computing."""

    number: int
    is_live: bool  # it depends on the readings
    get: Callable[[], Array]

    def value(self) -> Array:
        return np.asarray(self.get(), dtype=np.float64)


@dataclass
class Node:
    """One operation: `op` is the framework's word, `name` what messages call it."""

    op: str
    name: str
    args: Sequence[Any] = ()
    keys: Dict[str, Any] = field(default_factory=dict)
    index: int = 0  # which of its results was taken

    def arg(self, k: int, name: str, default: Any = None) -> Any:
        return self.args[k] if k < len(self.args) else self.keys.get(name, default)

    def live(self) -> List[Ref]:
        return [r for r in refs_in([*self.args, *self.keys.values()]) if r.is_live]


def refs_in(tree: Any) -> Iterable[Ref]:
    if isinstance(tree, Ref):
        yield tree
    elif isinstance(tree, (list, tuple)):
        for item in tree:
            yield from refs_in(item)


class Step(NamedTuple):
    """What a node is: its layers, first to last, and the value that they are applied to."""

    layers: List[Layer]
    source: Ref


@dataclass
class Graph:
    rules: Dict[str, Callable[["Graph", Node, Ref], Step]]
    nodes: Dict[int, Node] = field(default_factory=dict)
    input: int = 0


LAYERS_OF_GRUD = "GRU, LSTM, dense, layer and batch normalisation, activations and heads"
NOT_A_CELL = "convert the model that the graph was exported from, where it is still a GRU or LSTM"
ADVICE = {
    "loop": NOT_A_CELL,
    "scan": NOT_A_CELL,
    "if": NOT_A_CELL,
    "masking": "leave it out, and send no row or a null where there is no reading",
    "rnn": "train a GRU or LSTM in its place",
    "simplernn": "train a GRU or LSTM in its place",
    "rnn_tanh": "train a GRU or LSTM in its place",
    "rnn_relu": "train a GRU or LSTM in its place",
    "repeatvector": "grud rolls out forecasts itself: give it the network of one step",
    "embedding": "train on rows of numbers, a one-hot code for each word",
    "hardsigmoid": "its definition differs between frameworks: train with sigmoid",
    "hardtanh": "train with tanh",
    "reversesequence": "convert the model that the graph was exported from",
}


def step_back(graph: Graph, ref: Ref) -> Step:
    node = graph.nodes[ref.number]
    rule = graph.rules.get(node.op.lower())
    if rule:
        return rule(graph, node, ref)
    found = known_function(graph, node, ref)
    if found:
        return found
    advice = ADVICE.get(node.op.lower(), f"it has {LAYERS_OF_GRUD}")
    article = "an" if node.op[0].lower() in "aeiou" else "a"
    raise Refused(f"'{node.name}' is {article} {node.op}, which no layer of grud does; {advice}")


def walk(graph: Graph, ref: Ref, stop: Optional[int] = None) -> List[Layer]:
    """The layers between the value `stop`, or the readings, and `ref`."""
    layers: List[Layer] = []
    while ref.number not in (graph.input, stop):
        if not ref.is_live:
            raise Refused(
                "an output does not depend on the readings, so there is nothing to serve"
            )
        found, ref = step_back(graph, ref)
        layers = found + layers
    return layers


def dominator(graph: Graph, refs: Sequence[Ref]) -> Ref:
    """The last value that all of `refs` are made of."""
    open_refs = {r.number: r for r in refs}
    while len(open_refs) > 1:
        latest = open_refs.pop(max(open_refs))
        open_refs.update((r.number, r) for r in graph.nodes[latest.number].live())
    return next(iter(open_refs.values()))


def known_function(graph: Graph, node: Node, ref: Ref) -> Optional[Step]:
    """Several operations that together are one layer, as x · sigmoid(x) is silu: found by what
    they made of the values, from as far back as it fits."""
    found: Optional[Step] = None
    source = ref
    for _ in range(N_TOGETHER):
        live = graph.nodes[source.number].live() if source.number != graph.input else []
        if not live:
            break
        source = dominator(graph, live)
        if not all_smooth_between(graph, source, ref):
            break
        layers = known_between(node.name, source.value(), ref.value())
        found = Step(layers, source) if layers else found
    return found


# Operations that are the same function everywhere: what they make of some values tells what they
# make of all. Of a clamp, or a choice between two, some values tell nothing.
SMOOTH = set(
    "add sub mul div pow square sqrt rsqrt reciprocal neg exp expm1 log log1p erf sigmoid tanh "
    "softplus mean reducemean globalaveragepool var var_mean std sum reducesum identity cast "
    "float".split()
)


def smooth_refs(graph: Graph, node: Node) -> Optional[List[Ref]]:
    """What a smooth operation is made of; None: it is not smooth."""
    if node.op.lower() == "where" and is_far_threshold(graph, node.args[0]):
        return [r for r in refs_in(node.args[1:]) if r.is_live]
    return node.live() if node.op.lower() in SMOOTH else None


def is_far_threshold(graph: Graph, condition: Ref) -> bool:
    """x > 20, beyond which frameworks say x for softplus(x), which is the same in float32."""
    node = graph.nodes.get(condition.number)
    bound = node.args[-1] if node and node.op.lower() in ("greater", "gt") else None
    value = bound.value() if isinstance(bound, Ref) and not bound.is_live else bound
    return value is not None and not isinstance(value, Ref) and bool(np.min(value) >= 15.0)


def all_smooth_between(graph: Graph, source: Ref, ref: Ref) -> bool:
    """None but smooth operations make `ref` of `source`."""
    open_numbers, seen = [ref.number], {source.number}
    while open_numbers:
        number = open_numbers.pop()
        if number in seen:
            continue
        seen.add(number)
        refs = smooth_refs(graph, graph.nodes[number]) if number != graph.input else None
        if refs is None:
            return False
        open_numbers += [r.number for r in refs]
    return True


N_TOGETHER = 12  # operations that are looked back over


def known_between(name: str, x: Array, y: Array) -> List[Layer]:
    """The layers that make y of x: an activation times a number, or a normalisation."""
    if x.shape != y.shape or x.size < 2:
        return []
    for kind, function in ACTIVATIONS.items():
        made = function(x)
        factor = float((made * y).sum() / max((made * made).sum(), 1e-300))
        if kind != "linear" and is_near(made * factor, y, 3e-6):
            factor = round(factor, 5)
            return [activation(name, kind)] + (
                [affine(name, factor, 0.0)] if factor != 1.0 else []
            )
    return fitted_norm(name, x, y) if x.shape[-1] > 1 and x.size > 3 * x.shape[-1] else []


def fitted_norm(name: str, x: Array, y: Array) -> List[Layer]:
    """The layer_norm that makes y of x, with its weights by least squares."""
    width = x.shape[-1]
    y = y.reshape(-1, width)
    for eps in (1e-5, 1e-3, 1e-6, 1e-8, 1e-12):
        plain = Layer("layer_norm", name, {"weight": np.ones(width)}, {"eps": eps})
        z = run_layer_norm(plain, x.reshape(-1, width))
        spread = ((z - z.mean(axis=0)) ** 2).sum(axis=0)
        weight = ((z - z.mean(axis=0)) * y).sum(axis=0) / np.maximum(spread, 1e-300)
        bias = y.mean(axis=0) - weight * z.mean(axis=0)
        if is_near(z * weight + bias, y, 2e-6):
            return [Layer("layer_norm", name, {"weight": weight, "bias": bias}, {"eps": eps})]
    return []


def is_near(a: Array, b: Array, tolerance: float, floor: Optional[float] = None) -> bool:
    """Within the share `tolerance` of b; where b is near 0, of the largest b or 1."""
    floor = max(min(1.0, np.abs(b).max()), 1e-6) if floor is None else floor
    return bool(np.all(np.abs(a - b) <= tolerance * np.maximum(floor, np.abs(b))))


def join(graph: Graph, node: Node, refs: Sequence[Ref]) -> Step:
    """Steps in time, where all are made by the same layers; the last states of a stack, of which
    the last one goes on; else heads."""
    refs = [r for r in refs if r.is_live]
    if all(is_state_of(graph, r) for r in refs):
        return Step([], refs[-1])
    source = dominator(graph, refs)
    chains = [walk(graph, r, source.number) for r in refs]
    same = [[layer.identity() for layer in chain] for chain in chains]
    if all(s == same[0] for s in same):
        return Step([], refs[-1])
    heads = [as_head(chain) for chain in chains]
    if None in heads and all(len(c) < 2 and not any(k.tensors for k in c) for c in chains):
        parted = parts_of_dense(graph, refs, chains, source)
        if parted:
            return parted
    if None in heads:
        raise Refused(
            f"'{node.name}' joins what different layers made ({node.op}); grud joins read-outs "
            "alone (`heads`), so leave it out of the model"
        )
    return Step([Layer("heads", node.name, heads=[h for h in heads if h])], source)


def parts_of_dense(
    graph: Graph, refs: Sequence[Ref], chains: Sequence[List[Layer]], source: Ref
) -> Optional[Step]:
    """One dense layer whose values are split, as into a mean and a spread: its rows as heads."""
    layers: List[Layer] = []
    while source.number != graph.input and not any(layer.kind == "dense" for layer in layers):
        found, source = step_back(graph, source)
        layers = tidied(found + layers)
    widths = [r.value().shape[-1] for r in refs]
    whole = layers[0] if layers and layers[0].kind == "dense" else None
    if len(layers) != 1 or not whole or sum(widths) != len(whole.tensors["weight"]):
        return None
    heads = []
    for k, (end, width) in enumerate(zip(np.cumsum(widths), widths)):
        rows = {name: t[end - width : end] for name, t in whole.tensors.items()}
        heads += tidied([Layer("dense", f"{whole.name}.{k}", rows), *chains[k]])
    return Step([Layer("heads", whole.name, heads=heads)], source)


def as_head(chain: List[Layer]) -> Optional[Layer]:
    chain = tidied(chain)
    return chain[0] if len(chain) == 1 and chain[0].kind == "dense" else None


def plumbing(_graph: Graph, node: Node, _ref: Ref) -> Step:
    return Step([], node.live()[0])


def activation(name: str, kind: str) -> Layer:
    return Layer("activation", name, {}, {"activation": kind})


def affine(name: str, scale: Any, shift: Any) -> Layer:
    def flat(value: Any) -> Array:
        array = np.asarray(value, dtype=np.float64)
        if array.size > 1 and array.size != array.shape[-1]:
            raise Refused(
                f"'{name}' adds or multiplies by something that is not one row of values"
            )
        return array.reshape(-1)

    a, b = np.broadcast_arrays(flat(scale), flat(shift))
    return Layer("affine", name, {"scale": a, "shift": b})


def negated(_graph: Graph, node: Node, _ref: Ref) -> Step:
    return Step([affine(node.name, -1.0, 0.0)], node.live()[0])


AFFINE: Dict[str, Tuple[Callable[[Array], Any], Callable[[Array], Any]]] = {
    "add": (lambda c: (1.0, c), lambda c: (1.0, c)),
    "sub": (lambda c: (1.0, -c), lambda c: (-1.0, c)),
    "mul": (lambda c: (c, 0.0), lambda c: (c, 0.0)),
    "div": (lambda c: (1.0 / c, 0.0), lambda c: None),
}


def by_constant(graph: Graph, node: Node, ref: Ref) -> Step:
    """x + c, c - x and their kind; of two values that depend on the readings, whatever they are."""
    a, b = node.arg(0, "input"), node.arg(1, "other")
    is_left, is_right = (isinstance(r, Ref) and r.is_live for r in (a, b))
    if is_left and is_right:
        found = known_function(graph, node, ref)
        if found:
            return found
        raise Refused(
            f"'{node.name}' joins two ways through the network ({node.op}: a skip connection?); "
            "grud's layers follow one after the other. If the model adds its input to what it "
            "forecasts, leave that out and give --residual"
        )
    live, other = (a, b) if is_left else (b, a)
    constant = other.value() if isinstance(other, Ref) else np.asarray(other, dtype=np.float64)
    scaled = AFFINE[node.op.lower()][0 if is_left else 1](constant)
    if scaled is None:
        raise Refused(
            f"'{node.name}' divides a constant by its input, which no layer of grud does"
        )
    return Step([affine(node.name, *scaled)], live)


# ---- the chain, made tidy ------------------------------------------------------------------------


def tidied(layers: Sequence[Layer]) -> List[Layer]:
    """Activations become those of the dense layer before them, a sum after it its bias."""
    out: List[Layer] = []
    for layer in layers:
        last = out[-1] if out else None
        is_bare = last is not None and last.kind == "dense" and "activation" not in last.keys
        if layer.kind == "activation" and layer.keys["activation"] == "linear":
            continue
        if is_sum(layer) and not np.any(layer.tensors["shift"]):
            continue
        if last and is_bare and layer.kind == "activation":
            last.keys["activation"] = layer.keys["activation"]
        elif last and is_bare and is_sum(layer) and "bias" not in last.tensors:
            last.tensors["bias"] = layer.tensors["shift"] * np.ones(len(last.tensors["weight"]))
        elif last and layer.kind == last.kind == "affine":
            out[-1] = after(last, layer)
            if is_sum(out[-1]) and not np.any(out[-1].tensors["shift"]):
                out.pop()
        elif last and last.kind == "layer_norm" and layer.kind == "affine":
            out[-1] = fold_back(last, layer)
        else:
            out.append(copied(layer))
    return out


def copied(layer: Layer) -> Layer:
    return Layer(
        layer.kind, layer.name, dict(layer.tensors), dict(layer.keys), layer.heads, layer.key
    )


def is_sum(layer: Layer) -> bool:
    return layer.kind == "affine" and bool(np.all(layer.tensors["scale"] == 1.0))


def after(first: Layer, second: Layer) -> Layer:
    a, b = first.tensors["scale"], first.tensors["shift"]
    c, d = second.tensors["scale"], second.tensors["shift"]
    return affine(second.name, a * c, b * c + d)


def fold_back(layer: Layer, scaling: Layer) -> Layer:
    """The layer with what is done to its output in its own weights."""
    a, b = scaling.tensors["scale"], scaling.tensors["shift"]
    out, t = copied(layer), layer.tensors
    out.tensors["weight"] = t["weight"] * (a.reshape(-1, 1) if t["weight"].ndim == 2 else a)
    out.tensors["bias"] = t.get("bias", np.zeros(len(t["weight"]))) * a + b
    return out


def fold_ahead(layer: Layer, scaling: Layer) -> Layer:
    """The layer with what is done to its input in its own weights."""
    a, b = scaling.tensors["scale"], scaling.tensors["shift"]
    out = copied(layer)
    for name, w in layer.tensors.items():
        if name == "weight" or re.match(r"weight_ih_l0", name):
            bias = name.replace("weight", "bias")
            out.tensors[name] = w * a
            out.tensors[bias] = layer.tensors.get(bias, 0.0) + w @ (b * np.ones(w.shape[1]))
            if layer.kind in RECURRENT:
                out.tensors.setdefault(bias.replace("_ih", "_hh"), np.zeros(len(w)))
    return out


class Chain(NamedTuple):
    """Layers with weights, and the scaling of inputs and outputs around them."""

    layers: List[Layer]
    input_scaling: Optional[Tuple[Array, Array]]  # mean, std
    output_scaling: Optional[Tuple[Array, Array]]


def chain_of(found: Sequence[Layer]) -> Chain:
    layers = tidied(found)
    inputs = outputs = None
    if layers and layers[0].kind == "affine" and np.all(layers[0].tensors["scale"] > 0):
        t = layers.pop(0).tensors
        inputs = (-t["shift"] / t["scale"], 1.0 / t["scale"])
    if layers and layers[-1].kind == "affine" and np.all(layers[-1].tensors["scale"] > 0):
        t = layers.pop().tensors
        outputs = (t["shift"], t["scale"])
    k = 0
    while k < len(layers):
        k = fold_at(layers, k) if layers[k].kind == "affine" else k + 1
    check_uses(layers)
    if layers and layers[-1].kind in RECURRENT and is_bidirectional(layers[-1]):
        layers.append(identity(width_out(layers[-1], 0)))
    return Chain(layers, inputs, outputs)


def identity(width: int) -> Layer:
    """A read-out that gives both halves of a bidirectional layer, which is no read-out itself."""
    return Layer("dense", "read_out", {"weight": np.eye(width)})


def fold_at(layers: List[Layer], k: int) -> int:
    """Folds the affine layer at k into a neighbour, and says where to go on."""
    scaling = layers[k]
    if k + 1 < len(layers) and layers[k + 1].kind in (*RECURRENT, "dense"):
        layers[k : k + 2] = [fold_ahead(layers[k + 1], scaling)]
    elif k > 0 and layers[k - 1].kind == "dense" and "activation" not in layers[k - 1].keys:
        layers[k - 1 : k + 1] = [fold_back(layers[k - 1], scaling)]
    else:
        raise Refused(
            f"'{scaling.name}' scales values between layers whose weights cannot take it in; "
            "leave it out, or put it next to a linear layer"
        )
    return k


def check_uses(layers: Sequence[Layer]) -> None:
    used = set()
    for layer in layers:
        if layer.tensors and layer.identity() in used:
            raise Refused(
                f"layer '{layer.name}' is used twice on the way to the output (a decoder that "
                "reads its own forecasts?); give grud the network of one step, it rolls out itself"
            )
        used.add(layer.identity())
        if layer.keys.get("activation") == "softmax" and layer is not layers[-1]:
            raise Refused(
                f"'{layer.name}' is a softmax between layers; grud has it only at the end"
            )


# ---- models, whatever they were made with --------------------------------------------------------


@dataclass
class Model:
    """What was found, and how to run it in its own framework: rows in, rows or the last one out."""

    found: List[Layer]
    run: Optional[Callable[[Array], List[Array]]]
    framework: str
    n_rows: int = N_ROWS
    remark: str = ""


def arrays_of(layer: Layer) -> Layer:
    """Float64 of float32, whatever the framework had."""
    for name, tensor in layer.tensors.items():
        if not np.all(np.isfinite(tensor)):
            raise Refused(f"'{layer.name}.{name}' holds values that are not finite")
    layer.tensors = {
        name: np.asarray(t, dtype=np.float32).astype(np.float64)
        for name, t in layer.tensors.items()
        if t is not None
    }
    layer.key = (layer.name, hash(tuple(t.tobytes() for t in layer.tensors.values())))
    return layer


def known_activation(name: str, kind: str, **settings: Tuple[Any, Any]) -> Layer:
    """An activation whose settings are (what the model has, what grud does)."""
    for setting, (value, expected) in settings.items():
        if value != expected:
            raise Refused(
                f"'{name}' is a {kind} with {setting} {value}, and grud's has {expected}; train "
                f"with that, or with another activation"
            )
    return activation(name, kind)


# ---- PyTorch -------------------------------------------------------------------------------------


def torch_tensors(names: Sequence[str], refs: Sequence[Any]) -> Dict[str, Array]:
    return {name: r.value() for name, r in zip(names, refs) if isinstance(r, Ref)}


def torch_dense(_graph: Graph, node: Node, _ref: Ref) -> Step:
    weight, bias = node.arg(1, "weight"), node.arg(2, "bias")
    layer = Layer("dense", node.name, torch_tensors(("weight", "bias"), (weight, bias)))
    return Step([arrays_of(layer)], node.arg(0, "input"))


def torch_matmul(graph: Graph, node: Node, ref: Ref) -> Step:
    x, weight = node.args[-2:]
    if weight.is_live:
        return by_constant(graph, node, ref)
    layer = Layer("dense", node.name, {"weight": weight.value().T})
    if node.op == "addmm":
        layer.tensors["bias"] = node.args[0].value()
    return Step([arrays_of(layer)], x)


def torch_layer_norm(_graph: Graph, node: Node, _ref: Ref) -> Step:
    weight, bias = node.arg(2, "weight"), node.arg(3, "bias")
    layer = Layer("layer_norm", node.name, torch_tensors(("weight", "bias"), (weight, bias)))
    layer.tensors.setdefault("weight", np.ones(node.arg(1, "normalized_shape")[-1]))
    layer.keys["eps"] = node.arg(4, "eps", 1e-5)
    return Step([arrays_of(layer)], node.arg(0, "input"))


def torch_batch_norm(_graph: Graph, node: Node, _ref: Ref) -> Step:
    names = ("running_mean", "running_var", "weight", "bias")
    tensors = torch_tensors(names, [node.arg(k + 1, name) for k, name in enumerate(names)])
    if "running_mean" not in tensors:
        raise Refused(f"'{node.name}' keeps no running mean, so it depends on the batch")
    layer = Layer("batch_norm", node.name, tensors, {"eps": node.arg(7, "eps", 1e-5)})
    return Step([arrays_of(layer)], node.arg(0, "input"))


TORCH_PARTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def torch_recurrent(graph: Graph, node: Node, _ref: Ref) -> Step:
    """torch.gru and torch.lstm: (input, hx, weights, has biases, layers, …, bidirectional)"""
    kind, x, states, weights = node.op, *node.args[:3]
    if not isinstance(weights, (list, tuple)):
        raise Refused(f"'{node.name}' takes a packed sequence; give it rows that are not packed")
    has_bias, n_layers, is_two_way = node.args[3], node.args[4], node.args[7]
    endings = [f"_l{k}{d}" for k in range(n_layers) for d in ("", "_reverse")[: 1 + is_two_way]]
    names = [p + e for e in endings for p in TORCH_PARTS[: 4 if has_bias else 2]]
    if len(names) != len(weights):
        raise Refused(f"'{node.name}' has a projection (proj_size), which no layer of grud has")
    layer = Layer(kind, node.name, torch_tensors(names, weights))
    check_result(node, is_two_way)
    states = states if isinstance(states, (list, tuple)) else [states]
    take_first_states(graph, node, layer, states)
    return Step([arrays_of(layer)], x)


def torch_cell(graph: Graph, node: Node, _ref: Ref) -> Step:
    kind, x, states, *weights = node.op.split("_")[0], *node.args
    names = [p + "_l0" for p in TORCH_PARTS]
    layer = Layer(kind, node.name, torch_tensors(names, weights))
    if node.index > 0:
        raise Refused(
            f"the cell state of '{node.name}' is read; grud gives the hidden state alone"
        )
    take_first_states(
        graph, node, layer, states if isinstance(states, (list, tuple)) else [states]
    )
    return Step([arrays_of(layer)], x)


def check_result(node: Node, is_two_way: bool) -> None:
    if node.index == 2:
        raise Refused(
            f"the cell state of '{node.name}' is read; grud gives the hidden state alone"
        )
    if node.index == 1 and is_two_way:
        raise Refused(
            f"the last states of the bidirectional '{node.name}' are read, of which the backward "
            "one is that of the first row; read its output instead"
        )


def take_first_states(graph: Graph, node: Node, layer: Layer, states: Sequence[Any]) -> None:
    """The states before the first step; in a loop over the steps, those of its first turn."""
    for name, state in zip(("initial_state", "initial_cell"), states):
        while isinstance(state, Ref) and state.is_live:
            before = graph.nodes[state.number]
            if before.op == node.op and before.name == node.name:
                carried = before.args[1]
                k = 0 if name == "initial_state" else 1
                state = carried[k] if isinstance(carried, (list, tuple)) else carried
            elif before.op in TORCH_PLUMBING:
                state = before.live()[0]
            else:
                raise Refused(
                    f"the state of '{node.name}' comes from '{before.name}' ({before.op}); grud's "
                    "layers begin with zeros or with a learned state (initial_state)"
                )
        value = state.value() if isinstance(state, Ref) else np.zeros(1)
        if np.any(value):
            if is_bidirectional(layer):
                raise Refused(f"'{node.name}' is bidirectional and begins with a learned state")
            size = layer.tensors["weight_hh_l0"].shape[1]
            layer.tensors[name] = value.reshape(n_stacked(layer), -1, size)[:, :1]


def torch_softmax(_graph: Graph, node: Node, ref: Ref) -> Step:
    axis, n_axes = node.arg(1, "dim"), ref.value().ndim
    if axis not in (-1, n_axes - 1):
        raise Refused(
            f"'{node.name}' is a softmax over axis {axis}, which is not that of the values"
        )
    return Step([activation(node.name, "softmax")], node.live()[0])


def torch_activation(kind: str, **settings: Tuple[int, str, Any]) -> Any:
    def rule(_graph: Graph, node: Node, _ref: Ref) -> Step:
        found = {
            name: (node.arg(k, word, right), right) for name, (k, word, right) in settings.items()
        }
        return Step([known_activation(node.name, kind, **found)], node.live()[0])

    return rule


def torch_join(graph: Graph, node: Node, _ref: Ref) -> Step:
    return join(graph, node, list(refs_in(node.arg(0, "tensors"))))


TORCH_PLUMBING = (
    "getitem transpose permute t mt reshape view flatten squeeze unsqueeze contiguous select "
    "narrow slice dropout alpha_dropout feature_dropout clone detach to float cpu type identity "
    "expand expand_as repeat index_select swapaxes swapdims movedim unbind split chunk iter "
    "view_as reshape_as type_as unflatten"
).split()
TORCH_RULES: Dict[str, Callable[[Graph, Node, Ref], Step]] = {
    **{op: plumbing for op in TORCH_PLUMBING},
    **{op: by_constant for op in ("add", "sub", "mul", "div")},
    **{op: negated for op in ("neg", "negative")},
    **{op: torch_recurrent for op in ("gru", "lstm")},
    **{op: torch_cell for op in ("gru_cell", "lstm_cell")},
    **{op: torch_join for op in ("cat", "concat", "stack", "hstack")},
    **{op: torch_activation(op) for op in ("relu", "selu", "silu", "tanh", "sigmoid")},
    "linear": torch_dense,
    "matmul": torch_matmul,
    "addmm": torch_matmul,
    "layer_norm": torch_layer_norm,
    "batch_norm": torch_batch_norm,
    "softmax": torch_softmax,
    "leaky_relu": torch_activation("leaky_relu", slope=(1, "negative_slope", 0.01)),
    "elu": torch_activation("elu", alpha=(1, "alpha", 1.0)),
    "gelu": torch_activation("gelu", approximate=(1, "approximate", "none")),
    "softplus": torch_activation("softplus", beta=(1, "beta", 1), threshold=(2, "threshold", 20)),
    "setitem": lambda graph, node, ref: Step([], node.args[2]),
}
TORCH_SAME = {
    "truediv": "div",
    "rsub": "sub",
    "subtract": "sub",
    "multiply": "mul",
    "divide": "div",
    "true_divide": "div",
    "rmatmul": "matmul",
    "mm": "matmul",
    "bmm": "matmul",
    "radd": "add",
    "rmul": "mul",
    "iadd": "add",
    "isub": "sub",
    "imul": "mul",
    "itruediv": "div",
    "rtruediv": "div",
}
TORCH_MADE_NEW = "zeros_like new_zeros ones_like new_ones full_like new_full new_empty new_tensor"


def torch_op_name(function: Any) -> Tuple[str, bool]:
    """The last word of an operation's name, and whether its arguments stand the other way round."""
    import torch

    words = (torch.overrides.resolve_name(function) or function.__name__).split(".")
    word = words[-2] if words[-1] in ("__get__", "__set__") else words[-1]
    word = word.strip("_").lower()
    return TORCH_SAME.get(word, word), word in ("rsub", "rtruediv", "rmatmul")


class TorchTape:
    """Writes down what a module computes while it runs."""

    def __init__(self, module: Any) -> None:
        self.graph = Graph(TORCH_RULES)
        self.refs: Dict[int, Ref] = {}
        self.storages: Dict[int, Ref] = {}  # the newest live value in each piece of memory
        self.kept: List[Any] = []  # so that no two tensors have one id
        self.path: List[str] = [""]
        for name, part in module.named_modules():
            part.register_forward_pre_hook(lambda *_, name=name: self.path.append(name))
            part.register_forward_hook(lambda *_: self.path.__delitem__(-1))

    def ref(self, tensor: Any, is_live: bool, is_new: bool) -> Ref:
        if is_new or id(tensor) not in self.refs:
            kept = tensor.detach().clone() if is_live else tensor.detach()
            self.kept.append(tensor)
            made = Ref(len(self.kept) - 1, is_live, kept.float().numpy)
            self.refs[id(tensor)] = made
            if is_live:
                self.storages[storage_of(tensor)] = made
        return self.refs[id(tensor)]

    def known(self, tensor: Any) -> Ref:
        """Old versions tell nothing of some views: they are known by the memory that they share."""
        base = self.storages.get(storage_of(tensor))
        if id(tensor) in self.refs or base is None:
            return self.ref(tensor, False, False)
        view = self.ref(tensor, True, True)
        self.graph.nodes[view.number] = Node("getitem", "getitem", [base])
        return view

    def tree(self, value: Any) -> Any:
        import torch

        if isinstance(value, torch.Tensor):
            return self.known(value)
        if isinstance(value, dict):
            return {k: self.tree(v) for k, v in value.items()}
        return [self.tree(v) for v in value] if isinstance(value, (list, tuple)) else value

    def note(self, function: Any, args: Any, kwargs: Any, result: Any) -> None:
        import torch

        op, is_reversed = torch_op_name(function)
        inputs = self.tree(args)
        node = Node(
            op, self.path[-1] or op, inputs[::-1] if is_reversed else inputs, self.tree(kwargs)
        )
        is_live = bool(node.live()) and op not in TORCH_MADE_NEW
        results = [args[0]] if op == "setitem" else flat_tensors(result)
        for k, tensor in enumerate(results):
            if isinstance(tensor, torch.Tensor) and is_live:
                number = self.ref(tensor, True, True).number
                self.graph.nodes[number] = Node(op, node.name, node.args, node.keys, k)

    def run(self, module: Any, x: Any) -> Any:
        import torch
        from torch.overrides import TorchFunctionMode

        tape = self

        class Mode(TorchFunctionMode):  # type: ignore[misc]
            def __torch_function__(
                self, function: Any, types: Any, args: Any = (), kwargs: Any = None
            ) -> Any:
                result = function(*args, **(kwargs or {}))
                if function is torch.Tensor.__iter__:
                    result = list(result)
                tape.note(function, args, kwargs or {}, result)
                return iter(result) if function is torch.Tensor.__iter__ else result

        self.graph.input = self.ref(x, True, True).number
        with torch.no_grad(), Mode():
            return module(x, *further_arguments(module))


def storage_of(tensor: Any) -> int:
    storage = getattr(tensor, "untyped_storage", tensor.storage)
    return int(storage().data_ptr())


def flat_tensors(value: Any) -> List[Any]:
    """The tensors of a module's result, which may be a tuple or a dict."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [t for v in value for t in flat_tensors(v)]
    return [value] if hasattr(value, "shape") else []


class Inert:
    """An object in a file, of a class that is not run: all it has is what it was saved with."""

    def __new__(cls, *_: Any, **__: Any) -> "Inert":
        return object.__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __call__(self, *_: Any, **__: Any) -> "Inert":
        return self

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, dict):
            self.__dict__.update(state)

    def __setitem__(self, _key: Any, _value: Any) -> None:
        pass

    def append(self, _value: Any) -> None:
        pass

    extend = append


STORAGES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": "bf16",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}


def array_of_storage(
    storage: Array, offset: int, size: Sequence[int], stride: Sequence[int], *_: Any
) -> Array:
    last = offset + sum((n - 1) * s for n, s in zip(size, stride))
    if (
        offset < 0
        or min([*size, *stride], default=0) < 0
        or (0 not in size and last >= storage.size)
    ):
        raise ValueError("a tensor goes beyond its storage")
    steps = [s * storage.itemsize for s in stride]
    return np.lib.stride_tricks.as_strided(storage[offset:], tuple(size), steps).copy()


class InertUnpickler(pickle.Unpickler):
    """Reads data.pkl of a checkpoint. Tensors become arrays, and all else that is no plain value
    an Inert; nothing that the file names is ever called."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        (name,) = [n for n in archive.namelist() if n.endswith("/data.pkl")]
        super().__init__(archive.open(name))
        self.archive, self.folder = archive, name[: -len("data.pkl")]

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if module == "torch._utils" and name in ("_rebuild_tensor_v2", "_rebuild_tensor"):
            return array_of_storage
        if module == "torch._utils" and name == "_rebuild_parameter":
            return lambda tensor, *_: tensor
        return type(name, (Inert,), {})

    def persistent_load(self, saved: Any) -> Array:
        _, dtype, key, _, n = saved
        data = self.archive.read(f"{self.folder}data/{key}")
        if dtype == "bf16":
            return (np.frombuffer(data, "<u2", n).astype("<u4") << 16).view("<f4")
        return np.frombuffer(data, dtype, n)


def torch_checkpoint(path: Path) -> Any:
    """The file's dictionaries and tensors; code in it is never run."""
    try:
        import torch

        return torch.load(str(path), map_location="cpu", weights_only=True)
    except Exception as error:  # its kinds differ between versions, and 1.13 takes no float either
        first = error
    try:
        with zipfile.ZipFile(path) as archive:
            return InertUnpickler(archive).load()
    except Exception as error:
        raise Refused(
            f"{path.name} is no checkpoint that can be read: {one_line(first)}; where it was "
            "made write torch.save(model.state_dict(), FILE)"
        ) from error


def one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def is_torch_script(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def state_of_module(module: Inert, prefix: str = "") -> Dict[str, Any]:
    """The state_dict of a module that was saved whole."""
    own = {**vars(module).get("_parameters", {}), **vars(module).get("_buffers", {})}
    state = {prefix + name: t for name, t in own.items() if t is not None}
    for name, part in vars(module).get("_modules", {}).items():
        if isinstance(part, Inert):
            state.update(state_of_module(part, f"{prefix}{name}."))
    return state


def is_state(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(k, str) and hasattr(v, "shape") for k, v in value.items())
    )


def states_in(value: Any, path: str = "") -> Dict[str, Dict[str, Any]]:
    """Every state_dict of a checkpoint, by the key that it stands at."""
    if isinstance(value, Inert):
        value = state_of_module(value)
    if is_state(value):
        return {path: value}
    found: Dict[str, Dict[str, Any]] = {}
    if isinstance(value, dict):
        for name, part in value.items():
            if isinstance(name, str) and not name.startswith("optimizer"):
                found.update(states_in(part, f"{path}.{name}" if path else name))
    return found


def chosen_state(path: Path, checkpoint: Any, key: Optional[str]) -> Dict[str, Any]:
    found = states_in(checkpoint)
    if key is not None:
        found = {k: v for k, v in found.items() if k == key}
    if len(found) == 1:
        return next(iter(found.values()))
    if not found:
        raise Refused(
            f"{path.name} holds no weights{f' at {key}' if key else ''}; where it was made "
            "write torch.save(model.state_dict(), FILE)"
        )
    names = ", ".join(sorted(found))
    raise Refused(f"{path.name} holds several sets of weights ({names}); choose one by --key NAME")


PREFIXES = ("_orig_mod.", "module.", "model.")


def without_prefixes(state: Dict[str, Any]) -> List[Dict[str, Any]]:
    """The state_dict under each name that it may have had before it was wrapped."""
    state = {k.replace("._orig_mod.", "."): v for k, v in state.items() if k != "n_averaged"}
    found = [state]
    while True:
        for prefix in PREFIXES:
            if all(k.startswith(prefix) for k in state):
                state = {k[len(prefix) :]: v for k, v in state.items()}
                found.append(state)
                break
        else:
            return found


def with_prefix(state: Dict[str, Any], prefix: Optional[str]) -> Dict[str, Any]:
    if prefix is None:
        return state
    prefix = prefix.rstrip(".") + "."
    found = {k[len(prefix) :]: v for k, v in state.items() if k.startswith(prefix)}
    if not found:
        raise Refused(f"no tensor's name begins with '{prefix}'")
    return found


def imported(name: str, arguments: str) -> Any:
    """The module that `package.module:Class` or `file.py:Class` makes."""
    place, _, attribute = name.partition(":")
    if not attribute:
        raise Refused(f"--model is package.module:Class or file.py:Class, and not '{name}'")
    sys.path.insert(0, str(Path(place).parent) if place.endswith(".py") else ".")
    try:
        made = importlib.import_module(Path(place).stem if place.endswith(".py") else place)
        values = json.loads(arguments)
        make = getattr(made, attribute)
        return make(**values) if isinstance(values, dict) else make(*values)
    except Exception as error:
        raise Refused(f"--model {name} with --model-args {arguments}: {error!r}") from error


def load_into(module: Any, state: Dict[str, Any]) -> None:
    names = set(module.state_dict())
    candidates = without_prefixes(state)
    state = max(candidates, key=lambda c: len(names & set(c)))
    missing, extra = sorted(names - set(state)), sorted(set(state) - names)
    if missing or extra:
        which = (
            f"'{missing[0]}' of the class is not in the file"
            if missing
            else (f"'{extra[0]}' of the file is not in the class")
        )
        raise Refused(
            f"tensor {which}; give --model the class that the file was saved from, or "
            "--prefix NAME for the part of the file that is it"
        )
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        line = str(error).splitlines()[-1].strip()
        raise Refused(
            f"the weights do not fit the class: {line}; give --model-args its sizes"
        ) from error


def torch_model(module: Any, n_inputs: Optional[int]) -> Model:
    """A module's layers, by a run of it."""
    import torch

    module = module.float().eval()

    def tried(shape: Sequence[int]) -> Model:
        tape = TorchTape(module)
        outputs = flat_tensors(tape.run(module, torch.tensor(random_rows(shape))))
        found, chosen = read_outs(tape.graph, [tape.known(t) for t in outputs])
        runner = (
            torch_stepper(module)
            if len(shape) < 3 and shape[0] == 1
            else (torch_runner(module, shape, chosen))
        )
        model = Model(found, runner, f"PyTorch {torch.__version__}")
        check_model(model)
        return model

    n_inputs = n_inputs or torch_n_inputs(module)
    shapes = torch_shapes(n_inputs)
    if len(parameters_of(module)) > 1:
        shapes.append((1, n_inputs))
    try:
        return best_of(shapes, tried)
    except WrongShape as refused:
        raise unknown_part(module) or refused from None


TORCH_PARTS_KNOWN = "GRU LSTM GRUCell LSTMCell Linear LayerNorm BatchNorm1d".split()


def unknown_part(module: Any) -> Optional[Refused]:
    """Of a module that does not run on rows of numbers, the part that may be why."""
    for name, part in module.named_modules():
        kind = type(part).__name__
        is_torchs = type(part).__module__.startswith("torch.")
        if is_torchs and kind not in TORCH_PARTS_KNOWN and list(part.parameters(recurse=False)):
            advice = ADVICE.get(kind.lower(), f"it has {LAYERS_OF_GRUD}")
            return Refused(
                f"'{name}' is an {kind}, which no layer of grud does; {advice}".replace(
                    " an ", " an " if kind[0] in "AEIOU" else " a ", 1
                )
            )
    return None


def torch_stepper(module: Any) -> Callable[[Array], List[Array]]:
    """Runs a module that takes one row and the state, and gives an output and the next state."""
    import torch

    def run(x: Array) -> List[Array]:
        outputs, state = [], None
        with torch.no_grad():
            for row in torch.tensor(np.asarray(x, dtype=np.float32)):
                output, state = module(row[None], state)
                outputs.append(output.reshape(1, -1))
        return [torch.cat(outputs).numpy()]

    return run


def torch_script_model(path: Path, named: Model) -> Model:
    """TorchScript does not show its layers as they run, but it runs: the layers by their names,
    with an activation between them if need be, must give what it gives."""
    import torch

    module = torch.jit.load(str(path), map_location="cpu").float().eval()
    words = script_words(module)

    def tried(shape: Sequence[int]) -> Model:
        run = remembered(torch_runner(module, shape))
        model = Model(named.found, run, f"TorchScript in PyTorch {torch.__version__}")
        try:
            check_model(model)
        except Mismatch:
            more = (Model(c, run, model.framework) for c in with_one_more(named.found, words))
            model = next((m for m in more if is_right(m)), model)
            check_model(model)
        return model

    return best_of(torch_shapes(check_widths(named.found)[0]), tried)


def remembered(run: Callable[[Array], List[Array]]) -> Callable[[Array], List[Array]]:
    results: Dict[bytes, List[Array]] = {}

    def again(x: Array) -> List[Array]:
        if x.tobytes() not in results:
            results[x.tobytes()] = run(x)
        return results[x.tobytes()]

    return again


SCRIPT_GUARDS = set(
    "is isnot not contains dim eq ne lt gt le ge format list size len zeros ones int scalartype "
    "bool device warn append".split()
)


def script_words(module: Any) -> List[str]:
    """The activations that its code names. What it does beside layers that are known is refused,
    because rows alone do not tell of a clamp that they never meet."""
    found = set(re.findall(r"aten::(\w+)", str(module.inlined_graph)))
    words = {op.strip("_").lower() for op in found}
    unknown = sorted(words - set(TORCH_RULES) - SCRIPT_GUARDS)
    if unknown:
        raise Refused(
            f"its code has {', '.join(unknown)}, which grud-convert cannot place; give the "
            "class by --model package.module:Class"
        )
    return [word for word in ACTIVATIONS if word in words]


def torch_shapes(n_inputs: int) -> List[Tuple[int, ...]]:
    return [(1, N_ROWS, n_inputs), (N_ROWS, 1, n_inputs), (N_ROWS, n_inputs)]


def is_right(model: Model) -> bool:
    try:
        check_model(model)
        return True
    except Refused:
        return False


def best_of(shapes: Iterable[Any], tried: Callable[[Any], Model]) -> Model:
    """The model by the first shape of rows that it takes and gives right."""
    failures: List[Refused] = []
    for shape in shapes:
        try:
            return tried(shape)
        except Refused as refused:
            failures.append(refused)
        except Exception as error:  # whatever a framework says
            failures.append(
                WrongShape(
                    f"the model does not take rows of the shape {shape}: " f"{one_line(error)}"
                )
            )
    raise min(failures, key=lambda refused: refused.rank)


def torch_n_inputs(module: Any) -> int:
    for part in module.modules():
        for name in ("in_features", "input_size"):
            if isinstance(getattr(part, name, None), int):
                return int(getattr(part, name))
    raise Refused("the model has no linear or recurrent layer; say its inputs by --inputs a,b,…")


def parameters_of(module: Any) -> List[Any]:
    try:
        return list(inspect.signature(module.forward).parameters.values())
    except (TypeError, ValueError):
        return []


def further_arguments(module: Any) -> List[None]:
    """forward(x, h): no state, as at the beginning of a stream."""
    wanted = [p for p in parameters_of(module)[1:] if p.kind == p.POSITIONAL_OR_KEYWORD]
    return [None for p in wanted if p.default is p.empty]


def torch_runner(module: Any, shape: Sequence[int], chosen: Sequence[int] = (0,)) -> Any:
    """Rows in; the chosen results out, as they come."""
    import torch

    axis, further = list(shape).index(N_ROWS), further_arguments(module)

    def run(x: Array) -> List[Array]:
        with torch.no_grad():
            shape_now = [len(x) if k == axis else n for k, n in enumerate(shape)]
            rows = torch.tensor(np.asarray(x, dtype=np.float32)).reshape(shape_now)
            results = flat_tensors(module(rows, *further))
        return [results[k].numpy() for k in chosen]

    return run


def random_rows(shape: Sequence[int]) -> Array:
    return np.random.default_rng(7).standard_normal(shape).astype(np.float32)


def read_outs(graph: Graph, refs: Sequence[Ref]) -> Tuple[List[Layer], List[int]]:
    """The chain to the model's results: to those of its read-outs, if there are several; else to
    the first one. Of the others, states are no outputs."""
    chains = [
        walk(graph, r) if r.is_live and (k == 0 or not is_state_of(graph, r)) else []
        for k, r in enumerate(refs)
    ]
    chosen = [k for k, chain in enumerate(chains) if ends_in_read_out(chain)]
    if len(chosen) < 2:
        first = chosen[0] if chosen else 0
        if not chains or not chains[first]:
            raise Refused("the model's first result does not come from its input")
        return chains[first], [first]
    node = Node("results", "the model's results")
    step = join(graph, node, [refs[k] for k in chosen])
    if not step.layers:
        return chains[chosen[0]], [chosen[0]]
    return walk(graph, step.source) + step.layers, chosen


JOINS = ("cat", "concat", "stack", "concatenate")
STATEFUL = ("gru", "lstm", "gru_cell", "lstm_cell", "rnn", "bidirectional")


def is_state_of(graph: Graph, ref: Ref) -> bool:
    """A result that is the last state of a recurrent layer, or those of a stack."""
    if ref.number == graph.input:
        return False
    node = graph.nodes[ref.number]
    op = node.op.lower()
    if op in STATEFUL:
        return node.index > 0 or op.endswith("_cell")
    is_plumbing = graph.rules.get(op) is plumbing
    passed = node.live()[:1] if is_plumbing else node.live() if op in JOINS else []
    return bool(passed) and all(is_state_of(graph, r) for r in passed)


def ends_in_read_out(chain: Sequence[Layer]) -> bool:
    tidy = tidied(chain)
    return bool(tidy) and tidy[-1].kind in ("dense", "heads")


# ---- a model against its chain -------------------------------------------------------------------


def results_of(model: Model, x: Array, n_outputs: int) -> Array:
    """The model's own rows; where it gives the last one alone, those of each beginning of x."""
    assert model.run
    rows = as_rows(model.run(x), len(x), n_outputs)
    if len(rows) == len(x):
        return rows
    try:
        return np.concatenate(
            [as_rows(model.run(x[: k + 1]), k + 1, n_outputs)[-1:] for k in range(len(x))]
        )
    except Exception:  # it takes so many rows and no others
        return rows


def as_rows(results: Sequence[Array], n_rows: int, n_outputs: int) -> Array:
    """T rows or one of all results side by side."""
    size = sum(r.size for r in results)
    for n in (n_rows, 1):
        if size == n * n_outputs:
            parts = [np.asarray(r, dtype=np.float64).reshape(n, -1) for r in results]
            return np.concatenate(parts, axis=1)
    shapes = " and ".join(str(tuple(r.shape)) for r in results)
    raise Mismatch(
        f"the model gives {shapes}, which is neither a row of {n_outputs} values for each "
        f"of {n_rows} rows nor one for the last"
    )


def check_model(model: Model) -> None:
    """Refuses a chain that gives other numbers than the model itself."""
    n_inputs, n_outputs = check_widths(model.found)
    x = random_rows((model.n_rows, n_inputs)).astype(np.float64)
    right = results_of(model, x, n_outputs)
    found = run_layers(model.found, x)
    if len(right) != len(found):
        check_one_way(model)
    found = found[-len(right) :]
    if is_near(found, right, TOLERANCE):
        return
    if is_last_alone(model, x, n_outputs):
        check_one_way(model)
    row, column = np.unravel_index(np.argmax(np.abs(found - right)), found.shape)
    names = " → ".join(f"{layer.name} ({layer.kind})" for layer in tidied(model.found))
    raise Mismatch(
        f"the layers {names} alone give {found[row, column]:.6g} where the model gives "
        f"{right[row, column]:.6g}; it does something between them that was not recognised"
    )


def is_last_alone(model: Model, x: Array, n_outputs: int) -> bool:
    assert model.run
    return len(as_rows(model.run(x), len(x), n_outputs)) < len(x)


def check_one_way(model: Model) -> None:
    for layer in model.found:
        if layer.kind in RECURRENT and is_bidirectional(layer):
            raise Refused(
                f"the bidirectional '{layer.name}' is read at its last row alone, which grud "
                "cannot say; let the model give its output at every row"
            )


# ---- weights without a model: what their names say -----------------------------------------------


@dataclass
class Pool:
    """The layers of a file by their prefixes, and the tensors that belong to none."""

    layers: Dict[str, Layer] = field(default_factory=dict)
    others: Dict[str, Array] = field(default_factory=dict)
    is_ordered: bool = False  # layers of one kind follow each other as they stand
    way_out: str = "give the class by --model package.module:Class"

    def layer(self, kind: str, prefix: str) -> Layer:
        found = self.layers.setdefault(prefix, Layer(kind, prefix))
        if found.kind != kind:
            raise Refused(f"the tensors of '{prefix}' are those of a {found.kind} and of a {kind}")
        return found


def without_weight_norm(state: Dict[str, Array]) -> Dict[str, Array]:
    """weight_g · weight_v / |weight_v|, under the name of the weight."""
    out = {}
    for name, value in state.items():
        old = re.fullmatch(r"(.*)_g", name)
        new = re.fullmatch(r"(.*?)parametrizations\.(.*)\.original0", name)
        if old and old.group(1) + "_v" in state:
            out[old.group(1)] = normed(value, state[old.group(1) + "_v"])
        elif new:
            direction_of = state[name[:-1] + "1"]
            out["".join(new.groups())] = normed(value, direction_of)
        elif not (name.endswith("_v") and name[:-1] + "g" in state) and not name.endswith(
            ".original1"
        ):
            out[name] = value
    return out


def normed(length: Array, direction_of: Array) -> Array:
    axes = tuple(k for k, n in enumerate(length.shape) if n == 1)
    norm = np.sqrt((direction_of**2).sum(axis=axes, keepdims=True))
    return direction_of * length / norm


GATES = {3: "gru", 4: "lstm"}
RECURRENT_NAME = re.compile(r"(?:(.*)\.)?((?:weight|bias)_(?:ih|hh))(_l\d+)?(_reverse)?")


def pool_of(state: Dict[str, Array]) -> Pool:
    pool = Pool()
    state = without_weight_norm(state)
    for name, value in state.items():
        prefix, _, ending = name.rpartition(".")
        if re.search(r"embed", name):
            raise Refused(
                f"'{name}' is an embedding, and no layer of grud is one; {ADVICE['embedding']}"
            )
        if re.search(r"weight_hr_l\d+", name):
            raise Refused(f"'{name}' is a projection (proj_size), which no layer of grud has")
        match = RECURRENT_NAME.fullmatch(name)
        if match:
            take_recurrent(pool, state, match, value)
        elif ending == "num_batches_tracked":
            continue
        elif ending in ("weight", "bias", "running_mean", "running_var"):
            kind = kind_of_norm(state, prefix)
            if kind:
                pool.layer(kind, prefix or kind).tensors[ending] = value
            else:
                raise Refused(
                    f"'{name}' with the shape {list(value.shape)} belongs to no layer of grud's, "
                    f"which has {LAYERS_OF_GRUD} (an embedding, a convolution?)"
                )
        else:
            pool.others[name] = value
    for layer in pool.layers.values():
        layer.keys.update({"eps": 1e-5} if layer.kind.endswith("_norm") else {})
    return pool


def take_recurrent(pool: Pool, state: Dict[str, Array], match: Any, value: Array) -> None:
    prefix, part, number, reverse = match.groups()
    hh = match.group(0).replace("weight_ih", "weight_hh").replace("bias_ih", "weight_hh")
    hh = hh.replace("bias_hh", "weight_hh")
    size = state[hh].shape[1] if hh in state else 0
    n_gates = len(state[hh]) / size if size else 0
    if n_gates not in GATES:
        raise Refused(
            f"'{match.group(0)}' has the rows of {n_gates:g} gates; grud has GRU (3) and LSTM (4)"
        )
    layer = pool.layer(GATES[n_gates], prefix or GATES[n_gates])
    layer.tensors[part + (number or "_l0") + (reverse or "")] = value


def kind_of_norm(state: Dict[str, Array], prefix: str) -> Optional[str]:
    """What `weight` and `bias` below a prefix are; None: nothing that is known."""
    dot = prefix + "." if prefix else ""
    if dot + "running_mean" in state:
        return "batch_norm"
    weight = state.get(dot + "weight")
    n_axes = None if weight is None else weight.ndim
    return {2: "dense", 1: "layer_norm"}.get(n_axes) if n_axes else None


MEAN_AND_STD = re.compile(r"(.*?)(mean|mu)")
STD_WORDS = {"mean": ("std", "scale", "sigma"), "mu": ("sigma", "std")}
OF_OUTPUT = re.compile(r"(^|[._])(y|target|targets|output|outputs|out|label|labels)([._]|$)")


def scalings_in(others: Dict[str, Array], widths: Tuple[int, int]) -> List[Any]:
    """Takes buffers as x_mean and x_std, scaler.mean and scaler.scale out of the rest: those of
    the inputs, and those of the outputs."""
    found: List[Any] = [None, None]
    for name in list(others):
        match = MEAN_AND_STD.fullmatch(name)
        for word in STD_WORDS[match.group(2)] if match else ():
            partner = (match.group(1) if match else "") + word
            if partner not in others:
                continue
            k = 1 if OF_OUTPUT.search(name) else 0
            mean, std = others[name].reshape(-1), others[partner].reshape(-1)
            if found[k] is None and {mean.size, std.size} <= {1, widths[k]}:
                found[k] = tuple(np.broadcast_to(a, (widths[k],)) for a in (mean, std))
                del others[name], others[partner]
            break
    return found


N_TRIES = 20000  # orders that are looked at; of a file of very many layers, not all


def orders_by_size(layers: Sequence[Layer], limit: int = 200) -> List[List[Layer]]:
    """The ways to put all layers one after the other so that their sizes fit."""
    found: List[List[Layer]] = []
    tries = iter(range(N_TRIES))

    def go_on(chain: List[Layer], rest: List[Layer], width: int) -> None:
        if next(tries, None) is None:
            return
        if not rest:
            found.append(chain)
        for k, layer in enumerate(rest):
            takes = width_in(layer)
            if len(found) < limit and (not chain or takes is None or takes == width):
                go_on(chain + [layer], rest[:k] + rest[k + 1 :], width_out(layer, takes or width))

    go_on([], list(layers), 0)
    return found


def keeps_order(layers: Sequence[Layer], order: Sequence[Layer]) -> bool:
    kinds = {layer.kind for layer in layers}
    return all(
        [a.name for a in layers if a.kind == kind] == [a.name for a in order if a.kind == kind]
        for kind in kinds
    )


def chain_by_names(pool: Pool) -> List[Layer]:
    """The chain, where names and sizes leave no question open; else the line that asks it."""
    layers = list(pool.layers.values())
    n_dense = sum(layer.kind == "dense" for layer in layers)
    orders = orders_by_size(layers)
    if pool.is_ordered:
        orders = [o for o in orders if keeps_order(layers, o)]
    good = [o for o in orders if n_dense == 0 or o[-1].kind == "dense"]
    if len(good) == 1 and n_dense <= 1 and any(layer.kind in RECURRENT for layer in layers):
        return good[0]
    raise Refused(
        "the names of the weights do not say in which order the layers follow, or what is between "
        f"them; say it: --network '{json.dumps(guessed_network(layers, good or orders))}'"
        f"{' with the activation in place of each ?' if n_dense > 1 else ''}, or {pool.way_out}"
    )


def guessed_network(layers: Sequence[Layer], orders: List[List[Layer]]) -> List[Dict[str, Any]]:
    dense = [layer for layer in layers if layer.kind == "dense"]
    if orders:
        entries: List[Dict[str, Any]]
        entries = [{"type": layer.kind, "prefix": layer.name} for layer in orders[0]]
        for entry in entries[:-1]:
            entry.update({"activation": "?"} if entry["type"] == "dense" else {})
        return entries
    entries = [{"type": k.kind, "prefix": k.name} for k in layers if k.kind != "dense"]
    heads = [{"prefix": layer.name, "activation": "?"} for layer in dense]
    return [*entries, {"type": "heads", "heads": heads}]


NETWORK_KEYS = ("prefix", "activation", "eps", "heads", "initial_state", "initial_cell", "reset")


def chain_by_network(pool: Pool, text: str) -> List[Layer]:
    """The layers that --network names, with their weights from the file."""
    try:
        entries = json.loads(text)
        return [layer_by_entry(pool, entry, entry["type"]) for entry in entries]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(
            "--network is a JSON list as docs/MODELS.md has it, each entry with its type: "
            f"{error!r}"
        ) from error


def layer_by_entry(pool: Pool, entry: Dict[str, Any], kind: str) -> Layer:
    unknown = set(entry) - {"type", *NETWORK_KEYS}
    if unknown:
        raise Refused(f"--network: {unknown.pop()!r} is no key that grud-convert takes")
    word = entry.get("activation", "linear")
    if word not in ACTIVATIONS:
        raise Refused(f"--network: the activation {word!r} is none of {', '.join(ACTIVATIONS)}")
    keys = {k: entry[k] for k in ("activation", "eps", "reset") if k in entry}
    if kind == "activation":
        return Layer(kind, word, {}, keys)
    if kind == "heads":
        return Layer(kind, "heads", heads=[layer_by_entry(pool, h, "dense") for h in entry[kind]])
    prefix = entry["prefix"]
    if prefix not in pool.layers or pool.layers[prefix].kind != kind:
        names = ", ".join(f"{k} ({v.kind})" for k, v in pool.layers.items())
        raise Refused(f"--network: the file has no {kind} at '{prefix}'; it has {names}")
    layer = copied(pool.layers[prefix])
    layer.keys.update(keys)
    for key in ("initial_state", "initial_cell"):
        if key in entry:
            layer.tensors[key] = pool.others.pop(entry[key])
    return layer


def check_left_over(pool: Pool, layers: Sequence[Layer]) -> None:
    used = {layer.name for top in layers for layer in [top, *top.heads]}
    left = [*sorted(set(pool.layers) - used), *sorted(pool.others)]
    if left:
        raise Refused(
            f"'{left[0]}' belongs to no layer of the chain (an encoder, a copy, a learned state?); "
            "say by --network what belongs to it, or by --prefix NAME which part of the file"
        )


def named_model(pool: Pool, framework: str, network: Optional[str]) -> Model:
    """Layers by their names alone. Nobody can run them, so nothing proves them."""
    layers = chain_by_network(pool, network) if network else chain_by_names(pool)
    layers = [arrays_of(layer) for layer in layers]
    for head in [h for layer in layers for h in layer.heads]:
        arrays_of(head)
    inputs, outputs = scalings_in(pool.others, check_widths(layers))
    check_left_over(pool, layers)
    if inputs is not None:
        layers.insert(0, affine("inputs", 1.0 / inputs[1], -inputs[0] / inputs[1]))
    if outputs is not None:
        layers.append(affine("outputs", outputs[1], outputs[0]))
    by = "--network" if network else "their names"
    return Model(layers, None, framework, remark=f"layers by {by} alone")


# ---- Keras ---------------------------------------------------------------------------------------

KERAS_BACKENDS = (
    ("numpy", "jax"),
    ("tensorflow", "tensorflow"),
    ("jax", "jax"),
    ("torch", "torch"),
)


def import_keras() -> Any:
    """Keras, on the lightest backend that is there."""
    import importlib.util as finder
    import os

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for backend, needs in KERAS_BACKENDS:
        if finder.find_spec(needs):
            os.environ.setdefault("KERAS_BACKEND", backend)
    import keras

    return keras


def keras_array(value: Any) -> Array:
    return import_keras().ops.convert_to_numpy(value)


def keras_word(function: Any, name: str) -> str:
    """grud's word for an activation of Keras'."""
    said = import_keras().activations.serialize(function)
    word = said if isinstance(said, str) else type(function).__name__
    word = {"swish": "silu"}.get(word, word)
    if word == "leaky_relu":
        raise Refused(f"'{name}' is a leaky_relu with the slope 0.2, and grud's has 0.01")
    if word not in ACTIVATIONS:
        raise Refused(f"the activation of '{name}' is {word}; grud has {', '.join(ACTIVATIONS)}")
    return word


def keras_rows(kind: str, kernel: Array) -> Array:
    """[…, gates · H] to rows; of a GRU z,r,n to r,z,n."""
    rows = kernel.T
    if kind == "gru":
        z, r, n = np.split(rows, 3)
        rows = np.concatenate([r, z, n])
    return rows


def keras_cell_tensors(kind: str, arrays: Sequence[Array]) -> Tuple[Dict[str, Array], str]:
    """The tensors of a layer 0, and where its reset gate acts."""
    kernel, recurrent, *biases = arrays
    tensors = {
        "weight_ih_l0": keras_rows(kind, kernel),
        "weight_hh_l0": keras_rows(kind, recurrent),
    }
    two = biases[0].reshape(-1, kernel.shape[1]) if biases else np.zeros((0, 0))
    for name, bias in zip(("bias_ih_l0", "bias_hh_l0"), two):
        tensors[name] = keras_rows(kind, bias)
    if len(two) == 1:
        tensors["bias_hh_l0"] = np.zeros_like(tensors["bias_ih_l0"])
    return tensors, "before" if len(two) == 1 else "after"


def keras_cell(cell: Any, name: str) -> Layer:
    kind = {"GRUCell": "gru", "LSTMCell": "lstm"}.get(type(cell).__name__)
    if not kind:
        raise Refused(f"'{name}' is made of a {type(cell).__name__}; grud has GRU and LSTM")
    words = [keras_word(f, name) for f in (cell.activation, cell.recurrent_activation)]
    if words != ["tanh", "sigmoid"]:
        raise Refused(
            f"'{name}' has the activations {' and '.join(words)} inside, and grud's "
            f"{kind} tanh and sigmoid"
        )
    arrays = [keras_array(w) for w in cell.weights]
    layer = Layer(kind, name, keras_cell_tensors(kind, arrays)[0])
    if kind == "gru" and not cell.reset_after:
        layer.keys["reset"] = "before"
    return layer


def keras_recurrent(_graph: Graph, node: Node, _ref: Ref) -> Step:
    rnn = node.keys["layer"]
    cell = rnn.cell
    if rnn.go_backwards:
        raise Refused(f"'{node.name}' runs backwards; grud has that within a bidirectional layer")
    if len(node.live()) > 1:
        raise Refused(f"the state of '{node.name}' comes from another layer (an encoder?)")
    if node.index > 1:
        raise Refused(
            f"the cell state of '{node.name}' is read; grud gives the hidden state alone"
        )
    cells = cell.cells if type(cell).__name__ == "StackedRNNCells" else [cell]
    names = [node.name] if len(cells) == 1 else [f"{node.name}.{k}" for k in range(len(cells))]
    layers = [arrays_of(keras_cell(c, n)) for c, n in zip(cells, names)]
    return Step(layers, node.live()[0])


def keras_bidirectional(_graph: Graph, node: Node, _ref: Ref) -> Step:
    both = node.keys["layer"]
    if both.merge_mode != "concat":
        raise Refused(
            f"'{node.name}' merges its directions by {both.merge_mode}, and grud's by " "concat"
        )
    layer, back = (
        keras_cell(r.cell, node.name) for r in (both.forward_layer, both.backward_layer)
    )
    if back.kind != layer.kind or back.keys != layer.keys:
        raise Refused(f"the directions of '{node.name}' are of different kinds")
    layer.tensors.update({f"{name}_reverse": t for name, t in back.tensors.items()})
    return Step([arrays_of(layer)], node.live()[0])


def keras_dense(_graph: Graph, node: Node, _ref: Ref) -> Step:
    dense = node.keys["layer"]
    tensors = {"weight": keras_array(dense.kernel).T}
    if dense.use_bias:
        tensors["bias"] = keras_array(dense.bias)
    layer = Layer("dense", node.name, tensors)
    return Step(
        [arrays_of(layer), activation(node.name, keras_word(dense.activation, node.name))],
        node.live()[0],
    )


def keras_axis(node: Node, axis: Any, n_axes: int) -> None:
    axes = list(axis) if isinstance(axis, (list, tuple)) else [axis]
    if axes not in ([-1], [n_axes - 1]):
        raise Refused(f"'{node.name}' works along the axes {axes}, and grud's along the last one")


def keras_norm(kind: str, names: Dict[str, str]) -> Any:
    def rule(_graph: Graph, node: Node, _ref: Ref) -> Step:
        norm = node.keys["layer"]
        keras_axis(node, norm.axis, len(node.keys["shape"]))
        if getattr(norm, "rms_scaling", False):
            raise Refused(
                f"'{node.name}' scales by the root of the mean square, and grud's does not"
            )
        values = {ours: getattr(norm, theirs, None) for ours, theirs in names.items()}
        tensors = {name: keras_array(v) for name, v in values.items() if v is not None}
        tensors.setdefault("weight", np.ones(node.keys["shape"][-1]))
        return Step(
            [arrays_of(Layer(kind, node.name, tensors, {"eps": norm.epsilon}))], node.live()[0]
        )

    return rule


def keras_normalization(_graph: Graph, node: Node, _ref: Ref) -> Step:
    norm = node.keys["layer"]
    if norm.axis not in (-1, len(node.keys["shape"]) - 1, (len(node.keys["shape"]) - 1,), (-1,)):
        raise Refused(f"'{node.name}' is a Normalization along {norm.axis}, not along the inputs")
    mean, variance = (keras_array(v).reshape(-1) for v in (norm.mean, norm.variance))
    std = np.maximum(np.sqrt(variance.astype(np.float64)), 1e-7)
    scale, shift = (std, mean) if norm.invert else (1.0 / std, -mean / std)
    return Step([affine(node.name, scale, shift)], node.live()[0])


def keras_rescaling(_graph: Graph, node: Node, _ref: Ref) -> Step:
    layer = node.keys["layer"]
    return Step([affine(node.name, layer.scale, layer.offset)], node.live()[0])


def keras_activation(_graph: Graph, node: Node, _ref: Ref) -> Step:
    return Step(
        [activation(node.name, keras_word(node.keys["layer"].activation, node.name))],
        node.live()[0],
    )


def keras_function(kind: str, **settings: Any) -> Any:
    """An activation that is a layer or an operation, with what its settings must be."""

    def rule(_graph: Graph, node: Node, _ref: Ref) -> Step:
        layer = node.keys["layer"]
        found = {k: (getattr(layer, k, right), right) for k, right in settings.items()}
        if kind == "softmax":
            keras_axis(node, layer.axis, len(node.keys["shape"]))
        return Step([known_activation(node.name, kind, **found)], node.live()[0])

    return rule


def keras_within(graph: Graph, node: Node, ref: Ref) -> Step:
    """TimeDistributed: its layer."""
    layer = node.keys["layer"].layer
    rule = graph.rules.get(type(layer).__name__.lower())
    if not rule or type(layer).__name__ in ("GRU", "LSTM", "RNN", "Bidirectional"):
        raise Refused(f"'{node.name}' applies a {type(layer).__name__} to each step")
    return rule(graph, Node(node.op, node.name, node.args, {**node.keys, "layer": layer}), ref)


def keras_nested(_graph: Graph, node: Node, _ref: Ref) -> Step:
    found, chosen = keras_chain(node.keys["layer"])
    if chosen != [0]:
        raise Refused(f"the model '{node.name}' inside of the model has several outputs")
    return Step(found, node.live()[0])


def keras_join(graph: Graph, node: Node, _ref: Ref) -> Step:
    return join(graph, node, node.live())


KERAS_RULES: Dict[str, Callable[[Graph, Node, Ref], Step]] = {
    **{
        op: plumbing
        for op in (
            "dropout spatialdropout1d gaussiandropout gaussiannoise alphadropout identity "
            "activityregularization reshape permute getitem squeeze expanddims transpose "
            "cast flatten"
        ).split()
    },
    **{op: by_constant for op in ("add", "sub", "mul", "div")},
    **{op: negated for op in ("neg", "negative")},
    **{op: keras_recurrent for op in ("gru", "lstm", "rnn")},
    **{op: keras_nested for op in ("sequential", "functional", "model")},
    **{
        op: keras_function(op) for op in ("sigmoid", "tanh", "softplus", "silu", "selu", "softmax")
    },
    "bidirectional": keras_bidirectional,
    "dense": keras_dense,
    "timedistributed": keras_within,
    "layernormalization": keras_norm("layer_norm", {"weight": "gamma", "bias": "beta"}),
    "batchnormalization": keras_norm(
        "batch_norm",
        {
            "weight": "gamma",
            "bias": "beta",
            "running_mean": "moving_mean",
            "running_var": "moving_variance",
        },
    ),
    "normalization": keras_normalization,
    "rescaling": keras_rescaling,
    "activation": keras_activation,
    "relu": keras_function("relu", max_value=None, negative_slope=0.0, threshold=0.0),
    "leakyrelu": keras_function("leaky_relu", negative_slope=0.01),
    "elu": keras_function("elu", alpha=1.0),
    "gelu": keras_function("gelu", approximate=False),
    "concatenate": keras_join,
    "stack": keras_join,
}
KERAS_SAME = {"subtract": "sub", "multiply": "mul", "divide": "div", "truedivide": "div"}


class KerasGraph:
    """A model of Keras' as a graph, visited from its outputs."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.graph = Graph(KERAS_RULES)
        self.refs: Dict[int, Ref] = {}
        self.rows = random_rows((1, *[n or N_ROWS for n in model.inputs[0].shape[1:]]))
        self.ref(model.inputs[0])

    def ref(self, tensor: Any) -> Ref:
        if id(tensor) in self.refs:
            return self.refs[id(tensor)]
        args: Sequence[Any] = ()
        history = tensor._keras_history
        if self.refs:  # all but the input
            args = self.arguments(history)
        number = len(self.refs)
        if self.refs:
            keys = {"layer": history.operation, "shape": tensor.shape}
            op = type(history.operation).__name__
            self.graph.nodes[number] = Node(
                KERAS_SAME.get(op.lower(), op),
                history.operation.name,
                args,
                keys,
                history.tensor_index,
            )
        self.refs[id(tensor)] = Ref(number, True, lambda: self.value(tensor))
        return self.refs[id(tensor)]

    def arguments(self, history: Any) -> List[Any]:
        if type(history.operation).__name__ == "InputLayer":
            raise Refused(
                f"the model has a second input, '{history.operation.name}'; grud's have one "
                "row a step"
            )
        arguments = history.operation._inbound_nodes[history.node_index].arguments
        found = [self.tree(v) for v in (*arguments.args, *arguments.kwargs.values())]
        return found[0] if len(found) == 1 and isinstance(found[0], list) else found

    def tree(self, value: Any) -> Any:
        if hasattr(value, "_keras_history"):
            return self.ref(value)
        if isinstance(value, (list, tuple)):
            return [self.tree(v) for v in value]
        return keras_array(value) if hasattr(value, "numpy") or hasattr(value, "dtype") else value

    def value(self, tensor: Any) -> Array:
        keras = import_keras()
        return keras_array(keras.Model(self.model.inputs, tensor)(self.rows))


def keras_chain(model: Any) -> Tuple[List[Layer], List[int]]:
    if not getattr(model, "inputs", None):
        raise Refused(
            f"the model '{model.name}' is neither Sequential nor functional, so its layers "
            "are known to its code alone; build it of Keras' layers and save it again"
        )
    graph = KerasGraph(model)
    return read_outs(graph.graph, [graph.ref(t) for t in model.outputs])


def keras_runner(model: Any, chosen: Sequence[int]) -> Callable[[Array], List[Array]]:
    keras = import_keras()
    n_batch = model.inputs[0].shape[0] or 1
    stateful = [layer for layer in model.layers if getattr(layer, "stateful", False)]

    def run(x: Array) -> List[Array]:
        for layer in stateful:
            layer.reset_states() if hasattr(layer, "reset_states") else layer.reset_state()
        rows = np.repeat(np.asarray(x, dtype=np.float32)[None], n_batch, axis=0)
        results = keras.tree.flatten(model(rows, training=False))
        return [keras_array(results[k])[:1] for k in chosen]

    return run


def keras_file(path: Path, args: argparse.Namespace) -> Model:
    if not zipfile.is_zipfile(path) and not has_model_config(path):
        return named_model(keras_pool(path), "Keras weights", args.network)
    keras = import_keras()
    for layer in (keras.layers.GRU, keras.layers.LSTM):
        forgive_time_major(layer)
    try:
        model = keras.models.load_model(path, compile=False)
    except (ValueError, TypeError, OSError, KeyError, AttributeError) as error:
        line = str(error).strip().splitlines()[0]
        raise Refused(
            f"Keras {keras.__version__} does not load it: {line}; a model of Keras' own "
            "layers is needed, saved by model.save('NAME.keras')"
        ) from error
    found, chosen = keras_chain(model)
    n_rows = model.inputs[0].shape[1] if len(model.inputs[0].shape) == 3 else None
    made = Model(
        found,
        keras_runner(model, chosen),
        f"Keras {keras.__version__} on {keras.backend.backend()}",
        n_rows or N_ROWS,
    )
    check_model(made)
    return made


def forgive_time_major(layer: Any) -> None:
    """Keras 2 wrote `time_major`, which Keras 3 does not know."""
    make = layer.from_config.__func__

    def from_config(cls: Any, config: Dict[str, Any]) -> Any:
        if config.pop("time_major", False):
            raise Refused(f"'{config.get('name')}' is time_major, which Keras 3 has no more")
        return make(cls, config)

    layer.from_config = classmethod(from_config)


def has_model_config(path: Path) -> bool:
    import h5py

    with h5py.File(path, "r") as file:
        return "model_config" in file.attrs


KERAS_WEIGHTS = {
    "dense": ("dense", ("weight", "bias")),
    "layer_normalization": ("layer_norm", ("weight", "bias")),
    "batch_normalization": ("batch_norm", ("weight", "bias", "running_mean", "running_var")),
}
KERAS_ORDER = (
    "kernel",
    "recurrent_kernel",
    "gamma",
    "bias",
    "beta",
    "moving_mean",
    "moving_variance",
)


def keras_pool(path: Path) -> Pool:
    """The layers of a file of weights: their names are those of their classes."""
    import h5py

    groups: Dict[str, Dict[str, Array]] = {}
    with h5py.File(path, "r") as file:
        file.visititems(
            lambda name, item: (
                groups.setdefault(name.rpartition("/")[0], {}).update(
                    {name.rpartition("/")[2]: np.asarray(item)}
                )
                if hasattr(item, "shape")
                else None
            )
        )
    pool = Pool(is_ordered=True, way_out="convert the whole model (model.save('NAME.keras'))")
    for group in sorted(groups, key=natural):
        words = [
            w
            for w in group.split("/")
            if w not in ("layers", "_layer_checkpoint_dependencies", "vars", "cell", "layer")
        ]
        take_keras_group(pool, words, in_order(groups[group]))
    return pool


def natural(name: str) -> List[Any]:
    """gru, gru_1, gru_2, gru_10"""
    return [int(w) if w.isdigit() else w for w in re.split(r"(\d+)", name)]


def in_order(arrays: Dict[str, Array]) -> List[Array]:
    """0, 1, 2, or kernel, recurrent_kernel, bias."""

    def rank(name: str) -> int:
        word = name.split(":")[0]
        return int(word) if word.isdigit() else KERAS_ORDER.index(word)

    try:
        return [arrays[name] for name in sorted(arrays, key=rank)]
    except ValueError as error:
        raise Refused(f"the weights {', '.join(arrays)} are of no layer that grud has") from error


def take_keras_group(pool: Pool, words: Sequence[str], arrays: List[Array]) -> None:
    way = "_reverse" if any("backward" in w for w in words) else ""
    names = [w for w in words if w not in ("forward_layer", "backward_layer")]
    name = names[0] if names else "model"
    kind = re.sub(r"_\d+$", "", name)
    gates = (
        len(arrays) > 1
        and arrays[0].ndim == arrays[1].ndim == 2
        and (arrays[1].shape[1] / arrays[1].shape[0])
    )
    if gates in GATES:
        tensors, reset = keras_cell_tensors(GATES[gates], arrays)
        layer = pool.layer(GATES[gates], name)
        layer.tensors.update({k + way: v for k, v in tensors.items()})
        layer.keys.update({"reset": reset} if reset == "before" and layer.kind == "gru" else {})
    elif kind in KERAS_WEIGHTS or (len(arrays) <= 2 and arrays[0].ndim == 2):
        ours, parts = KERAS_WEIGHTS.get(kind, KERAS_WEIGHTS["dense"])
        layer = pool.layer(ours, name)
        layer.tensors.update(zip(parts, arrays))
        layer.keys.update({"eps": 1e-3} if ours != "dense" else {})
        if ours == "dense":
            layer.tensors["weight"] = layer.tensors["weight"].T
    else:
        raise Refused(
            f"the weights of '{name}' are of no layer that grud has ({LAYERS_OF_GRUD}); "
            "convert the whole model, saved by model.save('NAME.keras')"
        )


# ---- ONNX ----------------------------------------------------------------------------------------


def onnx_gates(kind: str, rows: Array) -> Array:
    """z,r,h to r,z,n; i,o,f,c to i,f,g,o."""
    parts = np.split(rows, 3 if kind == "gru" else 4)
    order = (1, 0, 2) if kind == "gru" else (0, 2, 3, 1)
    return np.concatenate([parts[k] for k in order])


ONNX_INPUTS = {
    "gru": ("X", "W", "R", "B", "sequence_lens", "initial_h"),
    "lstm": ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"),
}
ONNX_INSIDE = {"gru": ["sigmoid", "tanh"], "lstm": ["sigmoid", "tanh", "tanh"]}
ONNX_REFUSED = {
    "P": "has peepholes (P)",
    "clip": "clips inside its cells",
    "sequence_lens": "has sequence_lens, lengths of sequences of its own",
    "input_forget": "couples its input and forget gates (input_forget)",
}


def onnx_recurrent(_graph: Graph, node: Node, _ref: Ref) -> Step:
    kind = node.op.lower()
    given = {n: r for n, r in zip(ONNX_INPUTS[kind], node.args) if r is not None}
    for what, does in ONNX_REFUSED.items():
        if what in given or node.keys.get(what):
            raise Refused(f"the {node.op} '{node.name}' {does}, which no layer of grud does")
    inside = [word.lower() for word in node.keys.get("activations", [])]
    two_way = node.keys.get("direction", "forward") == "bidirectional"
    if node.keys.get("direction", "forward") == "reverse":
        raise Refused(
            f"the {node.op} '{node.name}' runs backwards alone; grud has that within a "
            "bidirectional layer"
        )
    if inside and inside != ONNX_INSIDE[kind] * (1 + two_way):
        raise Refused(
            f"the {node.op} '{node.name}' has the activations {', '.join(inside)} inside, "
            f"and grud's {', '.join(ONNX_INSIDE[kind])}"
        )
    for name in ("W", "R", "B", "initial_h", "initial_c"):
        if name in given and given[name].is_live:
            raise Refused(f"{name} of the {node.op} '{node.name}' is computed from the readings")
    check_result(node, two_way)
    layer = Layer(kind, node.name, onnx_tensors(kind, given))
    if kind == "gru" and not node.keys.get("linear_before_reset"):
        layer.keys["reset"] = "before"
    for name, ours in (("initial_h", "initial_state"), ("initial_c", "initial_cell")):
        if name in given and np.any(given[name].value()):
            onnx_first_state(layer, node, ours, given[name].value())
    return Step([arrays_of(layer)], given["X"])


def onnx_tensors(kind: str, given: Dict[str, Ref]) -> Dict[str, Array]:
    tensors = {}
    for k, ending in enumerate(("_l0", "_l0_reverse")[: len(given["W"].value())]):
        values = {name: given[name].value()[k] for name in ("W", "R", "B") if name in given}
        tensors["weight_ih" + ending] = onnx_gates(kind, values["W"])
        tensors["weight_hh" + ending] = onnx_gates(kind, values["R"])
        if "B" in values:
            for name, bias in zip(("bias_ih", "bias_hh"), np.split(values["B"], 2)):
                tensors[name + ending] = onnx_gates(kind, bias)
    return tensors


def onnx_first_state(layer: Layer, node: Node, name: str, value: Array) -> None:
    size = layer.tensors["weight_hh_l0"].shape[1]
    rows = value.reshape(-1, size)
    if is_bidirectional(layer) or np.any(rows != rows[0]):
        raise Refused(
            f"the {node.op} '{node.name}' has first states of its own for each sequence or "
            "direction; grud's are of the layer"
        )
    layer.tensors[name] = rows[:1].reshape(1, 1, size)


def onnx_product(graph: Graph, node: Node, ref: Ref) -> Step:
    """MatMul, and Gemm with its bias."""
    x, w = node.args[:2]
    keys = node.keys
    if w.is_live or keys.get("transA") or keys.get("alpha", 1.0) != 1.0:
        raise Refused(
            f"the {node.op} '{node.name}' is none of its input and stored weights (an "
            "attention?), which no layer of grud does"
        )
    if w.value().ndim != 2:
        raise Refused(f"the weights of the {node.op} '{node.name}' have {w.value().ndim} axes")
    weight = w.value() if keys.get("transB") else w.value().T
    layer = Layer("dense", node.name, {"weight": weight})
    if len(node.args) > 2 and node.args[2] is not None:
        bias = node.args[2].value().reshape(-1) * keys.get("beta", 1.0)
        layer.tensors["bias"] = bias * np.ones(len(weight))
    return Step([arrays_of(layer)], x)


def onnx_batch_norm(_graph: Graph, node: Node, _ref: Ref) -> Step:
    names = ("weight", "bias", "running_mean", "running_var")
    layer = Layer(
        "batch_norm",
        node.name,
        torch_tensors(names, node.args[1:5]),
        {"eps": round_float(node.keys.get("epsilon", 1e-5))},
    )
    return Step([arrays_of(layer)], node.args[0])


def onnx_layer_norm(_graph: Graph, node: Node, ref: Ref) -> Step:
    keras_axis(node, node.keys.get("axis", -1), ref.value().ndim)
    layer = Layer(
        "layer_norm",
        node.name,
        torch_tensors(("weight", "bias"), node.args[1:3]),
        {"eps": round_float(node.keys.get("epsilon", 1e-5))},
    )
    return Step([arrays_of(layer)], node.args[0])


def round_float(value: float) -> float:
    """A float32 as it was written."""
    return float(f"{value:.7g}")


def onnx_activation(kind: str, **settings: Any) -> Any:
    def rule(_graph: Graph, node: Node, ref: Ref) -> Step:
        keys = {k: round_float(v) if isinstance(v, float) else v for k, v in node.keys.items()}
        if kind == "softmax":
            keras_axis(node, keys.get("axis", -1), ref.value().ndim)
        found = {
            name: (keys.get(name, default), ours) for name, (default, ours) in settings.items()
        }
        return Step([known_activation(node.name, kind, **found)], node.live()[0])

    return rule


ONNX_RULES: Dict[str, Callable[[Graph, Node, Ref], Step]] = {
    **{
        op: plumbing
        for op in (
            "transpose squeeze unsqueeze reshape gather slice identity cast dropout flatten split "
            "expand"
        ).split()
    },
    **{op: by_constant for op in ("add", "sub", "mul", "div")},
    **{op: negated for op in ("neg", "negative")},
    **{op: onnx_recurrent for op in ("gru", "lstm")},
    **{op: onnx_product for op in ("matmul", "gemm")},
    **{op: onnx_activation(op) for op in ("relu", "tanh", "sigmoid", "softplus", "softmax")},
    "elu": onnx_activation("elu", alpha=(1.0, 1.0)),
    "selu": onnx_activation("selu", alpha=(1.673263, 1.673263), gamma=(1.050701, 1.050701)),
    "leakyrelu": onnx_activation("leaky_relu", alpha=(0.01, 0.01)),
    "gelu": onnx_activation("gelu", approximate=("none", "none")),
    "swish": onnx_activation("silu", alpha=(1.0, 1.0)),
    "batchnormalization": onnx_batch_norm,
    "layernormalization": onnx_layer_norm,
    "concat": keras_join,
}
ONNX_NOT_LIVE = ("Shape", "Size")


def onnx_run(model: Any) -> Any:
    """What runs a model, giving every value that it computes by its name; and what that is."""
    import onnx

    names = [n for node in model.graph.node for n in node.output if n]
    shown = onnx.ModelProto()
    shown.CopyFrom(model)
    del shown.graph.output[:]
    shown.graph.output.extend(onnx.ValueInfoProto(name=n) for n in names)
    try:
        return onnxruntime_run(shown, names)
    except Exception as error:  # it is not there, or has not all of ONNX: batch-wise layouts
        try:
            from onnx.reference import ReferenceEvaluator

            evaluator = ReferenceEvaluator(shown)
        except Exception:
            raise error from None
        return lambda feeds: dict(zip(names, evaluator.run(names, feeds))), "onnx.reference"


def onnxruntime_run(shown: Any, names: Sequence[str]) -> Any:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(shown.SerializeToString(), options, ["CPUExecutionProvider"])
    return (
        lambda feeds: dict(zip(names, session.run(names, feeds))),
        f"ONNX Runtime {ort.__version__}",
    )


class OnnxGraph:
    """An ONNX model, its stored values, and its graph once it has run."""

    def __init__(self, path: Path) -> None:
        import onnx
        from onnx import numpy_helper

        try:
            self.model = onnx.load(str(path), load_external_data=False)
        except Exception as error:
            raise Refused(f"{path.name} is no ONNX model: {one_line(error)}") from error
        try:
            onnx.load_external_data_for_model(self.model, str(path.parent))
        except Exception as error:
            raise Refused(
                f"the weights of {path.name} lie in a file of their own, which must be "
                f"beside it: {one_line(error)}"
            ) from error
        graph = self.model.graph
        self.stored = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
        inputs = [i for i in graph.input if i.name not in self.stored]
        if not inputs:
            raise Refused(f"{path.name} has no input")
        self.input, *others = inputs
        self.feeds = {i.name: self.other_input(path, k + 1, i) for k, i in enumerate(others)}
        self.dims = [d.dim_value or None for d in self.input.type.tensor_type.shape.dim]
        self.width = self.dims[-1] if self.dims and self.dims[-1] else self.first_width()

    def other_input(self, path: Path, k: int, value: Any) -> Array:
        """A weight that is handed in, as the onnx package's cases do; or a state: zeros."""
        import onnx
        from onnx import numpy_helper

        handed = path.parent / "test_data_set_0" / f"input_{k}.pb"
        if handed.is_file():
            return numpy_helper.to_array(onnx.TensorProto.FromString(handed.read_bytes()))
        users = [
            (n.op_type, list(n.input).index(value.name))
            for n in self.model.graph.node
            if value.name in n.input
        ]
        if not users or any(u not in (("GRU", 5), ("LSTM", 5), ("LSTM", 6)) for u in users):
            raise Refused(
                f"the graph has a second input, '{value.name}', and grud's have one row a step; "
                "make a stored value (initializer) of it"
            )
        dims = [d.dim_value or 1 for d in value.type.tensor_type.shape.dim]
        return np.zeros(dims, dtype=np.float32)

    def first_width(self) -> int:
        for node in self.model.graph.node:
            if node.op_type in ("GRU", "LSTM") and node.input[1] in {**self.stored, **self.feeds}:
                return int({**self.stored, **self.feeds}[node.input[1]].shape[-1])
        raise Refused(
            "the graph has no GRU or LSTM node that reads stored weights; grud serves "
            "networks with one (a Loop or Scan of its own cannot be known)"
        )

    def shapes(self) -> List[Tuple[bool, Tuple[int, ...]]]:
        """The shapes of rows to try, and whether the graph's own sizes are set aside for it."""
        width = self.width
        tries = [(True, (N_ROWS, 1, width)), (True, (1, N_ROWS, width)), (True, (N_ROWS, width))]
        tries = [t for t in tries if len(t[1]) == len(self.dims)]
        if all(self.dims):
            tries.append((False, tuple(self.dims)))
        return tries

    def open_model(self, is_open: bool) -> Any:
        """The model, with sizes of batch and time left open."""
        import onnx

        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        if is_open:
            del model.graph.value_info[:]
            for value in model.graph.input:
                if value.name == self.input.name:
                    for k, dim in enumerate(value.type.tensor_type.shape.dim[:-1]):
                        dim.dim_param = f"open_{k}"
        return model

    def graph_of(self, values: Dict[str, Array]) -> Tuple[Graph, Dict[str, Ref]]:
        from onnx import helper

        graph = Graph(ONNX_RULES)
        refs: Dict[str, Ref] = {}

        def ref(name: str, is_live: bool) -> Ref:
            return refs.setdefault(name, Ref(len(refs), is_live, lambda: values[name]))

        graph.input = ref(self.input.name, True).number
        for node in self.model.graph.node:
            inner = [
                n for a in node.attribute for part in a.g.node for n in part.input if n in refs
            ]
            args = [ref(n, False) if n else None for n in [*node.input, *inner]]
            keys = {a.name: plain_value(helper.get_attribute_value(a)) for a in node.attribute}
            name = (
                (node.name or f"{node.op_type}_{next(filter(None, node.output))}")
                .replace("/", ".")
                .strip(".")
            )
            made = Node(node.op_type, name, args, keys)
            is_live = bool(made.live()) and node.op_type not in ONNX_NOT_LIVE
            for k, output in enumerate(node.output):
                if output:
                    number = ref(output, is_live).number
                    graph.nodes[number] = Node(node.op_type, name, args, keys, k)
        return graph, refs


def plain_value(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    return [plain_value(v) for v in value] if isinstance(value, (list, tuple)) else value


def onnx_file(path: Path, _args: argparse.Namespace) -> Model:
    source = OnnxGraph(path)
    return best_of(source.shapes(), lambda t: onnx_model(source, source.open_model(t[0]), t[1]))


def onnx_model(source: OnnxGraph, opened: Any, shape: Tuple[int, ...]) -> Model:
    execute, framework = onnx_run(opened)
    n_rows = max(shape[:-1])
    axis = shape.index(n_rows)

    def values_of(x: Array) -> Dict[str, Array]:
        sizes = [len(x) if k == axis else n for k, n in enumerate(shape)]
        if int(np.prod(sizes)) != x.size:
            raise Refused(
                f"the graph is for {shape[0]} × {shape[1]} sequences at once; export it for "
                "a batch of 1"
            )
        rows = np.asarray(x, dtype=np.float32).reshape(sizes)
        return {
            **source.stored,
            **source.feeds,
            source.input.name: rows,
            **execute({source.input.name: rows, **source.feeds}),
        }

    graph, refs = source.graph_of(values_of(random_rows((n_rows, source.width))))
    outputs = [o.name for o in source.model.graph.output]
    found, chosen = read_outs(graph, [refs[name] for name in outputs])

    def run(x: Array) -> List[Array]:
        values = values_of(x)
        return [values[outputs[k]] for k in chosen]

    model = Model(found, run, framework, n_rows)
    check_model(model)
    return model


# ---- scalers of scikit-learn ---------------------------------------------------------------------


def scaler_values(scaler: Any) -> Tuple[Any, Any]:
    """mean and std, so that the network sees (x - mean) / std; None: 0, or 1."""
    kind = type(scaler).__name__
    if kind == "MinMaxScaler":
        return -scaler.min_ / scaler.scale_, 1.0 / scaler.scale_
    known = {"StandardScaler": "mean_", "RobustScaler": "center_", "MaxAbsScaler": None}
    if kind not in known:
        raise Refused(f"a scaler is one of MinMaxScaler, {', '.join(known)}, and not a {kind}")
    mean = getattr(scaler, known[kind] or "", None)
    if not getattr(scaler, "with_mean", True):  # it has one all the same
        mean = None
    return mean, scaler.scale_


def read_scaler(path: str, n_columns: int) -> Tuple[Array, Array]:
    import joblib

    try:
        scaler = joblib.load(path)
    except Exception as error:  # a pickle fails in any way
        raise Refused(f"{path} cannot be read as a scaler: {one_line(error)}") from error
    try:
        mean, std = scaler_values(scaler)
        n_found = int(scaler.n_features_in_)
    except AttributeError as error:
        raise Refused(f"the scaler of {path} was not fitted: {one_line(error)}") from error
    if n_found != n_columns:
        raise Refused(
            f"{path} scales {n_found} columns, and the model has {n_columns}; give the scaler that "
            "was fitted to them alone"
        )
    return (
        np.zeros(n_columns) if mean is None else np.asarray(mean, dtype=np.float64),
        np.ones(n_columns) if std is None else np.asarray(std, dtype=np.float64),
    )


# ---- the file ------------------------------------------------------------------------------------

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}


def read_safetensors(path: Path) -> Dict[str, Array]:
    data = path.read_bytes()
    try:
        (n,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8 : 8 + n])
        header.pop("__metadata__", None)
        return {name: tensor_of(data[8 + n :], **entry) for name, entry in header.items()}
    except (ValueError, KeyError, TypeError, struct.error) as error:
        raise Refused(f"{path.name} is no whole safetensors file: {error!r}") from error


def tensor_of(data: bytes, dtype: str, shape: List[int], data_offsets: List[int]) -> Array:
    part = data[slice(*data_offsets)]
    if dtype == "BF16":
        return (np.frombuffer(part, "<u2").astype("<u4") << 16).view("<f4").reshape(shape)
    if dtype == "I64":  # num_batches_tracked
        return np.frombuffer(part, "<i8").reshape(shape)
    return np.frombuffer(part, DTYPES[dtype]).reshape(shape)


def write_safetensors(path: Path, tensors: Dict[str, Array], grud: Dict[str, Any]) -> None:
    header: Dict[str, Any] = {"__metadata__": {"format": "pt"}}
    if grud:
        header["__metadata__"]["grud"] = json.dumps(grud)
    parts, at = [], 0
    for name, tensor in tensors.items():
        parts.append(np.ascontiguousarray(tensor, dtype="<f4").tobytes())
        header[name] = {
            "dtype": "F32",
            "shape": list(tensor.shape),
            "data_offsets": [at, at + len(parts[-1])],
        }
        at += len(parts[-1])
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    made = path.with_name(path.name + ".part")
    made.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))
    made.replace(path)


PLAIN_READ_OUTS = ("linear", "sigmoid", "tanh", "softmax")


def is_plain(layers: Sequence[Layer]) -> bool:
    """Recurrent layers of a kind and one read-out: known by their names, without `network`."""
    *recurrent, last = layers
    return (
        bool(recurrent)
        and all(layer.kind == recurrent[0].kind and layer.kind in RECURRENT for layer in recurrent)
        and len({layer.keys.get("reset") for layer in recurrent}) == 1
        and not any("initial_state" in layer.tensors for layer in recurrent)
        and not any("initial_cell" in layer.tensors for layer in recurrent)
        and last.kind == "dense"
        and last.keys.get("activation", "linear") in PLAIN_READ_OUTS
    )


def plain_keys(layers: Sequence[Layer]) -> Dict[str, Any]:
    *recurrent, last = layers
    keys = {k: v for k, v in recurrent[0].keys.items() if k == "reset"}
    if len(recurrent) > 1:
        keys["order"] = [layer.name for layer in recurrent]
    if last.keys.get("activation", "linear") != "linear":
        keys["activation"] = last.keys["activation"]
    return keys


def entry_of(layer: Layer) -> Dict[str, Any]:
    entry: Dict[str, Any] = {"type": layer.kind}
    if layer.heads:
        entry["heads"] = [
            {k: v for k, v in entry_of(h).items() if k != "type"} for h in layer.heads
        ]
        return entry
    if layer.tensors:
        entry["prefix"] = layer.name
    entry.update(layer.keys)
    for key in ("initial_state", "initial_cell"):
        if key in layer.tensors:
            entry[key] = f"{layer.name}.{key}"
    return entry


def with_unique_names(layers: Sequence[Layer]) -> List[Layer]:
    used: Dict[str, int] = {}
    out = []
    for layer in layers:
        layer = copied(layer)
        layer.heads = [copied(h) for h in layer.heads]
        for part in layer.heads or [layer]:
            used[part.name] = used.get(part.name, 0) + 1
            if used[part.name] > 1:
                part.name = f"{part.name}_{used[part.name]}"
        out.append(layer)
    return out


# ---- raw units, and the selftest -----------------------------------------------------------------


@dataclass
class Scaling:
    """(x - mean) / std on the way in, y · std + mean on the way out."""

    mean: Array
    std: Array

    def then(self, inner: Optional[Tuple[Array, Array]]) -> "Scaling":
        """This one around one that is part of the model."""
        if inner is None:
            return self
        return Scaling(self.mean + self.std * inner[0], self.std * inner[1])

    def is_none(self) -> bool:
        return bool(np.all(self.mean == 0.0) and np.all(self.std == 1.0))


@dataclass
class Frame:
    """Names and scalings around a chain."""

    inputs: List[str]
    outputs: List[str]
    is_residual: bool
    steps: int
    input_scaling: Scaling  # from --scaler
    output_scaling: Scaling  # from --output-scaler, or that of the inputs which the outputs feed

    def fed(self) -> List[Optional[int]]:
        return [self.inputs.index(n) if n in self.inputs else None for n in self.outputs]


def names_of(text: Optional[str], letter: str, n: int, what: str) -> List[str]:
    names = (
        [name.strip() for name in text.split(",")] if text else [f"{letter}{k}" for k in range(n)]
    )
    if len(names) != n:
        raise Refused(f"--{what} names {len(names)} {what}, and the model has {n}")
    return names


def frame_of(args: argparse.Namespace, widths: Tuple[int, int]) -> Frame:
    if args.steps < 1 or widths[1] % args.steps:
        raise Refused(f"--steps {args.steps} does not divide the model's {widths[1]} values a row")
    n_inputs, n_outputs = widths[0], widths[1] // args.steps
    inputs = names_of(args.inputs, "x", n_inputs, "inputs")
    outputs = names_of(args.outputs, "y", n_outputs, "outputs")
    plain = Scaling(np.zeros(n_inputs), np.ones(n_inputs))
    scaling = Scaling(*read_scaler(args.scaler, n_inputs)) if args.scaler else plain
    out = Scaling(np.zeros(n_outputs), np.ones(n_outputs))
    frame = Frame(inputs, outputs, args.residual, args.steps, scaling, out)
    if args.output_scaler:
        frame.output_scaling = Scaling(*read_scaler(args.output_scaler, n_outputs))
    else:
        for k, feeds in enumerate(frame.fed()):
            if feeds is not None:
                out.mean[k] = 0.0 if args.residual else scaling.mean[feeds]
                out.std[k] = scaling.std[feeds]
    if args.residual and not any(f is not None for f in frame.fed()):
        raise Refused(
            "--residual adds an output to the input of its name; name both by --inputs "
            "and --outputs"
        )
    return frame


def selftest_of(model: Model, frame: Frame, chain: Chain) -> Dict[str, Any]:
    """Rows in raw units, and what the model itself makes of them."""
    widths = check_widths(model.found)
    around = frame.input_scaling.then(chain.input_scaling)
    unit = random_rows((model.n_rows, widths[0]))
    raw = (around.mean + around.std * unit).astype(np.float32).astype(np.float64)
    seen = (raw - frame.input_scaling.mean) / frame.input_scaling.std
    found = scaled_run(chain, seen)
    right = results_of(model, seen, widths[1])
    if not is_near(found[-len(right) :], right, TOLERANCE):
        raise Refused(
            "its layers give other numbers once constants are taken into their weights; "
            "leave out what scales values between the layers"
        )
    found[-len(right) :] = right  # of a model that takes so many rows alone, its last
    return {"x": rounded(raw), "y": rounded(raw_outputs(frame, raw, found))}


def scaled_run(chain: Chain, x: Array) -> Array:
    mean, std = chain.input_scaling or (0.0, 1.0)
    shift, scale = chain.output_scaling or (0.0, 1.0)
    return run_layers(chain.layers, (x - mean) / std) * scale + shift


def raw_outputs(frame: Frame, raw: Array, y: Array) -> Array:
    out = y.reshape(len(y), frame.steps, -1) * frame.output_scaling.std + frame.output_scaling.mean
    for k, feeds in enumerate(frame.fed() if frame.is_residual else []):
        if feeds is not None:
            out[:, :, k] += raw[:, feeds : feeds + 1]
    return out.reshape(len(y), -1)


def rounded(rows: Array) -> List[List[float]]:
    return [[float(f"{v:.9g}") for v in row] for row in rows]


def given_selftest(path: str, frame: Frame, layers: Sequence[Layer]) -> Dict[str, Any]:
    """Rows of the user's: the chain must give them."""
    try:
        rows = json.loads(Path(path).read_text())
        x, y = (np.asarray(rows[k], dtype=np.float64) for k in ("x", "y"))
        seen = (x - frame.input_scaling.mean) / frame.input_scaling.std

        def run(chain: Sequence[Layer]) -> Array:
            return raw_outputs(frame, x, run_layers(chain, seen)).reshape(y.shape)

        found = run(layers)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused(
            f'--selftest {path} is no {{"x":[[…]…],"y":[[…]…]}} that fits: {error}'
        ) from error
    if is_near(found, y, 1e-4, 1.0):
        return {"x": x.tolist(), "y": y.tolist()}
    k = np.unravel_index(np.argmax(np.abs(found - y)), y.shape)
    fits = next((c for c in with_one_more(layers) if is_near(run(c), y, 1e-4, 1.0)), None)
    way_out = "what is between them, as an activation"
    if fits:
        way_out = f"so: --network '{json.dumps([entry_of(layer) for layer in tidied(fits)])}'"
    raise Refused(
        f"the layers {words_of(layers)} alone give {found[k]:.6g} in row {k[0]} of "
        f"--selftest, which has {y[k]:.6g}; say {way_out}"
    )


def with_one_more(
    layers: Sequence[Layer], words: Sequence[str] = tuple(ACTIVATIONS)
) -> Iterable[List[Layer]]:
    """The chain with an activation somewhere between its layers."""
    for at in range(len(layers) - 1, 0, -1):
        for word in words:
            if word not in ("linear", "softmax"):
                yield [*layers[:at], activation(word, word), *layers[at:]]


def variables(names: Sequence[str], scaling: Scaling, is_named: bool) -> List[Dict[str, Any]]:
    if scaling.is_none() and not is_named:
        return []
    entries: List[Dict[str, Any]] = [{"name": name} for name in names]
    if not scaling.is_none():
        for entry, mean, std in zip(entries, scaling.mean, scaling.std):
            entry.update(mean=float(mean), std=float(std))
    return entries


def metadata_of(args: argparse.Namespace, frame: Frame, chain: Chain) -> Dict[str, Any]:
    grud: Dict[str, Any] = {}
    if is_plain(chain.layers):
        grud.update(plain_keys(chain.layers))
    else:
        grud["network"] = [entry_of(layer) for layer in chain.layers]
    into = frame.input_scaling.then(chain.input_scaling)
    out = frame.output_scaling.then(chain.output_scaling)
    grud["inputs"] = variables(frame.inputs, into, bool(args.inputs))
    grud["outputs"] = variables(frame.outputs, out, bool(args.outputs))
    if grud["outputs"] and out.is_none() and not into.is_none():
        for entry in grud["outputs"]:  # it would take its input's
            entry.update(mean=0.0, std=1.0)
    options = {
        "residual": args.residual or None,
        "steps": args.steps if args.steps > 1 else None,
        "interval_seconds": args.interval_seconds,
        "season": args.season,
        "missing": args.missing,
    }
    grud.update(options)
    return {k: v for k, v in grud.items() if v not in (None, [])}


# ---- the program ---------------------------------------------------------------------------------


def torch_file(path: Path, args: argparse.Namespace) -> Model:
    script = is_torch_script(path)
    if not zipfile.is_zipfile(path) and path.read_bytes()[8:9] == b"{":
        state: Dict[str, Any] = read_safetensors(path)
    elif script:
        import torch

        state = torch.jit.load(str(path), map_location="cpu").state_dict()
    else:
        state = chosen_state(path, torch_checkpoint(path), args.key)
    state = with_prefix(state, args.prefix)
    if args.model:
        import torch

        module = imported(args.model, args.model_args)
        load_into(module, {k: torch.as_tensor(v) for k, v in state.items()})
        return torch_model(module, len(args.inputs.split(",")) if args.inputs else None)
    arrays = {k: to_array(v) for k, v in without_prefixes(state)[-1].items()}
    model = named_model(pool_of(arrays), "a state_dict", args.network)
    return torch_script_model(path, model) if script and args.prefix is None else model


def to_array(value: Any) -> Array:
    array = value.float().numpy() if hasattr(value, "numpy") else value
    return np.asarray(array, dtype=np.float32)


def kind_of(path: Path) -> Optional[Callable[[Path, argparse.Namespace], Model]]:
    """What reads a file: by its content, since names are of little help."""
    with path.open("rb") as file:
        head = file.read(16)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        if "model.weights.h5" in names:
            return keras_file
        return torch_file if any(n.endswith("data.pkl") for n in names) else None
    if head.startswith(b"\x89HDF"):
        return keras_file
    if head[:1] == b"\x80" or head[5:9] == b"\0\0\0{":
        return torch_file
    return onnx_file if path.suffix.lower() == ".onnx" or head[:1] == b"\x08" else None


def read_model(path: Path, args: argparse.Namespace) -> Model:
    if path.is_dir():
        raise Refused("it is a folder; load it in Keras and save it by model.save('NAME.keras')")
    try:
        read = kind_of(path)
        if read:
            return read(path, args)
    except ImportError as error:
        raise Refused(
            f"reading {path.name} takes {error.name}, which this Python lacks: pip install "
            f"{error.name}"
        ) from error
    except DAMAGE as error:
        raise Refused(f"it cannot be read, so it may be cut: {one_line(error)}") from error
    raise Refused(
        "it is no checkpoint of PyTorch, no safetensors file, no model of Keras (.keras, .h5) and "
        "no ONNX graph; load the model in its framework and save it as one of these"
    )


DAMAGE = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, struct.error)


def words_of(layers: Sequence[Layer]) -> str:
    words = []
    for layer in layers:
        names = [h.keys.get("activation", "") for h in layer.heads] or [
            layer.keys.get("activation", "")
        ]
        width = f" {width_out(layer, 0)}" if width_out(layer, 0) else ""
        kind = f"bidirectional {layer.kind}" if is_bidirectional(layer) else layer.kind
        kind += f" × {n_stacked(layer)}" if n_stacked(layer) > 1 else ""
        words.append(" ".join([kind + width, *sorted({n for n in names if n})]))
    return " → ".join(words)


def convert(args: argparse.Namespace) -> str:
    """Writes the file, and says in one line what it is."""
    model = read_model(Path(args.file), args)
    chain = chain_of(model.found)
    widths = check_widths(chain.layers)
    frame = frame_of(args, widths)
    layers = with_unique_names(chain.layers)
    grud = metadata_of(args, frame, Chain(layers, *chain[1:]))
    proof = "no selftest, for want of a model to run (--model, or --selftest FILE)"
    if args.selftest:
        grud["selftest"] = given_selftest(args.selftest, frame, model.found)
        proof = f"gives the rows of {args.selftest}"
    elif model.run:
        grud["selftest"] = selftest_of(model, frame, chain)
        proof = f"gives what {model.framework} gives for {len(grud['selftest']['x'])} rows"
    tensors: Dict[str, Array] = {}
    for layer in [part for top in layers for part in top.heads or [top]]:
        tensors.update({f"{layer.name}.{k}": v for k, v in layer.tensors.items()})
    path = Path(args.output)
    write_safetensors(path, tensors, grud)
    remark = f" ({model.remark})" if model.remark else ""
    return f"{path}: {widths[0]} inputs → {words_of(layers)}{remark}; {proof}"


EPILOG = """examples:
  grud-convert weather.keras -o weather.safetensors
  grud-convert weather.pt --model net.py:Weather --model-args '{"hidden": 32}' \\
      -o weather.safetensors
  grud-convert weather.onnx --inputs temp,humidity --outputs temp --scaler scaler.joblib \\
      --interval-seconds 600 -o weather.safetensors
"""


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="grud-convert",
        description="Makes a model file of grud from a model of PyTorch, Keras or ONNX, and proves "
        "it by a run of the model itself.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = p.add_argument
    add("file", help="the model: of PyTorch, Keras or ONNX, or weights alone")
    add("-o", "--output", required=True, metavar="FILE", help="the .safetensors file to write")
    add(
        "--model",
        metavar="MODULE:CLASS",
        help="the class of a PyTorch model, package.module:Class or file.py:Class; its code runs",
    )
    add(
        "--model-args",
        metavar="JSON",
        default="{}",
        help="the arguments of the class, an object or a list",
    )
    add("--key", metavar="NAME", help="which of several sets of weights of a checkpoint")
    add("--prefix", metavar="NAME", help="take only the tensors whose names begin so")
    add(
        "--network",
        metavar="JSON",
        help="the layers of a file of weights alone, as in docs/MODELS.md",
    )
    add("--inputs", metavar="NAMES", help="names of the inputs, with commas between")
    add(
        "--outputs",
        metavar="NAMES",
        help="names of the outputs; one with an input's name forecasts its next value",
    )
    add(
        "--scaler",
        metavar="FILE",
        help="the scikit-learn scaler of the inputs (joblib, pickle). A pickle can run any code: "
        "give only one that you trust",
    )
    add("--output-scaler", metavar="FILE", help="that of the outputs, likewise")
    add("--residual", action="store_true", help="the model forecasts the change of its inputs")
    add("--steps", type=int, default=1, metavar="N", help="it forecasts N steps at once")
    add("--interval-seconds", type=float, metavar="S", help="the time between two readings")
    add("--season", type=int, metavar="N", help="readings in a season")
    add(
        "--missing",
        choices=("error", "last", "mean", "forecast"),
        help="what a missing reading becomes",
    )
    add(
        "--selftest",
        metavar="FILE",
        help='rows of your own in raw units, {"x":[[…]…],"y":[[…]…]}, for the selftest',
    )
    return p


def main() -> int:
    args = parser().parse_args()
    try:
        print(convert(args))
        return 0
    except Refused as refused:
        print(f"grud-convert: {args.file}: {refused}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
