#!/usr/bin/python3
"""Trains host-load.safetensors: a residual GRU that forecasts a machine's load one second ahead.

    ./feed.sh -r >recording.csv              for an hour or so, while the machine does this and that
    python3 train.py recording.csv           needs PyTorch and numpy; some minutes on one processor

The recording is split in time: the first 80 % are for training (their last 15 % choose the best round), the last
20 % are forecast once, at the end, by the written weights, and compared with persistence ("as a second ago").

The model must make sense from the first second on a machine it has never seen. Therefore
- it is residual: the network forecasts the change only, and starts near no change at all;
- every training sequence is made into another machine's: its memory level is shifted, its load average, network
  and disk are scaled by large random factors, its processor use by small ones;
- an error counts in proportion to how much that quantity moved in that sequence, so that neither bursts of
  megabytes drown everything else nor an idle disk is forecast to be busy;
- a quantity whose changes could not be forecast on held-out seconds has its forecast changes shrunk.
"""
import csv
import json
import pathlib
import struct
import sys

import numpy as np
import torch

HERE = pathlib.Path(__file__).resolve().parent
SEED = 1
HIDDEN = 32
HORIZON = 3  # seconds ahead in the loss, rolled out as the daemon does it
FIRST_WEIGHT = 4.0  # of the first second ahead in the loss, the others have 1
WINDOW = 120  # seconds in a training sequence
WARM_UP = 20  # its first seconds only build up the hidden state
BATCH = 32
ROUNDS = 250
STEPS_PER_ROUND = 20
LEARNING_RATE = 1e-2
CAUTION = 0.02  # what forecasting a change costs: it must be expected to save more than this share of itself

# name, unit, mean and std that the network sees the reading through; std of the change that it forecasts; a change
# that is too small to matter. Chosen by hand: the recording's own would be those of one machine in one hour.
QUANTITIES = [
    ("cpu", "%", 40.0, 35.0, 10.0, 1.0),
    ("memory", "%", 40.0, 25.0, 0.2, 0.02),
    ("load", "", 2.0, 3.0, 0.1, 0.01),
    ("network", "B/s", 1e6, 1e7, 3e6, 1e4),
    ("disk", "B/s", 1e6, 1e7, 3e6, 1e4),
]
NAMES = [q[0] for q in QUANTITIES]
MEAN, STD, CHANGE, FLOOR = (np.array(column) for column in list(zip(*QUANTITIES))[2:])
N = len(QUANTITIES)


def read_recording(path):
    with open(path, newline="") as file:
        return np.array([[float(row[name]) for name in NAMES] for row in csv.DictReader(file)])


def other_machine(x):
    """x [2 B,T,N], raw -> [B,T,N], as it might have been on a machine with other habits and another size."""

    def factor(low, high):
        return torch.exp(torch.empty(len(x), 1).uniform_(np.log(low), np.log(high)))

    x, other = x.chunk(2)
    twice = torch.rand(len(x), 1, 1) < 0.4  # of two machines that do their work on one of twice the size
    x = torch.where(twice, x + other, x)
    x[..., :2] = torch.where(twice, x[..., :2] / 2, x[..., :2])
    ret = x.clone()
    ret[..., 0] *= factor(0.2, 1.0)
    memory = x[..., 1] * factor(0.5, 4.0)
    ret[..., 1] = (memory + torch.empty(len(x), 1).uniform_(0, 80)).clamp(0, 100)
    ret[..., 2] *= factor(0.5, 4.0)
    ret[..., 3] *= factor(0.1, 30.0)
    ret[..., 4] *= factor(0.1, 30.0)
    as_it_was = torch.rand(len(x), 1, N) < 0.3
    return torch.where(as_it_was, x, ret)


def roll_out(gru, head, x, first, horizon):
    """x [B,T,N], raw -> forecasts and truths [horizon,B,origins,N], from the origins first..T-horizon-1."""
    mean, std, change = (torch.tensor(a, dtype=torch.float32) for a in (MEAN, STD, CHANGE))
    weights = [gru.weight_ih_l0, gru.weight_hh_l0, gru.bias_ih_l0, gru.bias_hh_l0]
    n_batch, n_steps = x.shape[:2]
    h = gru((x - mean) / std)[0][:, first : n_steps - horizon].reshape(-1, HIDDEN)
    last = x[:, first : n_steps - horizon].reshape(-1, N)
    forecasts, truths = [], []
    for k in range(1, horizon + 1):
        last = last + change * head(h)  # residual: the read-out is the change
        forecasts.append(last.view(n_batch, -1, N))
        truths.append(x[:, first + k : n_steps - horizon + k])
        if k < horizon:
            h = torch._VF.gru_cell((last - mean) / std, h, *weights)
    return torch.stack(forecasts), torch.stack(truths)


