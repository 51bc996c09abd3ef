"""How far forecasts were off. Truth and forecasts are W x H x I: origins, steps ahead, columns;
train is T x I.

The first origin is the last row that is trained on, the last one has `horizon` rows behind it.
"""
import numpy as np


def origins(x, n_train, horizon, stride):
    """The index of the first row of each forecast."""
    return range(n_train, len(x) - horizon + 1, stride)


def truth(x, n_train, horizon, stride):
    firsts = origins(x, n_train, horizon, stride)
    return np.stack([x[first : first + horizon] for first in firsts])


def persistence(x, n_train, horizon, stride):
    """The last row stays."""
    firsts = origins(x, n_train, horizon, stride)
    return np.stack([np.repeat(x[first - 1 : first], horizon, axis=0) for first in firsts])


def seasonal_naive(x, n_train, horizon, stride, season):
    """What was one season before, or as many seasons as it takes to know it."""
    ahead, firsts = np.arange(horizon) % season, origins(x, n_train, horizon, stride)
    return np.stack([x[first - season : first][ahead] for first in firsts])


def mase(actual, forecast, train, season):
    """Hyndman and Koehler 2006: in errors of the seasonal naive on the rows of training."""
    m = season or 1
    return np.mean(np.abs(actual - forecast)) / np.mean(np.abs(train[m:] - train[:-m]))


def rse(actual, forecast, train, season):
    """Lai et al. 2018: of the last step ahead, all columns in one, in raw units."""
    del train, season
    e, y = (actual - forecast)[:, -1], actual[:, -1]
    return np.sqrt(np.sum(e**2) / np.sum((y - y.mean()) ** 2))


def mse(actual, forecast, train, season):
    """Zhou et al. 2021: of columns divided by their standard deviation on the rows of training."""
    del season
    return np.mean(((actual - forecast) / train.std(axis=0)) ** 2)


def mae(actual, forecast, train, season):
    del train, season
    return np.mean(np.abs(actual - forecast))
