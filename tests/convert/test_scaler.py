"""Scalers of scikit-learn around a model that was trained on what they give."""

import pickle
import unittest

import numpy as np
from support import FIELD, ConvertTest, rows, run_file

try:
    import joblib
    from sklearn import preprocessing
except ImportError:
    raise unittest.SkipTest("there is no scikit-learn here") from None

MODEL = FIELD / "torch-state.pt"  # of three inputs and two outputs
RAW = rows(300, 3) * [5, 0.2, 30] + [20, 0.5, 1000]
SCALERS = (
    preprocessing.StandardScaler(),
    preprocessing.StandardScaler(with_mean=False),
    preprocessing.StandardScaler(with_std=False),
    preprocessing.MinMaxScaler(),
    preprocessing.MinMaxScaler((-1, 1)),
    preprocessing.RobustScaler(),
    preprocessing.RobustScaler(with_centering=False),
    preprocessing.MaxAbsScaler(),
)


class Scalers(ConvertTest):
    def saved(self, scaler, name, columns, dump=joblib.dump):
        path = self.folder / name
        dump(scaler.fit(RAW[:, columns]), path)
        return str(path)

    def plain(self, seen):
        """What the network alone makes of scaled rows."""
        self.convert(MODEL)
        return run_file(self.made, seen)

    def test_inputs_and_outputs_are_in_raw_units(self):
        for scaler in SCALERS:
            with self.subTest(scaler):
                out = preprocessing.MinMaxScaler()
                options = (
                    "--scaler",
                    self.saved(scaler, "x.joblib", [0, 1, 2]),
                    "--output-scaler",
                    self.saved(out, "y.joblib", [0, 2]),
                )
                y = out.inverse_transform(self.plain(scaler.transform(RAW)))
                self.convert(MODEL, *options)
                self.gives(RAW, y, 2e-5)

    def test_an_output_with_an_inputs_name_has_its_scaling(self):
        scaler = preprocessing.StandardScaler()
        path = self.saved(scaler, "x.joblib", [0, 1, 2])
        y = self.plain(scaler.transform(RAW)) * scaler.scale_[[2, 0]]
        names = (
            "--scaler",
            path,
            "--inputs",
            "temp,humidity,pressure",
            "--outputs",
            "pressure,temp",
        )
        self.convert(MODEL, *names)
        self.gives(RAW, y + scaler.mean_[[2, 0]], 2e-5)
        self.convert(MODEL, *names, "--residual")
        self.gives(RAW, y + RAW[:, [2, 0]], 2e-5)

    def test_an_output_of_its_own_is_as_the_network_gives_it(self):
        scaler = preprocessing.StandardScaler()
        path = self.saved(scaler, "x.joblib", [0, 1, 2])
        y = self.plain(scaler.transform(RAW))
        self.convert(MODEL, "--scaler", path, "--outputs", "a,b")
        self.gives(RAW, y)

    def test_a_pickle_will_do(self):
        def dump(scaler, path):
            path.write_bytes(pickle.dumps(scaler))

        scaler = preprocessing.StandardScaler()
        path = self.saved(scaler, "x.pkl", [0, 1, 2], dump)
        self.convert(MODEL, "--scaler", path)
        means = [entry["mean"] for entry in self.grud_metadata()["inputs"]]
        np.testing.assert_allclose(means, scaler.mean_)

    def test_what_is_no_scaler_of_the_model_is_refused(self):
        for scaler, columns, says in (
            (preprocessing.StandardScaler(), [0, 1], "x.joblib scales 2 columns"),
            (preprocessing.QuantileTransformer(n_quantiles=9), [0, 1, 2], "not a QuantileTransf"),
            (preprocessing.Normalizer(), [0, 1, 2], "and not a Normalizer"),
        ):
            self.refuse(MODEL, "--scaler", self.saved(scaler, "x.joblib", columns), says=says)
        joblib.dump(preprocessing.StandardScaler(), self.folder / "x.joblib")
        self.refuse(MODEL, "--scaler", str(self.folder / "x.joblib"), says="was not fitted")
        (self.folder / "x.joblib").write_bytes(b"nothing")
        self.refuse(MODEL, "--scaler", str(self.folder / "x.joblib"), says="x.joblib")


if __name__ == "__main__":
    unittest.main()