def loss_of(forecasts, truths, x):
    """Absolute errors as a share of the mean absolute change of that quantity in that sequence."""
    floor = torch.tensor(FLOOR, dtype=torch.float32)
    moved = x.diff(dim=1).abs().mean(dim=1, keepdim=True) + floor  # [B,1,N]
    importance = torch.ones(len(forecasts), 1, 1, 1)
    importance[0] = FIRST_WEIGHT
    errors = torch.nn.functional.smooth_l1_loss(forecasts / moved, truths / moved, reduction="none", beta=0.2)
    before = x[:, WARM_UP : x.shape[1] - HORIZON]
    errors = errors + CAUTION * (forecasts - before).abs() / moved
    return (errors * importance / importance.mean()).mean()


def shrinkage_of(forecasts, truths, x):
    """For each quantity, the share of the forecast change that forecasts these held-out sequences best: [N]."""
    moved = x.diff(dim=1).abs().mean(dim=1, keepdim=True) + torch.tensor(FLOOR, dtype=torch.float32)
    before = x[:, WARM_UP : x.shape[1] - HORIZON]
    shares = np.array([0.25, 0.5, 0.75, 1.0], dtype="<f4")
    errors = [
        ((before + float(s) * (forecasts[0] - before) - truths[0]).abs() / moved).mean(dim=(0, 1)) for s in shares
    ]
    return shares[torch.stack(errors).argmin(dim=0).numpy()]


