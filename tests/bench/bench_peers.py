#!/usr/bin/env python3
"""libgru beside ONNX Runtime, OpenVINO and PyTorch: sequences alone and in batches, one thread.

Each contender runs the same GRU (reset after, I = 4) or LSTM with a read-out of one output over the
same readings with the same weights, through its public call: gru_run (ctypes), InferenceSession.run,
InferRequest.infer, Module.__call__. Outputs must agree to 1e-5. The contenders alternate in one
run; printed are the median of the runs' processor times (of all threads) with their minimum and
maximum, and the ratio of the medians to libgru's. One that cannot be loaded is SKIPPED. At last a
read-out of two layers with a ReLU (64 -> 32 -> 1) stands beside the plain one.

    taskset -c 1 build/peers/bin/python tests/bench/bench_peers.py [--lib build/libgru.so]
        [--torch /usr/bin/python3]
"""

import argparse
import ctypes
import io
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np

N_INPUTS = 4
SIZES = (64, 128, 256, 512, 1024)
CASES = ((1, 1000), (32, 100))  # sequences, steps
TOLERANCE = 1e-5
CELLS = {  # the order of ONNX's gates in PyTorch's; attributes of its node
    "GRU": ((1, 0, 2), {"linear_before_reset": 1}),
    "LSTM": ((0, 3, 1, 2), {}),
}
TENSORS = (
    "rnn.weight_ih_l0",
    "rnn.weight_hh_l0",
    "rnn.bias_ih_l0",
    "rnn.bias_hh_l0",
    "head.weight",
    "head.bias",
)


def uniform(random, shapes, h):
    """As PyTorch initialises nn.GRU, nn.LSTM and nn.Linear: uniform in +-1/sqrt(H)."""
    return [
        random.uniform(-1, 1, shape).astype(np.float32) / np.float32(np.sqrt(h)) for shape in shapes
    ]


def make_weights(cell, h):
    rows = len(CELLS[cell][0]) * h
    shapes = ((rows, N_INPUTS), (rows, h), (rows,), (rows,), (1, h), (1,))
    return uniform(np.random.RandomState(h), shapes, h)


def processor_seconds(call):
    start = time.process_time()
    call()
    return time.process_time() - start


# ---- libgru ----


class Lane(ctypes.Structure):
    """struct gru_lane"""

    _fields_ = [
        ("state_in", ctypes.c_void_p),
        ("state_out", ctypes.c_void_p),
        ("x", ctypes.c_void_p),
        ("n_rows", ctypes.c_size_t),
        ("y", ctypes.c_void_p),
        ("last_only", ctypes.c_bool),
        ("status", ctypes.c_int),
        ("bad_row", ctypes.c_size_t),
        ("bad_column", ctypes.c_size_t),
    ]


def safetensors_bytes(weights, names=TENSORS, network=None):
    header, at = {}, 0
    if network:
        header["__metadata__"] = {"grud": json.dumps({"network": network})}
    for name, values in zip(names, weights):
        header[name] = {
            "dtype": "F32",
            "shape": values.shape,
            "data_offsets": [at, at + values.nbytes],
        }
        at += values.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(values.tobytes() for values in weights)


class Libgru:
    def __init__(self, path, data):
        self.lib = ctypes.CDLL(os.path.abspath(path))
        self.lib.gru_kernels_name.restype = ctypes.c_char_p
        self.name = f"libgru ({self.lib.gru_kernels_name().decode()})"
        self.model, self.work = ctypes.c_void_p(), ctypes.c_void_p()
        status = self.lib.gru_model_load(
            data, ctypes.c_size_t(len(data)), ctypes.byref(self.model), None
        )
        status = status or self.lib.gru_work_create(ctypes.byref(self.work))
        if status:
            raise RuntimeError(f"libgru: status {status}")

    def prepare(self, x):
        """x: [B][T][I]"""
        self.x = np.ascontiguousarray(x, np.float64)
        self.y = np.zeros(x.shape[:2], np.float64)
        self.lanes = (Lane * len(x))(
            *(
                Lane(x=rows.ctypes.data, n_rows=len(rows), y=y.ctypes.data)
                for rows, y in zip(self.x, self.y)
            )
        )
        self.size = ctypes.c_size_t(len(x))

    def run(self):
        if self.lib.gru_run(self.model, self.work, self.lanes, self.size):
            raise RuntimeError("gru_run failed")

    def time(self):
        return processor_seconds(self.run)

    def output(self):
        return self.y

    def close(self):
        self.lib.gru_work_free(self.work)
        self.lib.gru_model_unref(self.model)


