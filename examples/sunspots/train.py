#!/usr/bin/python3
"""Trains sunspots.safetensors: a residual GRU that forecasts the monthly sunspot number.

    python3 train.py                 needs PyTorch and numpy; about two minutes on one processor

The series is split in time. The first 80 % of the months are all that training ever sees: scaling, weights
and the choice of the best epoch (on the last 15 % of that part) come from them. The remaining 20 % are
forecast once, at the end, by the written weights, and compared with persistence ("as it was last month").

The loss is taken on roll-outs: from every month the network forecasts the next HORIZON months, each from its
own forecast of the month before, exactly as the daemon rolls a horizon out.
"""
import csv
import json
import pathlib
import struct

import numpy as np
import torch

HERE = pathlib.Path(__file__).resolve().parent
SEED = 1
HIDDEN = 32
HORIZON = 12  # months ahead in the loss
FIRST_WEIGHT = 8.0  # of the first month ahead in the loss, the others have 1
WINDOW = 600  # months in a training sequence: a few solar cycles of 11 years
WARM_UP = 60  # its first months only build up the hidden state
BATCH = 8
ROUNDS = 80
STEPS_PER_ROUND = 5
LEARNING_RATE = 1e-2
STRETCH = 0.2  # cycles differ in strength: each training sequence is stretched by about this much


def read_series():
    with open(HERE / "sunspots.csv", newline="") as file:
        return np.array([float(row["sunspot_number"]) for row in csv.DictReader(file)])


def roll_out(gru, head, z, first, horizon):
    """z [B,T], normalised -> forecasts and truths [horizon, origins], from the origins first..T-horizon-1."""
    weights = [gru.weight_ih_l0, gru.weight_hh_l0, gru.bias_ih_l0, gru.bias_hh_l0]
    n_steps = z.shape[1]
    h = gru(z.unsqueeze(-1))[0][:, first : n_steps - horizon].reshape(-1, HIDDEN)
    last = z[:, first : n_steps - horizon].reshape(-1, 1)
    forecasts, truths = [], []
    for k in range(1, horizon + 1):
        last = last + head(h)  # residual: the read-out is the change
        forecasts.append(last[:, 0])
        truths.append(z[:, first + k : n_steps - horizon + k].reshape(-1))
        if k < horizon:
            h = torch._VF.gru_cell(last, h, *weights)
    return torch.stack(forecasts), torch.stack(truths)