def train(recording, n_fit):
    """Learns from recording[:n_fit], keeps the round that forecasts recording[n_fit:] best. Returns the weights."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)  # the same sums in the same order, whatever the machine
    gru = torch.nn.GRU(N, HIDDEN, batch_first=True)
    head = torch.nn.Linear(HIDDEN, N)
    with torch.no_grad():  # start near persistence
        head.weight *= 0.05
        head.bias *= 0
    parameters = list(gru.parameters()) + list(head.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, ROUNDS)
    raw = torch.tensor(recording, dtype=torch.float32)
    n_held_out = (len(raw) - n_fit) // WINDOW
    held_out = torch.stack([raw[n_fit + i * WINDOW :][:WINDOW] for i in range(n_held_out)] * 16)
    held_out = other_machine(held_out[torch.randperm(len(held_out))])
    # Stretches where the processor's use moved are picked more often than those where it stood at 100 %.
    moved = raw[:n_fit, 0].diff().abs().clamp(max=20.0).unfold(0, WINDOW - 1, 1).mean(dim=1)

    def pick(n):
        return torch.multinomial(0.3 + moved, n, replacement=True).unsqueeze(1)

    best, ret_weights = np.inf, None
    for a_round in range(ROUNDS):
        total = 0.0
        for _ in range(STEPS_PER_ROUND):
            x = other_machine(raw[pick(2 * BATCH) + torch.arange(WINDOW)])
            loss = loss_of(*roll_out(gru, head, x, WARM_UP, HORIZON), x)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            total += loss.item() / STEPS_PER_ROUND
        schedule.step()
        with torch.no_grad():
            check = loss_of(*roll_out(gru, head, held_out, WARM_UP, HORIZON), held_out).item()
        if check < best:
            best = check
            state = {f"gru.{k}": v for k, v in gru.state_dict().items()}
            state.update({f"head.{k}": v for k, v in head.state_dict().items()})
            ret_weights = {k: v.numpy().astype("<f4").copy() for k, v in state.items()}
        if a_round % 50 == 49:
            print(f"round {a_round + 1:3d}  loss {total:.4f}  held out {check:.4f}", flush=True)
    with torch.no_grad():
        gru.load_state_dict({k[4:]: torch.tensor(v) for k, v in ret_weights.items() if k.startswith("gru.")})
        head.load_state_dict({k[5:]: torch.tensor(v) for k, v in ret_weights.items() if k.startswith("head.")})
        shrinkage = shrinkage_of(*roll_out(gru, head, held_out, WARM_UP, HORIZON), held_out)
    print("shrinkage", dict(zip(NAMES, shrinkage.tolist())))
    ret_weights["head.weight"] *= shrinkage[:, None]
    ret_weights["head.bias"] *= shrinkage
    return ret_weights


class Reference:
    """The model in numpy and float64, straight from the equations of a GRU (reset gate after the product)."""

    def __init__(self, weights):
        self.w = {k: v.astype(np.float64) for k, v in weights.items()}

    def step(self, h, x):
        """One second: the hidden state [H] and the raw readings [N] -> the next state, the forecasts [N]."""
        a = self.w["gru.weight_ih_l0"] @ ((x - MEAN) / STD) + self.w["gru.bias_ih_l0"]
        b = self.w["gru.weight_hh_l0"] @ h + self.w["gru.bias_hh_l0"]
        r, z = (1 / (1 + np.exp(-np.clip(a[k : k + HIDDEN] + b[k : k + HIDDEN], -500, 500))) for k in (0, HIDDEN))
        n = np.tanh(a[2 * HIDDEN :] + r * b[2 * HIDDEN :])
        h = (1 - z) * n + z * h
        return h, x + CHANGE * (self.w["head.weight"] @ h + self.w["head.bias"])

    def forecasts(self, rows):
        """What was forecast after each row: [T,N]."""
        h, ret = np.zeros(HIDDEN), []
        for x in rows:
            h, y = self.step(h, x)
            ret.append(y)
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


def print_skill(model, recording, n_train):
    said = model.forecasts(recording)[n_train - 1 : -1]
    truth, before = recording[n_train:], recording[n_train - 1 : -1]
    for i, name in enumerate(NAMES):
        errors, changes = (said - truth)[:, i], (before - truth)[:, i]
        mae, rmse = (f(errors) / f(changes) for f in (lambda e: np.abs(e).mean(), lambda e: np.sqrt((e**2).mean())))
        print(
            f"last {len(truth)} seconds, {name:7s}: MAE {np.abs(errors).mean():.6g}, "
            f"persistence {np.abs(changes).mean():.6g}, skill {1 - mae:+.3f} (of the RMSE {1 - rmse:+.3f})"
        )


def print_extremes(model):
    """Where the forecasts stand after a minute of readings that no training sequence held."""
    for text, x in {
        "idle": [0, 5, 0, 0, 0],
        "everything at once": [100, 99, 500, 1e9, 1e9],
        "a full memory": [3, 100, 0.1, 1e4, 0],
        "a fast network": [20, 30, 1, 1e9, 0],
        "a small server": [8, 60, 0.4, 3e4, 2e5],
    }.items():
        y = model.forecasts(np.array([x] * 60, dtype=float))
        print(f"{text}: {x} -> first {np.round(y[0], 2).tolist()}, after a minute {np.round(y[-1], 2).tolist()}")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: train.py RECORDING.csv")
    recording = read_recording(sys.argv[1])
    n_train = int(len(recording) * 0.8)
    print(f"{len(recording)} seconds, {n_train} for training")
    weights = train(recording[:n_train], int(n_train * 0.85))
    model = Reference(weights)
    print_skill(model, recording, n_train)
    print_extremes(model)

    rows = [
        [12.5, 41.2, 0.8, 2e6, 3e6],
        [97.0, 43.9, 1.6, 6e6, 9e6],
        [55.0, 62.0, 3.1, 2.5e7, 1.2e7],
        [30.0, 20.0, 8.0, 1e9, 4e8],
    ]
    answers = [[float(f"{v:.9g}") for v in y] for y in model.forecasts(np.array(rows))]
    metadata = {
        "inputs": [{"name": n, "unit": u, "mean": m, "std": s} for n, u, m, s, _, _ in QUANTITIES],
        "outputs": [{"name": n, "unit": u, "mean": 0, "std": c, "feeds": n} for n, u, _, _, c, _ in QUANTITIES],
        "residual": True,
        "missing": "last",
        "interval_seconds": 1,
        "selftest": {"x": rows, "y": answers},
    }
    write_safetensors(HERE / "host-load.safetensors", weights, metadata)


if __name__ == "__main__":
    main()
