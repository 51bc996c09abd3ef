#!/usr/bin/env python3
"""Training steps of libgru beside JAX (lax.scan below jit) and PyTorch, one thread each: 32
sequences of 100 readings, one layer, one output, the mean squared error of the last row, Adam.

Each peer is a process of its own, and so is build/bench/bench_train; they take turns in rounds.
Printed are the median of the rounds' processor times of a step with their minimum and maximum, and
the ratio of the medians to libgru's. A peer's first loss must be what numpy computes; one that
cannot be started is SKIPPED.

    taskset -c 0 build/peers/bin/python tests/bench/bench_train_peers.py
        [--bench build/bench/bench_train]
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
os.environ.pop("OPENBLAS_CORETYPE", None)

import numpy as np

N_SEQUENCES, N_STEPS = 32, 100
SHAPES = ((32, 1), (32, 8), (64, 1), (64, 8), (128, 1), (128, 8), (512, 8), (1024, 8))
ROUND_SECONDS = 0.3  # of a peer
RATE, DECAY_1, DECAY_2, EPSILON = 1e-3, 0.9, 0.999, 1e-8  # of Adam
TOLERANCE = 1e-4  # of the first loss, relative


def make_case(h, i):
    """Weights (gate order r, z, n), readings [T][B][I] and targets [B][1]."""
    random = np.random.RandomState(h + i)
    shapes = ((3 * h, i), (3 * h, h), (3 * h,), (3 * h,), (1, h), (1,))
    weights = [
        random.uniform(-1, 1, shape).astype(np.float32) / np.float32(np.sqrt(h)) for shape in shapes
    ]
    x = random.standard_normal((N_STEPS, N_SEQUENCES, i)).astype(np.float32)
    return weights, x, random.standard_normal((N_SEQUENCES, 1)).astype(np.float32)


def numpy_loss(weights, x, target):
    w_ih, w_hh, b_ih, b_hh, head_w, head_b = (values.astype(np.float64) for values in weights)
    state = np.zeros((N_SEQUENCES, w_hh.shape[1]))
    for row in x:
        (xr, xz, xn), (hr, hz, hn) = np.split(row @ w_ih.T + b_ih, 3, 1), np.split(
            state @ w_hh.T + b_hh, 3, 1
        )
        reset, update = 1 / (1 + np.exp(-xr - hr)), 1 / (1 + np.exp(-xz - hz))
        state = (1 - update) * np.tanh(xn + reset * hn) + update * state
    return float(np.mean((state @ head_w.T + head_b - target) ** 2))


# ---- the peers: each returns a function that does a training step and returns the loss before it


def torch_step(weights, x, target):
    import torch

    torch.set_num_threads(1)
    gru, head = torch.nn.GRU(x.shape[2], weights[1].shape[1]), torch.nn.Linear(
        weights[1].shape[1], 1
    )
    parameters = [*gru.parameters(), *head.parameters()]
    with torch.no_grad():
        for parameter, values in zip(parameters, weights):
            parameter.copy_(torch.from_numpy(values))
    optimizer = torch.optim.Adam(parameters, lr=RATE, betas=(DECAY_1, DECAY_2), eps=EPSILON)
    x, target = torch.from_numpy(x), torch.from_numpy(target)

    def step():
        optimizer.zero_grad()
        rows, _ = gru(x)
        loss = torch.nn.functional.mse_loss(head(rows[-1]), target)
        loss.backward()
        optimizer.step()
        return float(loss)

    return step, f"PyTorch {torch.__version__}"


def jax_step(weights, x, target):
    import jax
    import jax.numpy as jnp

    def loss_of(parameters):
        w_ih, w_hh, b_ih, b_hh, head_w, head_b = parameters
        columns = w_hh.T  # once, not in each step

        def advance(state, projected):
            (xr, xz, xn), (hr, hz, hn) = jnp.split(projected, 3, 1), jnp.split(
                state @ columns + b_hh, 3, 1
            )
            reset, update = jax.nn.sigmoid(xr + hr), jax.nn.sigmoid(xz + hz)
            return (1 - update) * jnp.tanh(xn + reset * hn) + update * state, None

        state, _ = jax.lax.scan(advance, jnp.zeros((N_SEQUENCES, w_hh.shape[1])), x @ w_ih.T + b_ih)
        return jnp.mean((state @ head_w.T + head_b - target) ** 2)

    @jax.jit
    def update(parameters, moments, squares, n):
        loss, gradients = jax.value_and_grad(loss_of)(parameters)
        moments = [DECAY_1 * m + (1 - DECAY_1) * g for m, g in zip(moments, gradients)]
        squares = [DECAY_2 * s + (1 - DECAY_2) * g * g for s, g in zip(squares, gradients)]
        scale_1, scale_2 = RATE / (1 - DECAY_1**n), 1 / (1 - DECAY_2**n)
        parameters = [
            p - scale_1 * m / (jnp.sqrt(scale_2 * s) + EPSILON)
            for p, m, s in zip(parameters, moments, squares)
        ]
        return loss, parameters, moments, squares

    x, target = jnp.asarray(x), jnp.asarray(target)
    parameters = [jnp.asarray(values) for values in weights]
    state = [parameters, [p * 0 for p in parameters], [p * 0 for p in parameters]]
    n = 0

    def step():
        nonlocal state, n
        n += 1
        loss, *state = update(*state, n)
        return float(loss)

    return step, f"JAX {jax.__version__}"


PEERS = {"JAX": jax_step, "PyTorch": torch_step}


def worker(name, h, i):
    """Prints name and first loss, then for each line of the input the milliseconds of a step."""
    step, title = PEERS[name](*make_case(h, i))
    print(f"{step():.9g} {title}", flush=True)
    step()
    start = time.process_time()
    step()
    n = 1 + int(ROUND_SECONDS / (time.process_time() - start))
    for _ in sys.stdin:
        start = time.process_time()
        for _ in range(n):
            step()
        print((time.process_time() - start) / n * 1e3, flush=True)


class Peer:
    def __init__(self, python, name, h, i):
        command = [python, os.path.abspath(__file__), "--worker", name, str(h), str(i)]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        loss, _, self.name = self.process.stdout.readline().strip().partition(" ")
        if not self.name:
            raise ImportError((self.process.stderr.read().strip() or "no answer").splitlines()[-1])
        expected = numpy_loss(*make_case(h, i))
        if not abs(float(loss) - expected) <= TOLERANCE * expected:
            raise SystemExit(f"{self.name}: the first loss is {loss}, not {expected}")
        self.times = []

    def measure(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.times.append(float(self.process.stdout.readline()))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Libgru:
    name = "libgru"

    def __init__(self, bench, h, i):
        self.command, self.times = [bench, str(h), str(i)], []

    def measure(self):
        self.times.append(
            float(subprocess.run(self.command, check=True, capture_output=True, text=True).stdout)
        )

    def close(self):
        pass


def compare(contenders, n_rounds):
    for _ in range(n_rounds):
        for contender in contenders:
            contender.measure()
    ours = statistics.median(contenders[0].times)
    for contender in contenders:
        median = statistics.median(contender.times)
        print(
            f"    {contender.name:22} {median:9.3f} ms"
            f" ({min(contender.times):.3f}..{max(contender.times):.3f})"
            f"  {median / ours:5.2f}x",
            flush=True,
        )
        contender.close()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bench", default="build/bench/bench_train")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument(
        "--torch", default="/usr/bin/python3", help="a Python that can import torch"
    )
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        name, h, i = options.worker
        worker(name, int(h), int(i))
        return
    pythons, skipped = {"JAX": sys.executable, "PyTorch": options.torch}, set()
    print(
        f"training steps of {N_SEQUENCES} sequences x {N_STEPS} rows, O = 1, Adam;"
        " medians of the rounds (min..max)"
    )
    for h, i in SHAPES:
        print(f"  H {h:4} I {i}:")
        contenders = [Libgru(options.bench, h, i)]
        for name, python in pythons.items():
            try:
                if name not in skipped:
                    contenders.append(Peer(python, name, h, i))
            except (ImportError, FileNotFoundError) as error:
                skipped.add(name)
                print(f"    SKIPPED {name} ({python}): {error}")
        compare(contenders, options.rounds if h <= 128 else max(1, options.rounds // 3))


if __name__ == "__main__":
    main()
