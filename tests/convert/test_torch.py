"""PyTorch: modules that are run, and files of weights as they are saved."""

import unittest
from pathlib import Path

import numpy as np
from support import HERE, ConvertTest, grud_convert, rows

try:
    import torch
    import torch_modules as modules
    from torch import nn
except ImportError:
    raise unittest.SkipTest("there is no PyTorch here") from None

FILE = str(HERE / "torch_modules.py")


def run(module, x):
    with torch.no_grad():
        found = module.eval()(torch.tensor(x)[None])
    found = list(found.values())[:2] if isinstance(found, dict) else [found]
    return torch.cat(found, -1)[0].numpy()


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


class TorchTest(ConvertTest):
    def module(self, name, **arguments):
        torch.manual_seed(3)
        return getattr(modules, name)(**arguments)

    def saved(self, module, name="model.pt", wrap=lambda state: state):
        path = self.folder / name
        torch.save(wrap(module.state_dict()), path)
        return path

    def check(self, name, arguments=None, x=None):
        """The class's module is converted, and gives its own rows."""
        arguments = arguments or {}
        module = self.module(name, **arguments)
        line = self.convert(
            self.saved(module),
            "--model",
            f"{FILE}:{name}",
            "--model-args",
            grud_convert.json.dumps(arguments),
        )
        x = rows(200, 3) if x is None else x
        self.gives(x, run(module, x))
        self.has_selftest(20)
        return line


class Modules(TorchTest):
    def test_a_gru_and_a_linear_layer_need_no_network(self):
        for kind in ("GRU", "LSTM"):
            for is_first in (True, False):
                for two_way in (True, False):
                    arguments = {"kind": kind, "bidirectional": two_way}
                    with self.subTest(**arguments, batch_first=is_first):
                        self.check("Plain", arguments)
                        self.assertEqual(set(self.grud_metadata()), {"selftest"})

    def test_the_batch_may_be_the_second_axis(self):
        module = self.module("Plain", batch_first=False)
        self.convert(
            self.saved(module),
            "--model",
            f"{FILE}:Plain",
            "--model-args",
            '{"batch_first": false}',
        )
        x = rows(200, 3)
        with torch.no_grad():
            self.gives(x, module(torch.tensor(x)[:, None])[:, 0].numpy())

    def test_a_forecast_of_the_last_row_is_one_of_every_row(self):
        module = self.module("LastOnly")
        self.convert(self.saved(module), "--model", f"{FILE}:LastOnly")
        x = rows(30, 3)
        right = [run(module, x[: k + 1])[-2:] for k in range(30)]
        self.gives(x, np.array(right).reshape(30, 2))
        self.has_selftest(20)

    def test_an_activation_between_is_found(self):
        self.check("ReluBetween")
        self.assertIn(
            {"type": "activation", "activation": "relu"}, self.grud_metadata()["network"]
        )

    def test_cells_in_a_loop(self):
        self.check("Loop")
        kinds = [entry["type"] for entry in self.grud_metadata()["network"]]
        self.assertEqual(kinds, ["gru", "lstm", "dense", "dense"])

    def test_all_kinds_of_layers_at_once(self):
        x = rows(200, 3) * [5, 0.2, 30] + [20, 0.5, 1000]
        self.check("Everything", x=x.astype(np.float32))
        grud = self.grud_metadata()
        self.assertEqual([round(e["mean"], 4) for e in grud["inputs"]], [20, 0.5, 1000])
        kinds = [entry["type"] for entry in grud["network"]]
        self.assertEqual(
            kinds, ["dense", "gru", "layer_norm", "batch_norm", "activation", "lstm", "heads"]
        )

    def test_several_results_are_heads(self):
        self.check("Parted")
        self.assertEqual(len(self.grud_metadata()["network"][-1]["heads"]), 2)
        self.check("TwoResults")
        self.assertEqual(self.grud_metadata()["network"][-1]["type"], "heads")

    def test_a_state_that_is_handed_in_begins_with_zeros(self):
        module = self.module("Stateful")
        self.convert(self.saved(module), "--model", f"{FILE}:Stateful")
        x = rows(200, 3)
        with torch.no_grad():
            self.gives(x, module(torch.tensor(x)[None], None)[0][0].numpy())

    def test_a_module_of_one_row_is_stepped(self):
        module = self.module("OneRow")
        self.convert(self.saved(module), "--model", f"{FILE}:OneRow")
        self.has_selftest(20)
        x, state, found = rows(200, 3), None, []
        with torch.no_grad():
            for row in torch.tensor(x):
                y, state = module(row[None], state)
                found.append(y[0].numpy())
        self.gives(x, np.array(found))

    def test_values_that_are_changed_in_place(self):
        self.check("InPlace")

    def test_scaling_in_the_module_becomes_mean_and_std(self):
        self.check("Scaled", x=(rows(200, 3) * 5 + 20).astype(np.float32))
        self.assertEqual([e["std"] for e in self.grud_metadata()["outputs"]], [5, 2])

    def test_what_grud_does_not_do_is_refused_by_name(self):
        for name, says in {
            "Skip": "skip connection",
            "Embedded": "'conv' is a conv1d",
            "Attention": "attention",
            "Projected": "'rnn' has a projection",
            "Elman": "'rnn' is a rnn_tanh",
            "Slope": "slope 0.2",
            "TanhGelu": "approximate tanh",
            "Decoder": "'rnn' is used twice",
            "Shifted": "it does something between them",
            "Clamped": "'clamp' is a clamp",  # whose upper bound no row meets
            "Chosen": "'where' is a where",
            "Words": "'words' is an Embedding",
        }.items():
            with self.subTest(name):
                self.refuse(self.saved(self.module(name)), "--model", f"{FILE}:{name}", says=says)

    def test_a_bidirectional_layer_read_at_its_end_is_refused(self):
        arguments = '{"bidirectional": true}'
        file = self.saved(self.module("LastOnly", bidirectional=True))
        with self.assertRaises(grud_convert.Refused):
            self.convert(file, "--model", f"{FILE}:LastOnly", "--model-args", arguments)


