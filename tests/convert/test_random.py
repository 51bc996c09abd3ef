"""Sixty random networks of PyTorch and Keras (kinds, depth, bias, heads, scalers): what is made of
them gives the framework's own rows, 200 of each, to 1e-5."""

import json
import random
import unittest

import numpy as np
from support import ConvertTest, rows

try:
    import torch
    from torch import nn
    from torch.nn import functional as F
except ImportError:
    torch = None
try:
    import keras
    from keras import layers
except ImportError:
    keras = None

N_NETWORKS, N_STEPS = 30, 200  # of each framework
ACTIVATIONS = ["relu", "elu", "selu", "gelu", "silu", "tanh", "sigmoid", "softplus"]
SCALERS = ["StandardScaler", "MinMaxScaler", "RobustScaler", "MaxAbsScaler"]


class Plan:
    """What a network is to be, by a number."""

    def __init__(self, seed):
        draw = random.Random(seed)
        self.n_inputs = draw.randint(1, 5)
        self.kinds = [draw.choice(["gru", "lstm"]) for _ in range(draw.randint(1, 3))]
        self.depths = [draw.randint(1, 2) for _ in self.kinds]
        self.widths = [draw.randint(2, 12) for _ in self.kinds]
        self.is_two_way = [draw.random() < 0.2 for _ in self.kinds]
        self.has_bias = draw.random() < 0.7
        self.between = [
            draw.choice([None, None, "layer_norm", "batch_norm", *ACTIVATIONS]) for _ in self.kinds
        ]
        self.projection = draw.choice([None, None, draw.choice(ACTIVATIONS)])
        self.dense = [
            (draw.randint(2, 8), draw.choice(ACTIVATIONS)) for _ in range(draw.randint(0, 2))
        ]
        self.heads = [
            (draw.randint(1, 2), draw.choice([None, "softplus", "sigmoid"]))
            for _ in range(draw.choice([1, 1, 2, 3]))
        ]
        self.scaler = draw.choice([None, *SCALERS])
        self.reset_after = draw.random() < 0.5


def torch_module(plan):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            width = plan.n_inputs
            self.project = nn.Linear(width, 4) if plan.projection else None
            width = 4 if plan.projection else width
            self.rnn, self.norm = nn.ModuleList(), nn.ModuleList()
            for kind, depth, units, two_way, between in zip(
                plan.kinds, plan.depths, plan.widths, plan.is_two_way, plan.between
            ):
                self.rnn.append(
                    getattr(nn, kind.upper())(
                        width, units, depth, plan.has_bias, True, bidirectional=two_way
                    )
                )
                width = units * (1 + two_way)
                norms = {"layer_norm": nn.LayerNorm, "batch_norm": nn.BatchNorm1d}
                self.norm.append(norms[between](width) if between in norms else nn.Identity())
            self.dense = nn.ModuleList()
            for units, _ in plan.dense:
                self.dense.append(nn.Linear(width, units, plan.has_bias))
                width = units
            self.heads = nn.ModuleList([nn.Linear(width, n) for n, _ in plan.heads])

        def forward(self, x):
            if plan.projection:
                x = getattr(F, plan.projection)(self.project(x))
            for rnn, norm, between in zip(self.rnn, self.norm, plan.between):
                x = rnn(x)[0]
                if between == "batch_norm":
                    x = norm(x.transpose(1, 2)).transpose(1, 2)
                else:
                    x = norm(x)
                x = getattr(F, between)(x) if between in ACTIVATIONS else x
            for dense, (_, word) in zip(self.dense, plan.dense):
                x = getattr(F, word)(dense(x))
            found = [
                head(x) if word is None else getattr(F, word)(head(x))
                for head, (_, word) in zip(self.heads, plan.heads)
            ]
            return torch.cat(found, dim=-1)

    module = Net().eval()
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if name.endswith("running_mean"):
                tensor.normal_()
            elif name.endswith("running_var"):
                tensor.uniform_(0.5, 2)
    return module


