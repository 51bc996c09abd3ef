"""What a user would pick instead: statsforecast's AutoETS and AutoARIMA, and how long they take."""
import time
import warnings

import measures
import numpy as np

NAMES = ("AutoETS", "AutoARIMA")


def forecasts(name, x, n_train, horizon, stride, season):
    """Chosen and fitted once, on the rows of training; from each origin it goes on with the rows up
    to there. x has one column. Returns W x H x 1, and processor seconds."""
    warnings.simplefilter("ignore")
    from statsforecast import models

    column, begin = x[:, 0].astype(float), time.process_time()
    model = getattr(models, name)(season_length=season or 1).fit(column[:n_train])
    ahead = [model.forward(column[:first], horizon)["mean"]
             for first in measures.origins(x, n_train, horizon, stride)]
    return np.array(ahead)[:, :, None], time.process_time() - begin