class Files(TorchTest):
    def test_wrapped_names_are_known(self):
        module = self.module("Plain")
        for prefix in ("_orig_mod.", "module.", "model.", "model._orig_mod.", "module._orig_mod."):
            with self.subTest(prefix):
                file = self.saved(module, wrap=lambda s: {prefix + k: v for k, v in s.items()})
                x = rows(200, 3)
                self.convert(file)
                self.gives(x, run(module, x))
                self.assertNotIn("selftest", self.grud_metadata())
                self.convert(file, "--model", f"{FILE}:Plain")
                self.gives(x, run(module, x))

    def test_checkpoints_hold_their_weights_somewhere(self):
        module = self.module("Plain")
        for wrap in (
            lambda s: {
                "state_dict": {f"model.{k}": v for k, v in s.items()},
                "epoch": 3,
                "pytorch-lightning_version": "2.5.0",
                "hyper_parameters": {"hidden": 6},
                "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(3)}}}],
            },
            lambda s: {"model_state_dict": s, "optimizer_state_dict": {"state": {}}, "loss": 0.1},
        ):
            self.convert(self.saved(module, "last.ckpt", wrap), "--model", f"{FILE}:Plain")
            x = rows(200, 3)
            self.gives(x, run(module, x))

    def test_of_two_sets_of_weights_one_is_chosen(self):
        module, ema = self.module("Plain"), modules.Plain()
        file = self.saved(module, wrap=lambda s: {"model": s, "ema": ema.state_dict()})
        self.refuse(file, says=["ema, model", "--key"])
        self.convert(file, "--key", "ema")
        x = rows(200, 3)
        self.gives(x, run(ema, x))

    def test_a_part_of_a_file_is_chosen_by_its_prefix(self):
        module, other = self.module("Plain"), modules.Plain(hidden=7)
        file = self.saved(
            module,
            wrap=lambda s: {
                **{f"encoder.{k}": v for k, v in s.items()},
                **{f"decoder.{k}": v for k, v in other.state_dict().items()},
            },
        )
        self.refuse(file, says="--network")
        self.convert(file, "--prefix", "decoder")
        x = rows(200, 3)
        self.gives(x, run(other, x))

    def test_a_module_saved_whole_gives_its_weights_and_runs_no_code(self):
        module, path = self.module("Plain"), self.folder / "whole.pt"
        flag = self.folder / "ran"
        module.trap = Trap(flag)
        torch.save(module, path)
        self.convert(path)
        x = rows(200, 3)
        self.gives(x, run(module, x))
        self.convert(path, "--model", f"{FILE}:Plain")
        self.has_selftest(20)
        self.assertFalse(flag.exists())
        torch.load(path, **({} if torch.__version__ < "2" else {"weights_only": False}))
        self.assertTrue(flag.exists())  # it would have

    def test_what_holds_no_weights_is_refused(self):
        path = self.folder / "empty.pt"
        torch.save({"epoch": 3.5}, path)
        self.refuse(path, says="holds no weights")
        path.write_bytes(b"PK")
        self.refuse(path, says="is no checkpoint")

    def test_torchscript_is_run(self):
        x = rows(200, 3)
        for name in ("Plain", "ReluBetween"):
            for make in (
                torch.jit.script,
                lambda m: torch.jit.trace(m.eval(), torch.zeros(1, 9, 3)),
            ):
                module, path = self.module(name), self.folder / "script.pt"
                make(module).save(str(path))
                self.convert(path)
                self.gives(x, run(module, x))
                self.has_selftest(20)
                self.convert(path, "--model", f"{FILE}:{name}")
                self.gives(x, run(module, x))
        self.made.unlink()
        torch.jit.trace(self.module("Clamped").eval(), torch.zeros(1, 9, 3)).save(str(path))
        self.refuse(path, says=["clamp", "--model"])

    def test_weight_norm_of_both_kinds_is_folded(self):
        module = self.module("Plain", layers=1)
        v = module.rnn.weight_hh_l0.detach()
        g = v.norm(dim=1, keepdim=True)
        x = rows(200, 3)
        for parts in (
            ("weight_hh_l0_g", "weight_hh_l0_v"),
            ("parametrizations.weight_hh_l0.original0", "parametrizations.weight_hh_l0.original1"),
        ):
            file = self.saved(
                module,
                wrap=lambda s: {
                    **{k: t for k, t in s.items() if k != "rnn.weight_hh_l0"},
                    **{f"rnn.{name}": t for name, t in zip(parts, (g, v * 3))},
                },
            )
            self.convert(file)
            self.gives(x, run(module, x))

    def test_scaler_buffers_are_mean_and_std(self):
        module = self.module("Plain")
        mean, std = torch.tensor([20.0, 0.5, 1000.0]), torch.tensor([5.0, 0.2, 30.0])
        for names in (("x_mean", "x_std"), ("scaler.mean", "scaler.scale"), ("mean", "std")):
            file = self.saved(module, wrap=lambda s: {**s, names[0]: mean, names[1]: std})
            self.convert(file)
            x = rows(200, 3)
            self.gives(x * std.numpy() + mean.numpy(), run(module, x), 2e-5)

    def test_what_belongs_to_no_layer_is_refused_by_name(self):
        module = self.module("Plain")
        for name, shape in (
            ("embed.weight", (5, 4, 2)),
            ("h0", (2, 1, 6)),
            ("rnn.weight_hr_l0", (4, 6)),
        ):
            file = self.saved(module, wrap=lambda s: {**s, name: torch.ones(shape)})
            self.refuse(file, says=name)
        self.refuse(self.saved(modules.Words()), says=[])
        file = self.saved(
            modules.Words(),
            wrap=lambda s: {k.replace("words", "embedding"): v for k, v in s.items()},
        )
        self.refuse(file, says="'embedding.weight' is an embedding")

    def test_a_file_of_very_many_layers_is_refused_soon(self):
        module = nn.ModuleList(
            [nn.LSTM(5, 5), *(nn.LayerNorm(5) for _ in range(40)), nn.Linear(9, 7)]
        )
        self.refuse(self.saved(module), says="--network")

    def test_the_class_must_fit_the_file(self):
        file = self.saved(self.module("Plain"))
        model = ("--model", f"{FILE}:Plain", "--model-args")
        self.refuse(file, *model, '{"hidden": 7}', says="size mismatch")
        self.refuse(file, *model, '{"layers": 3}', says="'rnn.bias_hh_l2' of the class")
        self.refuse(file, "--model", f"{FILE}:Nothing", says="Nothing")
        self.refuse(file, "--model", "nothing", says="package.module:Class")
        self.convert(file, "--model", f"{FILE}:make", "--model-args", '["plain"]')


