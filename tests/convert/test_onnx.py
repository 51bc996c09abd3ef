"""ONNX: graphs as exporters write them, and the cases of the onnx package."""

import contextlib
import io
import unittest

import numpy as np
from support import ConvertTest, rows, run_file

try:
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from onnx.backend.test.case.node import collect_testcases
    from onnx.reference import ReferenceEvaluator
except ImportError:
    raise unittest.SkipTest("there is no onnx here") from None

RNG = np.random.default_rng(5)


def weights(*shape):
    return (RNG.standard_normal(shape) * 0.4).astype(np.float32)


class OnnxTest(ConvertTest):
    def save(self, nodes, stored, shape=("T", 1, 3), outputs=("y",), opset=17, states=()):
        """A graph from x, of `shape`, to `outputs`."""
        inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
        inputs += [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in states]
        graph = helper.make_graph(
            nodes,
            "g",
            inputs,
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs],
            [numpy_helper.from_array(np.asarray(v), n) for n, v in stored.items()],
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8
        )
        path = self.folder / "model.onnx"
        onnx.save(model, path)
        return path

    def recurrent(self, kind="GRU", directions=1, inputs=3, size=5, **keys):
        gates = 3 if kind == "GRU" else 4
        stored = {
            "W": weights(directions, gates * size, inputs),
            "R": weights(directions, gates * size, size),
            "B": weights(directions, 2 * gates * size),
        }
        node = helper.make_node(
            kind, ["x", "W", "R", "B"], ["Y", "Y_h"], "rnn", hidden_size=size, **keys
        )
        return node, stored

    def gives_what_it_gives(self, path, shape, feeds=()):
        x = rows(int(np.prod(shape[:-1])), shape[-1])
        found = ReferenceEvaluator(str(path)).run(None, {"x": x.reshape(shape), **dict(feeds)})[0]
        self.gives(x, found.reshape(len(x), -1))


class Recurrent(OnnxTest):
    def read_out(self, node, stored, width=5, transposed=False):
        stored = {
            **stored,
            "A": weights(width, 2),
            "c": weights(2),
            "axis": np.array([1]),
            "flat": np.array([0, 0, -1]),
        }
        nodes = [node]
        if width == 5:
            nodes.append(helper.make_node("Squeeze", ["Y", "axis"], ["S"]))
        else:  # [T, 2, B, H] to [T, B, 2 H]
            nodes += [
                helper.make_node("Transpose", ["Y"], ["t"], perm=[0, 2, 1, 3]),
                helper.make_node("Reshape", ["t", "flat"], ["S"]),
            ]
        return [
            *nodes,
            helper.make_node("MatMul", ["S", "A"], ["M"], "product"),
            helper.make_node("Add", ["M", "c"], ["y"]),
        ], stored

    def test_kinds_directions_and_reset(self):
        for kind in ("GRU", "LSTM"):
            for keys in ({}, {"linear_before_reset": 1}) if kind == "GRU" else ({},):
                with self.subTest(kind, **keys):
                    path = self.save(*self.read_out(*self.recurrent(kind, **keys)))
                    self.convert(path)
                    self.gives_what_it_gives(path, (200, 1, 3))
                    self.has_selftest(20)
                    self.assertNotIn("network", self.grud_metadata())

    def test_bidirectional_layers_are_proven_by_their_own_runtime(self):
        for kind in ("GRU", "LSTM"):
            node, stored = self.recurrent(kind, 2, direction="bidirectional")
            self.convert(self.save(*self.read_out(node, stored, 10)))
            self.has_selftest(20)

    def test_first_states_may_be_zeros_learned_or_handed_in(self):
        for kind in ("GRU", "LSTM"):
            node, stored = self.recurrent(kind)
            node.input.extend(["", "h"] + (["c0"] if kind == "LSTM" else []))
            nodes, stored = self.read_out(node, stored)
            states = {n: weights(1, 1, 5) for n in (["h", "c0"] if kind == "LSTM" else ["h"])}
            path = self.save(nodes, {**stored, **states})
            self.convert(path)
            self.gives_what_it_gives(path, (50, 1, 3))
            self.assertIn("initial_state", self.grud_metadata()["network"][0])
            path = self.save(nodes, stored, states=[(n, (1, "B", 5)) for n in states])
            self.convert(path)
            zeros = {n: v * 0 for n, v in states.items()}
            self.gives_what_it_gives(path, (50, 1, 3), zeros)

    def test_what_grud_does_not_do_is_refused_by_name(self):
        for keys, says in (
            ({"clip": 3.0}, "'rnn' clips"),
            ({"direction": "reverse"}, "'rnn' runs backwards alone"),
            ({"activations": ["HardSigmoid", "Tanh"]}, "hardsigmoid"),
        ):
            self.refuse(self.save(*self.read_out(*self.recurrent(**keys))), says=says)
        node, stored = self.recurrent("LSTM")
        node.input.extend(["", "", "", "P"])
        self.refuse(
            self.save(*self.read_out(node, {**stored, "P": weights(1, 15)})),
            says="'rnn' has peepholes",
        )
        node, stored = self.recurrent()
        node.input.append("lengths")
        lengths = np.array([3], dtype=np.int32)
        self.refuse(
            self.save(*self.read_out(node, {**stored, "lengths": lengths})),
            says="'rnn' has sequence_lens",
        )
        path = self.folder / "cut.onnx"
        path.write_bytes(b"\x08\x07\x12" * 9)
        self.refuse(path, says="is no ONNX model")

    def test_external_data_must_lie_beside_the_graph(self):
        nodes, stored = self.read_out(*self.recurrent())
        path = self.save(nodes, stored)
        onnx.save(
            onnx.load(path), path, save_as_external_data=True, location="w.data", size_threshold=0
        )
        self.convert(path)
        self.gives_what_it_gives(path, (50, 1, 3))
        self.made.unlink()
        (self.folder / "w.data").unlink()
        self.refuse(path, says="beside it")


