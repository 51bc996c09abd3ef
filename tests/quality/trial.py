"""A row of the table with its data, and the errors of those who forecast it."""
import measures
import numpy as np
import peers

HIDING_SEED = 1


def last_known(x):
    """Missing readings as the last one that is known."""
    rows = np.where(np.isnan(x), 0, np.arange(len(x))[:, None])
    return np.take_along_axis(x, np.maximum.accumulate(rows, axis=0), axis=0)


class Trial:
    def __init__(self, row, folder):
        self.row, self.x = row, row.load(folder)
        self.n_train = int(row.train * len(self.x))
        self.train = self.x[: self.n_train]
        self.at = (self.n_train, row.horizon, row.stride)
        hidden = np.random.default_rng(HIDING_SEED).random(self.x.shape) < row.hidden
        hidden[: self.n_train] = False
        self.gappy = np.where(hidden, np.nan, self.x)

    def _judged(self, forecasts):
        """The error of what forecasts(x) gives; where readings are hidden, what they add to it."""
        def error(x):
            truth = measures.truth(self.x, *self.at)
            measure = getattr(measures, self.row.measure)
            return measure(truth, forecasts(x), self.train, self.row.season)

        return error(self.gappy) / error(self.x) - 1 if self.row.hidden else error(self.x)

    def persistence(self):
        return self._judged(lambda x: measures.persistence(last_known(x), *self.at))

    def seasonal_naive(self):
        season = self.row.season
        return self._judged(lambda x: measures.seasonal_naive(last_known(x), *self.at, season))

    def peer(self, name):
        """The error of one of statsforecast's, and its processor seconds."""
        seconds = []

        def forecasts(x):
            forecast, took = peers.forecasts(name, x, *self.at, self.row.season)
            seconds.append(took)
            return forecast

        return self._judged(forecasts), sum(seconds)

    def served(self, daemon, setting, seed):
        """The error of grud's forecasts, and the processor seconds of its job."""
        row, model = self.row, f"{setting.name}-{abs(hash(self.row.name))}-{seed}"
        daemon.make(model, self.train, setting.init, row.season, seed)
        seconds = daemon.train(model, self.train, setting.hyperparameters, row.validation, seed)
        error = self._judged(
            lambda x: daemon.forecasts(model, x, self.n_train, row.horizon)[:: row.stride])
        return error, seconds