class Options(TorchTest):
    def test_names_and_times_go_into_the_file(self):
        file = self.saved(self.module("Plain"))
        self.convert(
            file,
            "--inputs",
            "temp,humidity,wind",
            "--outputs",
            "temp,rain",
            "--interval-seconds",
            "600",
            "--season",
            "144",
            "--missing",
            "last",
        )
        grud = self.grud_metadata()
        self.assertEqual([e["name"] for e in grud["inputs"]], ["temp", "humidity", "wind"])
        self.assertEqual((grud["interval_seconds"], grud["season"]), (600, 144))
        self.refuse_count(file)

    def refuse_count(self, file):
        self.made.unlink()
        self.refuse(
            file, "--inputs", "temp,humidity", says="--inputs names 2 inputs, and the model"
        )
        self.refuse(file, "--steps", "3", says="--steps 3 does not divide")
        self.refuse(file, "--residual", says="--residual adds an output to the input of its name")

    def test_a_residual_model_forecasts_changes(self):
        module = self.module("Plain")
        self.convert(
            self.saved(module),
            "--model",
            f"{FILE}:Plain",
            "--residual",
            "--inputs",
            "a,b,c",
            "--outputs",
            "b,d",
        )
        x = rows(200, 3)
        self.gives(x, run(module, x) + np.stack([x[:, 1], 0 * x[:, 1]], 1))
        self.has_selftest(20)

    def test_several_steps_at_once(self):
        module = self.module("Plain")
        self.convert(self.saved(module), "--model", f"{FILE}:Plain", "--steps", "2")
        x = rows(200, 3)
        self.gives(x, run(module, x))


if __name__ == "__main__":
    unittest.main()