class Operations(OnnxTest):
    """What stands between a GRU and its result."""

    def check(self, *nodes, opset=17, **stored):
        node, own = self.recurrent()
        squeezed = helper.make_node("Squeeze", ["Y", "one"], ["S"])
        path = self.save(
            [node, squeezed, *nodes], {**own, "one": np.array([1]), **stored}, opset=opset
        )
        self.convert(path)
        self.gives_what_it_gives(path, (200, 1, 3))
        return self.grud_metadata()["network"][1:]

    def op(self, kind, inputs, output, **keys):
        return helper.make_node(kind, inputs, [output], **keys)

    def test_activations(self):
        for kind, word in (
            ("Relu", "relu"),
            ("Tanh", "tanh"),
            ("Sigmoid", "sigmoid"),
            ("Elu", "elu"),
            ("Selu", "selu"),
            ("LeakyRelu", "leaky_relu"),
            ("Softplus", "softplus"),
            ("Softmax", "softmax"),
        ):
            found = self.check(self.op(kind, ["S"], "y"))
            self.assertEqual(found, [{"type": "activation", "activation": word}])

    def test_activations_of_several_operations(self):
        half, root, one = (np.float32(v) for v in (0.5, 2**0.5, 1))
        found = self.check(self.op("Sigmoid", ["S"], "s"), self.op("Mul", ["S", "s"], "y"))
        self.assertEqual(found[0]["activation"], "silu")
        found = self.check(
            self.op("Div", ["S", "root"], "d"),
            self.op("Erf", ["d"], "e"),
            self.op("Add", ["e", "one_"], "a"),
            self.op("Mul", ["S", "a"], "m"),
            self.op("Mul", ["m", "half"], "y"),
            half=half,
            root=root,
            one_=one,
        )
        self.assertEqual(found, [{"type": "activation", "activation": "gelu"}])
        found = self.check(
            self.op("Exp", ["S"], "e"),
            self.op("Add", ["e", "one_"], "a"),
            self.op("Log", ["a"], "y"),
            one_=one,
        )
        self.assertEqual(found, [{"type": "activation", "activation": "softplus"}])

    def test_normalisations(self):
        found = self.check(
            self.op("LayerNormalization", ["S", "w", "b"], "y", axis=-1, epsilon=1e-3),
            w=weights(5),
            b=weights(5),
        )
        self.assertEqual((found[0]["type"], found[0]["eps"]), ("layer_norm", 1e-3))
        self.check(  # as they are written before opset 17
            self.op("ReduceMean", ["S"], "mean", axes=[-1]),
            self.op("Sub", ["S", "mean"], "d"),
            self.op("Pow", ["d", "two"], "p"),
            self.op("ReduceMean", ["p"], "var", axes=[-1]),
            self.op("Add", ["var", "eps"], "v"),
            self.op("Sqrt", ["v"], "s"),
            self.op("Div", ["d", "s"], "n"),
            self.op("Mul", ["n", "w"], "m"),
            self.op("Add", ["m", "b"], "y"),
            opset=14,
            w=weights(5),
            b=weights(5),
            two=np.float32(2),
            eps=np.float32(1e-5),
        )
        self.assertEqual(self.grud_metadata()["network"][1]["type"], "layer_norm")
        found = self.check(
            self.op("Transpose", ["S"], "t", perm=[1, 2, 0]),
            self.op("BatchNormalization", ["t", "w", "b", "m", "v"], "n", epsilon=1e-3),
            self.op("Transpose", ["n"], "y", perm=[2, 0, 1]),
            w=weights(5),
            b=weights(5),
            m=weights(5),
            v=np.abs(weights(5)) + 0.5,
        )
        self.assertEqual(found[0]["type"], "batch_norm")

    def test_heads(self):
        found = self.check(
            self.op("MatMul", ["S", "a"], "p"),
            self.op("Add", ["p", "c"], "q"),
            self.op("MatMul", ["S", "d"], "r"),
            self.op("Softplus", ["r"], "s"),
            self.op("Concat", ["q", "s"], "y", axis=-1),
            a=weights(5, 2),
            c=weights(2),
            d=weights(5, 1),
        )
        self.assertEqual(found[0]["type"], "heads")

    def test_what_is_more_than_plumbing_is_refused(self):
        node, stored = self.recurrent()
        squeezed = helper.make_node("Squeeze", ["Y", "one"], ["S"])
        numbers = {"one": [1], "first": [0], "behind": [-99], "last": [-1]}
        stored.update({name: np.array(value) for name, value in numbers.items()})
        stored.update({"zero": np.float32(0), "six": np.float32(6)})
        for kind, inputs, says, keys in (
            ("HardSigmoid", ["S"], "HardSigmoid", {}),
            ("LeakyRelu", ["S"], "alpha 0.2", {"alpha": 0.2}),
            ("Clip", ["S", "zero", "six"], "is a Clip", {}),  # whose upper bound no value meets
            ("Slice", ["S", "last", "behind", "first", "last"], "it does something between", {}),
        ):
            with self.subTest(kind):
                last = helper.make_node(kind, inputs, ["y"], "last", **keys)
                self.refuse(self.save([node, squeezed, last], stored), says=says)