# ---- ONNX Runtime ----


def onnx_bytes(cell, weights):
    from onnx import TensorProto, helper, numpy_helper

    h = weights[1].shape[1]
    order, attributes = CELLS[cell]

    def ordered(values):
        gates = np.split(values, len(order))
        return np.concatenate([gates[k] for k in order])

    w_ih, w_hh, b_ih, b_hh, head_w, head_b = weights
    constants = {
        "W": ordered(w_ih)[None],
        "R": ordered(w_hh)[None],
        "B": np.concatenate((ordered(b_ih), ordered(b_hh)))[None],
        "head_w": np.ascontiguousarray(head_w.T),
        "head_b": head_b,
        "direction": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node(cell, ["x", "W", "R", "B"], ["all"], hidden_size=h, **attributes),
        helper.make_node("Squeeze", ["all", "direction"], ["hidden"]),
        helper.make_node("MatMul", ["hidden", "head_w"], ["product"]),
        helper.make_node("Add", ["product", "head_b"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "peer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["T", "B", N_INPUTS])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["T", "B", 1])],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model.SerializeToString()


class OnnxRuntime:
    def __init__(self, cell, weights):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            onnx_bytes(cell, weights), options, ["CPUExecutionProvider"]
        )
        self.name = f"ONNX Runtime {onnxruntime.__version__}"

    def prepare(self, x):
        self.x = np.ascontiguousarray(x.transpose(1, 0, 2))

    def run(self):
        self.y = self.session.run(None, {"x": self.x})[0]

    def time(self):
        return processor_seconds(self.run)

    def output(self):
        return self.y[:, :, 0].T

    def close(self):
        pass


# ---- OpenVINO ----


class OpenVino:
    """The same ONNX model, compiled for the shape of each case."""

    def __init__(self, cell, weights):
        import openvino

        self.core = openvino.Core()
        self.model = self.core.read_model(io.BytesIO(onnx_bytes(cell, weights)))
        self.name = f"OpenVINO {openvino.__version__.split('-')[0]}"

    def prepare(self, x):
        self.x = np.ascontiguousarray(x.transpose(1, 0, 2))
        self.model.reshape(list(self.x.shape))
        options = {  # by default it would compute in bfloat16 where the processor can
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": 1,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
        }
        self.request = self.core.compile_model(self.model, "CPU", options).create_infer_request()

    def run(self):
        self.y = self.request.infer([self.x], share_inputs=True)[0]

    def time(self):
        return processor_seconds(self.run)

    def output(self):
        return self.y[:, :, 0].T

    def close(self):
        pass


# ---- PyTorch, in a process of its own: the Python that has it may have nothing else ----


def torch_worker(directory):
    import torch

    torch.set_num_threads(1)
    print(torch.__version__, flush=True)
    x = call = None
    for line in sys.stdin:
        if line.strip() == "prepare":
            stored = np.load(os.path.join(directory, "case.npz"))
            weights = [torch.from_numpy(stored[f"w{i}"]) for i in range(len(TENSORS))]
            cell = getattr(torch.nn, str(stored["cell"]))
            rnn = cell(N_INPUTS, weights[1].shape[1], batch_first=True)
            head = torch.nn.Linear(weights[1].shape[1], 1)
            with torch.no_grad():
                for parameter, values in zip(
                    list(rnn.parameters()) + list(head.parameters()), weights
                ):
                    parameter.copy_(values)
            x = torch.from_numpy(stored["x"])

            def call():
                with torch.inference_mode():
                    return head(rnn(x)[0])

            np.save(os.path.join(directory, "y.npy"), call().numpy()[:, :, 0])
            print("ready", flush=True)
        else:
            print(processor_seconds(call), flush=True)


class Torch:
    def __init__(self, python, cell, weights, directory):
        self.cell, self.weights, self.directory = cell, weights, directory
        command = [python, os.path.abspath(__file__), "--torch-worker", directory]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        version = self.process.stdout.readline().strip()
        if not version:
            raise ImportError(f"{python} has no torch")
        self.name = f"PyTorch {version}"

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def prepare(self, x):
        named = {f"w{i}": values for i, values in enumerate(self.weights)}
        np.savez(os.path.join(self.directory, "case.npz"), x=x, cell=self.cell, **named)
        if self.ask("prepare") != "ready":
            raise RuntimeError("the PyTorch process failed")

    def time(self):
        return float(self.ask("time"))

    def output(self):
        return np.load(os.path.join(self.directory, "y.npy"))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


# ---- measuring ----


def contenders(arguments, cell, weights, directory):
    yield "libgru", lambda: Libgru(arguments.lib, safetensors_bytes(weights))
    yield "ONNX Runtime", lambda: OnnxRuntime(cell, weights)
    yield "OpenVINO", lambda: OpenVino(cell, weights)
    yield "PyTorch", lambda: Torch(arguments.torch, cell, weights, directory)


def check(peers):
    """They must agree, before they are compared."""
    reference = None
    for peer in peers:
        peer.time()
        difference = 0.0 if reference is None else np.abs(peer.output() - reference).max()
        reference = peer.output().copy() if reference is None else reference
        if not difference <= TOLERANCE:
            raise SystemExit(f"{peer.name} differs from libgru by {difference}")


def compare(peers, n_runs):
    """Alternates the peers; prints a line for each."""
    for peer in peers:
        for _ in range(3):
            peer.time()
    times = [[] for _ in peers]
    for _ in range(n_runs):
        for peer, seconds in zip(peers, times):
            seconds.append(peer.time())
    ours = statistics.median(times[0])
    for peer, seconds in zip(peers, times):
        median = statistics.median(seconds)
        print(
            f"    {peer.name:22} {median * 1e3:8.3f} ms"
            f" ({min(seconds) * 1e3:.3f}..{max(seconds) * 1e3:.3f})"
            f"  {median / ours:5.2f}x",
            flush=True,
        )


def make_case(n_sequences, n_steps):
    random = np.random.RandomState(1)
    return random.standard_normal((n_sequences, n_steps, N_INPUTS)).astype(np.float32)


def load_peers(arguments, cell, h, directory, skipped):
    peers = []
    for name, make in contenders(arguments, cell, make_weights(cell, h), directory):
        try:
            if name not in skipped:
                peers.append(make())
        except (ImportError, FileNotFoundError) as error:
            skipped.add(name)
            print(f"  SKIPPED {name}: {error}")
    return peers


def compare_cells(arguments, cell, directory, skipped):
    for h in SIZES:
        peers = load_peers(arguments, cell, h, directory, skipped)
        for n_sequences, n_steps in CASES:
            print(f"  {cell}, H {h:4}, {n_sequences} x {n_steps} steps:")
            for peer in peers:
                peer.prepare(make_case(n_sequences, n_steps))
            check(peers)
            compare(peers, arguments.runs if h <= 256 else max(1, arguments.runs // 2))
        for peer in peers:
            peer.close()


def compare_read_outs(arguments, h=64, n_between=32):
    """The same layer with a read-out of one matrix, and of two with a ReLU between."""
    weights = make_weights("GRU", h)
    deep = weights[:4] + uniform(
        np.random.RandomState(0), ((n_between, h), (n_between,), (1, n_between), (1,)), h
    )
    network = [
        {"type": "gru", "prefix": "rnn"},
        {"type": "dense", "prefix": "first", "activation": "relu"},
        {"type": "dense", "prefix": "second"},
    ]
    names = TENSORS[:4] + ("first.weight", "first.bias", "second.weight", "second.bias")
    peers = [
        Libgru(arguments.lib, safetensors_bytes(weights)),
        Libgru(arguments.lib, safetensors_bytes(deep, names, network)),
    ]
    peers[0].name, peers[1].name = "one layer", f"{h} -> {n_between} -> 1, ReLU"
    for n_sequences, n_steps in CASES:
        print(f"  read-outs, H {h:4}, {n_sequences} x {n_steps} steps:")
        for peer in peers:
            peer.prepare(make_case(n_sequences, n_steps))
        compare(peers, 4 * arguments.runs)
    for peer in peers:
        peer.close()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lib", default="build/libgru.so")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument(
        "--torch", default="/usr/bin/python3", help="a Python that can import torch"
    )
    parser.add_argument("--torch-worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.torch_worker:
        torch_worker(arguments.torch_worker)
        return
    skipped = set()
    print("whole sequences, I = 4, O = 1, one thread; medians (min..max), ratio to libgru")
    with tempfile.TemporaryDirectory() as directory:
        for cell in CELLS:
            compare_cells(arguments, cell, directory, skipped)
    compare_read_outs(arguments)


if __name__ == "__main__":
    main()
