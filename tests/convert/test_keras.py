"""Keras 3: whole models in all of its files, and weights alone."""

import unittest

import numpy as np
from support import ConvertTest, rows, run_file

try:
    import keras
    from keras import layers
except ImportError:
    raise unittest.SkipTest("there is no Keras here") from None


def sequential(*parts, shape=(None, 3)):
    keras.utils.set_random_seed(3)
    return with_weights(keras.Sequential([keras.Input(shape), *parts]))


def with_weights(model):
    """No bias stays zero and no variance one."""
    rng = np.random.default_rng(3)
    for weight in model.weights:
        if weight.dtype == "float32":
            spread = rng.uniform(0.3, 0.9, weight.shape)
            sign = (
                1 if "variance" in weight.path or "gamma" in weight.path else rng.choice([-1, 1])
            )
            weight.assign(spread * sign if weight.ndim == 1 else rng.normal(0, 0.4, weight.shape))
    return model


def run(model, x):
    return keras.ops.convert_to_numpy(model(x[None], training=False))[0]


class KerasTest(ConvertTest):
    def saved(self, model, name="model.keras"):
        path = self.folder / name
        model.save(path)
        return path

    def check(self, *parts, n_rows=20, kinds=None):
        """A Sequential of these layers is converted, and gives its own rows."""
        model = sequential(*parts)
        for name in ("model.keras", "model.h5"):
            self.convert(self.saved(model, name))
            x = rows(200, 3)
            self.gives(x, run(model, x))
            self.has_selftest(n_rows)
        if kinds:
            found = self.grud_metadata().get("network", [])
            self.assertEqual([entry["type"] for entry in found], kinds)
        return self.grud_metadata()