class Exported(ConvertTest):
    """What torch.onnx.export makes of modules."""

    def export(self, name, **arguments):
        try:
            import torch
            import torch_modules
        except ImportError:
            self.skipTest("there is no PyTorch here")
        torch.manual_seed(3)
        module = getattr(torch_modules, name)(**arguments).eval()
        path = self.folder / "exported.onnx"
        with contextlib.redirect_stdout(io.StringIO()):
            torch.onnx.export(
                module,
                torch.zeros(1, 9, 3),
                str(path),
                input_names=["x"],
                dynamic_axes={"x": {0: "batch", 1: "time"}},
                opset_version=13,
            )
        return module, path

    def test_modules(self):
        import torch

        for name, arguments in (
            ("Plain", {}),
            ("Plain", {"kind": "LSTM", "bidirectional": True}),
            ("ReluBetween", {}),
            ("LastOnly", {}),
            ("TwoResults", {}),
            ("Parted", {}),
            ("Scaled", {}),
            ("Everything", {}),
        ):
            with self.subTest(name, **arguments):
                module, path = self.export(name, **arguments)
                self.convert(path)
                self.has_selftest(20)
                x = rows(50, 3)
                with torch.no_grad():
                    y = module(torch.tensor(x)[None])
                y = torch.cat(list(y.values())[:2], -1) if isinstance(y, dict) else y
                y = y.reshape(-1, y.shape[-1]).numpy()
                self.near(run_file(self.made, x)[-len(y) :], y, 1e-5)

    def test_what_grud_does_not_do_is_refused_by_name(self):
        for name, says in (
            ("Skip", "skip connection"),
            ("Slope", "alpha 0.2"),
            ("Elman", "train a GRU or LSTM"),
            ("Attention", "an attention?"),
        ):
            self.refuse(self.export(name)[1], says=says)


# What each case of the onnx package must come to: None, or the words of the refusal.
CASES = {
    "test_gru_defaults": None,
    "test_gru_with_initial_bias": None,
    "test_gru_seq_length": None,
    "test_gru_batchwise": None,
    "test_gru_reverse": "runs backwards alone",
    "test_gru_bidirectional": None,
    "test_lstm_defaults": None,
    "test_lstm_with_initial_bias": None,
    "test_lstm_with_peepholes": "has peepholes",
    "test_lstm_batchwise": None,
    "test_lstm_reverse": "runs backwards alone",
    "test_lstm_bidirectional": "last states of the bidirectional",
}


class Package(ConvertTest):
    def test_its_cases_are_converted_or_refused_by_name(self):
        cases = [c for c in collect_testcases(None) if c.name in CASES]
        self.assertGreaterEqual(len(cases), 8)
        for case in cases:
            with self.subTest(case.name):
                self.check(case)

    def check(self, case):
        path = self.folder / "model.onnx"
        onnx.save(case.model, path)
        data = self.folder / "test_data_set_0"
        data.mkdir(exist_ok=True)
        for old in data.iterdir():
            old.unlink()
        arrays = case.data_sets[0][0]
        for k, array in enumerate(arrays):
            (data / f"input_{k}.pb").write_bytes(
                numpy_helper.from_array(array).SerializeToString()
            )
        if CASES[case.name]:
            self.made.unlink(missing_ok=True)
            self.refuse(path, says=CASES[case.name])
            return
        self.convert(path)
        self.has_selftest(20)
        x, right = arrays[0], case.data_sets[0][1][0]
        if "batchwise" in case.name:  # [B, T, F] to the first sequence
            x, right = x.swapaxes(0, 1), right[:1]
        elif right.ndim == 4:  # [T, D, B, H]
            right = right[:, :, 0].reshape(len(x), -1)
        else:  # of the last row alone
            right = right[:, 0]
        self.near(run_file(self.made, x[:, 0])[-len(right) :], right.reshape(len(right), -1), 1e-5)