def keras_model(plan):
    x = y = keras.Input((None, plan.n_inputs))
    if plan.projection:
        y = layers.Dense(4, activation=plan.projection)(y)
    for kind, depth, units, two_way, between in zip(
        plan.kinds, plan.depths, plan.widths, plan.is_two_way, plan.between
    ):
        for _ in range(depth):
            options = {"reset_after": plan.reset_after} if kind == "gru" else {}
            rnn = getattr(layers, kind.upper())(
                units, return_sequences=True, use_bias=plan.has_bias, **options
            )
            y = (layers.Bidirectional(rnn) if two_way else rnn)(y)
        if between == "layer_norm":
            y = layers.LayerNormalization()(y)
        elif between == "batch_norm":
            y = layers.BatchNormalization()(y)
        elif between:
            y = layers.Activation(between)(y)
    for units, word in plan.dense:
        y = layers.Dense(units, activation=word, use_bias=plan.has_bias)(y)
    heads = [layers.Dense(n, activation=word)(y) for n, word in plan.heads]
    model = keras.Model(x, heads[0] if len(heads) == 1 else layers.Concatenate()(heads))
    rng = np.random.default_rng(3)
    for weight in model.weights:
        if weight.ndim == 1 and weight.dtype == "float32":
            is_positive = "variance" in weight.path or "gamma" in weight.path
            weight.assign(rng.uniform(0.5 if is_positive else -0.5, 1, weight.shape))
    return model


class Random(ConvertTest):
    def check(self, seed, plan, file, run, *options):
        """With a scaler that is fitted to rows of all magnitudes."""
        spread = np.array([1, 10, 0.1, 100, 2])[: plan.n_inputs]
        x = rows(N_STEPS, plan.n_inputs, seed).astype(np.float64) * spread + 3 * spread
        x = x.astype(np.float32)
        seen = x / spread - 3
        if plan.scaler:
            seen, options = self.scaled(plan, x, options)
        else:
            x = seen
        self.convert(file, *options)
        self.gives(x, run(np.asarray(seen, dtype=np.float32)))
        self.has_selftest(20)

    def tearDown(self):
        name = self._testMethodName.split("_")[-1]
        print(
            f"-- {N_NETWORKS} random networks of {name}: worst error {self.worst:.1e}", flush=True
        )

    def scaled(self, plan, x, options):
        import joblib
        from sklearn import preprocessing

        scaler = getattr(preprocessing, plan.scaler)().fit(x)
        joblib.dump(scaler, self.folder / "x.joblib")
        return scaler.transform(x), [*options, "--scaler", str(self.folder / "x.joblib")]

    @unittest.skipIf(torch is None, "there is no PyTorch here")
    def test_pytorch(self):
        import support

        for seed in range(N_NETWORKS):
            with self.subTest(seed):
                torch.manual_seed(seed)
                plan = Plan(seed)
                module = torch_module(plan)
                torch.save(module.state_dict(), self.folder / "m.pt")
                support.random_module = lambda plan=plan: torch_module(plan)

                def run(x, module=module):
                    with torch.no_grad():
                        return module(torch.tensor(x)[None])[0].numpy()

                self.check(
                    seed,
                    plan,
                    self.folder / "m.pt",
                    run,
                    "--model",
                    "support:random_module",
                    "--model-args",
                    json.dumps([]),
                )

    @unittest.skipIf(keras is None, "there is no Keras here")
    def test_keras(self):
        for seed in range(N_NETWORKS, 2 * N_NETWORKS):
            with self.subTest(seed):
                keras.utils.set_random_seed(seed)
                plan = Plan(seed)
                model = keras_model(plan)
                model.save(self.folder / "m.keras")
                self.check(
                    seed,
                    plan,
                    self.folder / "m.keras",
                    lambda x, model=model: np.asarray(model(x[None], training=False))[0],
                )


if __name__ == "__main__":
    unittest.main()