class Models(KerasTest):
    def test_recurrent_layers_and_a_dense_one_need_no_network(self):
        for kind in (layers.GRU, layers.LSTM):
            for options in ({}, {"use_bias": False}) + (
                ({"reset_after": False},) if kind is layers.GRU else ()
            ):
                with self.subTest(kind, **options):
                    grud = self.check(
                        kind(5, return_sequences=True, **options),
                        kind(4, return_sequences=True, **options),
                        layers.Dense(2),
                    )
                    self.assertNotIn("network", grud)

    def test_bidirectional_layers(self):
        self.check(
            layers.Bidirectional(layers.GRU(5, return_sequences=True)),
            layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
            layers.Dense(2),
            kinds=["gru", "lstm", "dense"],
        )

    def test_cells(self):
        stack = [keras.layers.LSTMCell(4), keras.layers.LSTMCell(3)]
        self.check(
            layers.RNN(keras.layers.GRUCell(5), return_sequences=True),
            layers.RNN(stack, return_sequences=True),
            layers.Dense(2),
            kinds=["gru", "lstm", "lstm", "dense"],
        )

    def test_all_other_layers(self):
        self.check(
            layers.Dense(6, activation="elu"),
            layers.GaussianNoise(0.1),
            layers.LSTM(5, return_sequences=True, dropout=0.1),
            layers.BatchNormalization(),
            layers.Activation("selu"),
            layers.LayerNormalization(),
            layers.Dropout(0.3),
            layers.TimeDistributed(layers.Dense(4, activation="gelu")),
            layers.ReLU(),
            layers.Rescaling(0.5, 0.1),
            layers.Dense(2, activation="softmax"),
            kinds=[
                "dense",
                "lstm",
                "batch_norm",
                "activation",
                "layer_norm",
                "dense",
                "activation",
                "dense",
            ],
        )

    def test_normalisation_becomes_mean_and_std(self):
        norm = layers.Normalization(mean=[20.0, 0.5, 9.0], variance=[25.0, 0.04, 4.0])
        back = layers.Normalization(mean=[20.0], variance=[25.0], invert=True)
        model = sequential(norm, layers.GRU(5, return_sequences=True), layers.Dense(1), back)
        self.convert(self.saved(model))
        grud = self.grud_metadata()
        self.assertEqual([round(e["std"], 4) for e in grud["inputs"]], [5, 0.2, 2])
        self.assertEqual([round(e["mean"], 4) for e in grud["outputs"]], [20])
        x = (rows(200, 3) * [5, 0.2, 2] + [20, 0.5, 9]).astype(np.float32)
        self.gives(x, run(model, x))

    def test_a_forecast_of_the_last_row_is_one_of_every_row(self):
        for shape, n_rows in (((None, 3), 20), ((9, 3), 9)):
            model = sequential(
                layers.LSTM(5, return_sequences=True), layers.GRU(4), layers.Dense(2), shape=shape
            )
            self.convert(self.saved(model))
            self.has_selftest(n_rows)
            x = rows(9, 3)
            self.near(run_file(self.made, x)[-1], run(model, x), 1e-5)

    def test_functional_models_with_heads_and_models_inside(self):
        inner = keras.Sequential(
            [keras.Input((None, 5)), layers.Dense(4, activation="tanh")], name="inner"
        )
        x = keras.Input((None, 3))
        y = inner(layers.GRU(5, return_sequences=True)(x))
        heads = [
            layers.Dense(2, name="mean")(y),
            layers.Dense(1, activation="softplus", name="spread")(y),
        ]
        for outputs in (layers.Concatenate()(heads), heads):
            model = with_weights(keras.Model(x, outputs))
            self.convert(self.saved(model))
            rows_in = rows(200, 3)
            found = model(rows_in[None])
            found = found if isinstance(found, list) else [found]
            self.gives(rows_in, np.concatenate([np.asarray(f)[0] for f in found], axis=1))
            self.assertEqual(self.grud_metadata()["network"][-1]["type"], "heads")

    def test_what_grud_does_not_do_is_refused_by_name(self):
        gru = layers.GRU(5, return_sequences=True, name="gru")
        for part, says in (
            (layers.SimpleRNN(4, return_sequences=True, name="old"), "'old' is a SimpleRNN"),
            (layers.Conv1D(3, 2, name="conv"), "'conv' is a Conv1D"),
            (layers.LeakyReLU(name="leaky"), "negative_slope 0.3"),
            (layers.Dense(3, activation="relu6", name="six"), "'six' is relu6"),
            (layers.Dense(3, activation="hard_sigmoid", name="hard"), "'hard' is hard_sigmoid"),
            (
                layers.GRU(3, activation="relu", return_sequences=True, name="g"),
                "'g' has the activations relu and sigmoid",
            ),
            (
                layers.GRU(3, go_backwards=True, return_sequences=True, name="g"),
                "'g' runs backwards",
            ),
            (
                layers.Bidirectional(layers.GRU(3, return_sequences=True), "sum", name="two"),
                "'two' merges its directions by sum",
            ),
            (layers.Bidirectional(layers.GRU(3), name="two"), "read at its last row"),
            (layers.Masking(name="mask"), "'mask' is a Masking"),
        ):
            with self.subTest(says):
                model = sequential(
                    gru.__class__.from_config(gru.get_config()), part, layers.Dense(2)
                )
                self.refuse(self.saved(model), says=says)

    def test_graphs_that_are_no_chain_are_refused_by_name(self):
        x, z = keras.Input((None, 3)), keras.Input((None, 3), name="weather")
        gru = layers.GRU(3, return_sequences=True)(x)
        for inputs, y, says in (
            (x, layers.Add(name="skip")([x, gru]), "'skip' joins two ways"),
            (x, layers.Concatenate(name="beside")([x, gru]), "'beside' joins"),
            (x, layers.Attention(name="look")([gru, gru]), "'look' is an Attention"),
            ([x, z], layers.Concatenate(name="both")([gru, z]), "second input, 'weather'"),
        ):
            with self.subTest(says):
                model = keras.Model(inputs, layers.Dense(2)(y))
                self.refuse(self.saved(model), says=says)


