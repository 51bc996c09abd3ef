"""Files as people have them: each is converted and gives the right numbers, or is refused with a
way out that leads there."""

import json

from support import FIELD, ConvertTest, field_case

GRU = {"type": "gru", "prefix": "gru"}


def network(*entries):
    return json.dumps(entries)


class Field(ConvertTest):
    def check(self, name, ending, *options):
        line = self.convert(FIELD / f"{name}{ending}", *options)
        self.gives(*field_case(name))
        return line

    def test_what_names_say_alone_is_converted_without_a_selftest(self):
        for name, ending in (
            ("torch-state", ".pt"),
            ("grucell", ".safetensors"),
            ("layernorm", ".safetensors"),
            ("weightnorm-old-names", ".safetensors"),
            ("keras-weights", ".weights.h5"),
        ):
            with self.subTest(name):
                self.assertIn("no selftest", self.check(name, ending))
                self.assertNotIn("selftest", self.grud_metadata())

    def test_whole_models_are_converted_with_a_selftest(self):
        self.check("keras-reset-after", ".keras")
        self.has_selftest(20)
        self.check("onnx-reset-after", ".onnx")
        self.has_selftest(20)
        self.check("torch-export-external-data", ".onnx")
        self.has_selftest(9)  # its sizes are built in

    def test_two_linear_layers_are_asked_for_by_the_network_line(self):
        dense = {"type": "dense", "prefix": "fc1", "activation": "relu"}
        found = network(GRU, dense, {"type": "dense", "prefix": "fc2"})
        question = found.replace("relu", "?")
        self.refuse(FIELD / "mlp-head.safetensors", says=[f"--network '{question}'", "--model"])
        for word in ("relu", "tanh", "sigmoid"):
            try:
                self.check("mlp-head", ".safetensors", "--network", found.replace("relu", word))
                return
            except AssertionError:
                continue
        self.fail("no activation gives the rows")

    def test_a_projection_is_asked_for_by_the_network_line(self):
        question = network(
            {"type": "dense", "prefix": "proj", "activation": "?"},
            GRU,
            {"type": "dense", "prefix": "fc"},
        )
        self.refuse(FIELD / "input-projection.safetensors", says=f"--network '{question}'")
        for word in ("linear", "relu", "tanh"):
            try:
                self.check(
                    "input-projection", ".safetensors", "--network", question.replace("?", word)
                )
                return
            except AssertionError:
                continue
        self.fail("no activation gives the rows")

    def test_two_heads_are_asked_for_by_the_network_line(self):
        heads = [{"prefix": "temp"}, {"prefix": "humidity"}]
        found = network(GRU, {"type": "heads", "heads": heads})
        self.refuse(FIELD / "two-heads.safetensors", says=['"heads": [{"prefix": "humidity"'])
        self.check("two-heads", ".safetensors", "--network", found)

    def test_rows_of_ones_own_find_what_lies_between(self):
        file, rows = FIELD / "relu-before-linear.safetensors", FIELD / "relu-before-linear.json"
        found = network(
            GRU, {"type": "activation", "activation": "relu"}, {"type": "dense", "prefix": "fc"}
        )
        self.refuse(file, "--selftest", str(rows), says=f"--network '{found}'")
        self.check(
            "relu-before-linear", ".safetensors", "--network", found, "--selftest", str(rows)
        )
        self.has_selftest(7)
