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
    """first and end are rows: forecasts are of the rows first..end - 1, by those before each."""

    def __init__(self, row, folder):
        self.row, self.x = row, row.load(folder)
        self.names = [f"x{i}" for i in range(self.x.shape[1])]
        self.n_train = int(row.train * len(self.x))
        self.train = self.x[: self.n_train]
        self.n_fit = self.n_train - int(row.validation * self.n_train)
        hidden = np.random.default_rng(HIDING_SEED).random(self.x.shape) < row.hidden
        self.gappy = np.where(hidden, np.nan, self.x)
        self.gappy[: self.n_train] = self.train

    def error(self, forecast, first, end, stride):
        truth = measures.truth(self.x[:end], first, self.row.horizon, stride)
        return getattr(measures, self.row.measure)(truth, forecast, self.train, self.row.season)

    def tested(self, forecasts):
        """The error of forecasts(x, first, horizon, stride) behind the rows of training; where
        readings are hidden, what they add to it."""
        stride = self.row.stride

        def error(x):
            forecast = forecasts(x, self.n_train, self.row.horizon, stride)
            return self.error(forecast, self.n_train, len(x), stride)

        return error(self.gappy) / error(self.x) - 1 if self.row.hidden else error(self.x)

    def persistence(self):
        return self.tested(lambda x, *at: measures.persistence(last_known(x), *at))

    def seasonal_naive(self):
        season = self.row.season
        return self.tested(lambda x, *at: measures.seasonal_naive(last_known(x), *at, season))

    def peer(self, name):
        """The error of one of statsforecast's, and its processor seconds."""
        seconds = []

        def forecasts(x, *at):
            forecast, took = peers.forecasts(name, x, *at, self.row.season)
            seconds.append(took)
            return forecast

        return self.tested(forecasts), sum(seconds)

    def trained(self, daemon, setting, seed):
        """A model of grud's, and the processor seconds of its job."""
        model = daemon.make(self.names, setting.init, self.row.season, seed)
        return model, daemon.train(model, self.train, setting.hyperparameters,
                                   self.row.horizon, self.row.validation, seed)

    def validated(self, daemon, model):
        """Its error on the rows that chose its epoch."""
        at = (self.n_fit, self.row.horizon, self.row.stride)
        forecast = daemon.forecasts(model, self.train, *at)
        return self.error(forecast, self.n_fit, self.n_train, self.row.stride)

    def served(self, daemon, model):
        return self.tested(lambda x, *at: daemon.forecasts(model, x, *at))