class Operations(KerasTest):
    """What functional models do beside their layers."""

    def check_graph(self, make, shape=(None, 3), n_rows=20):
        x = keras.Input(shape)
        model = with_weights(keras.Model(x, make(x)))
        self.convert(self.saved(model))
        self.has_selftest(n_rows)
        rows_in = rows(n_rows, 3)
        y = np.asarray(model(rows_in[None]))[0].reshape(-1, 2)
        self.near(run_file(self.made, rows_in)[-len(y) :], y, 1e-5)

    def gru(self, x, **options):
        return layers.GRU(5, return_sequences=True, **options)(x)

    def test_operations_that_are_layers(self):
        dense = layers.Dense(2)
        self.check_graph(lambda x: layers.Dense(2)(keras.ops.relu(self.gru(x))))
        self.check_graph(lambda x: layers.Dense(2)(self.gru(x)) * 3.0 - 1.0)
        self.check_graph(lambda x: layers.Dense(2)(self.gru(x)[:, -1]))
        self.check_graph(lambda x: layers.Dense(2)(layers.LSTM(5, return_state=True)(x)[1]))
        self.check_graph(lambda x: dense(self.gru(x, unroll=True)), (9, 3), 9)

        def silu(x):
            y = self.gru(x)
            return layers.Dense(2)(y * keras.ops.sigmoid(y))

        self.check_graph(silu)
        self.assertEqual(self.grud_metadata()["network"][1]["activation"], "silu")

    def test_operations_that_are_none_are_refused_by_name(self):
        def refuse(make, says):
            x = keras.Input((9, 3))
            self.refuse(self.saved(keras.Model(x, layers.Dense(2)(make(x)))), says=says)

        lstm = layers.LSTM(5, return_state=True)
        refuse(lambda x: keras.ops.clip(self.gru(x), -5, 5), "is a Clip")
        refuse(lambda x: lstm(x)[2], "cell state")
        refuse(lambda x: layers.Flatten()(self.gru(x)), "takes 45 values")
        refuse(lambda x: layers.GlobalAveragePooling1D()(self.gru(x)), "GlobalAveragePooling1D")
        refuse(
            lambda x: layers.GRU(5)(self.gru(x), initial_state=layers.GRU(5)(x)),
            "comes from another layer",
        )
        refuse(lambda x: self.gru(layers.RepeatVector(9)(layers.GRU(4)(x))), "RepeatVector")

    def test_a_stateful_model_begins_anew(self):
        x = keras.Input(batch_shape=(4, 9, 3))
        model = with_weights(keras.Model(x, layers.Dense(2)(self.gru(x, stateful=True))))
        self.convert(self.saved(model))
        self.has_selftest(9)


class Files(KerasTest):
    def test_weights_alone_are_known_by_the_names_of_their_classes(self):
        for reset_after in (True, False):
            model = sequential(
                layers.GRU(5, return_sequences=True, reset_after=reset_after, name="one"),
                layers.GRU(4, return_sequences=True, reset_after=reset_after, name="another"),
                layers.LayerNormalization(),
                layers.Dense(2),
            )
            path = self.folder / "m.weights.h5"
            model.save_weights(path)
            self.assertIn("no selftest", self.convert(path))
            x = rows(200, 3)
            self.gives(x, run(model, x))

    def test_weights_of_two_dense_layers_take_the_network_line(self):
        model = sequential(
            layers.Bidirectional(layers.LSTM(5, return_sequences=True)),
            layers.Dense(4, activation="relu"),
            layers.Dense(2),
        )
        path = self.folder / "m.weights.h5"
        model.save_weights(path)
        line = (
            '[{"type": "lstm", "prefix": "bidirectional"}, {"type": "dense", "prefix": "dense", '
            '"activation": "?"}, {"type": "dense", "prefix": "dense_1"}]'
        )
        self.refuse(path, says=[f"--network '{line}'", "model.save("])
        self.convert(path, "--network", line.replace("?", "relu"))
        x = rows(200, 3)
        self.gives(x, run(model, x))

    def test_a_model_whose_code_is_needed_is_refused(self):
        model = sequential(layers.Lambda(lambda x: x, name="own"), layers.GRU(3), layers.Dense(1))
        self.refuse(self.saved(model), says="own layers is needed")


if __name__ == "__main__":
    unittest.main()