def train(series, n_fit, mean, std):
    """Learns from series[:n_fit], keeps the round that forecasts series[n_fit:] best. Returns the weights."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)  # the same sums in the same order, whatever the machine
    gru = torch.nn.GRU(1, HIDDEN, batch_first=True)
    head = torch.nn.Linear(HIDDEN, 1)
    with torch.no_grad():  # start near persistence
        head.weight *= 0.1
        head.bias *= 0
    parameters = list(gru.parameters()) + list(head.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=LEARNING_RATE, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, ROUNDS)
    importance = torch.ones(HORIZON, 1)
    importance[0] = FIRST_WEIGHT
    importance /= importance.mean()
    raw = torch.tensor(series, dtype=torch.float32)
    best, ret_weights = np.inf, None
    for a_round in range(ROUNDS):
        for _ in range(STEPS_PER_ROUND):
            starts = torch.randint(0, n_fit - WINDOW, (BATCH,))
            z = torch.stack([raw[i : i + WINDOW] for i in starts])
            z = (z * (1 + STRETCH * torch.randn(BATCH, 1)).clamp(0.5, 1.6) - mean) / std
            forecasts, truths = roll_out(gru, head, z, WARM_UP, HORIZON)
            loss = ((forecasts - truths).square() * importance).mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
        schedule.step()
        if a_round % 2 == 1:
            with torch.no_grad():
                forecasts, truths = roll_out(gru, head, (raw[None] - mean) / std, n_fit - 1, HORIZON)
                held_out = ((forecasts - truths).square() * importance).mean().item()
            if held_out < best:
                best = held_out
                state = {f"gru.{k}": v for k, v in gru.state_dict().items()}
                state.update({f"head.{k}": v for k, v in head.state_dict().items()})
                ret_weights = {k: v.numpy().astype("<f4").copy() for k, v in state.items()}
            if a_round % 10 == 9:
                print(f"round {a_round + 1:3d}  loss {loss.item():.4f}  held out {held_out:.4f}", flush=True)
    return ret_weights


class Reference:
    """The model in numpy and float64, straight from the equations of a GRU (reset gate after the product)."""

    def __init__(self, weights, mean, std):
        self.w = {k: v.astype(np.float64) for k, v in weights.items()}
        self.mean, self.std = mean, std

    def step(self, h, x):
        """One month: the hidden state [H] and the month's number -> the next state, the forecast."""
        a = self.w["gru.weight_ih_l0"] @ [(x - self.mean) / self.std] + self.w["gru.bias_ih_l0"]
        b = self.w["gru.weight_hh_l0"] @ h + self.w["gru.bias_hh_l0"]
        r, z = (1 / (1 + np.exp(-a[k : k + HIDDEN] - b[k : k + HIDDEN])) for k in (0, HIDDEN))
        n = np.tanh(a[2 * HIDDEN :] + r * b[2 * HIDDEN :])
        h = (1 - z) * n + z * h
        return h, x + self.std * (self.w["head.weight"][0] @ h + self.w["head.bias"][0])

    def forecasts(self, series, first, horizon):
        """What stood to be forecast after each month from `first` on: [months, horizon]."""
        h, ret = np.zeros(HIDDEN), []
        for i, x in enumerate(series):
            h, y = self.step(h, x)
            if i >= first:
                row, ahead = [y], h
                while len(row) < horizon:
                    ahead, y = self.step(ahead, y)
                    row.append(y)
                ret.append(row)
        return np.array(ret)


def write_safetensors(path, tensors, metadata):
    """8 bytes of header length, the header as JSON, the tensors one after the other."""
    header, offset = {"__metadata__": {"grud": json.dumps(metadata, separators=(",", ":"))}}, 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": "F32", "shape": tensor.shape, "data_offsets": [offset, offset + tensor.nbytes]}
        offset += tensor.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(t.tobytes() for t in tensors.values()))


def main():
    series = read_series()
    n_train = int(len(series) * 0.8)
    mean, std = round(series[:n_train].mean(), 2), round(series[:n_train].std(), 2)
    weights = train(series[:n_train], int(n_train * 0.85), mean, std)
    model = Reference(weights, mean, std)

    forecasts = model.forecasts(series, n_train - HORIZON, HORIZON)
    for ahead in (1, 6, 12):
        truth = series[n_train:]
        said = forecasts[HORIZON - ahead : HORIZON - ahead + len(truth), ahead - 1]
        model_mae = np.abs(said - truth).mean()
        persistence_mae = np.abs(series[n_train - ahead : len(series) - ahead] - truth).mean()
        print(
            f"last {len(truth)} months, {ahead:2d} ahead: MAE {model_mae:.2f}, persistence {persistence_mae:.2f}, "
            f"skill {1 - model_mae / persistence_mae:+.3f}"
        )

    variable = {"name": "sunspot_number", "unit": "spots", "mean": mean, "std": std}
    rows, h, answers = [58.0, 62.6, 70.0, 0.0, 253.8, 131.5], np.zeros(HIDDEN), []
    for x in rows:
        h, y = model.step(h, x)
        answers.append([float(f"{y:.9g}")])
    metadata = {
        "inputs": [variable],
        "outputs": [{"name": "sunspot_number", "unit": "spots", "feeds": "sunspot_number"}],
        "residual": True,
        "missing": "last",
        "interval_seconds": 2629746,  # a mean month
        "selftest": {"x": [[x] for x in rows], "y": answers},
    }
    write_safetensors(HERE / "sunspots.safetensors", weights, metadata)


if __name__ == "__main__":
    main()
