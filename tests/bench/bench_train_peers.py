#!/usr/bin/env python3
"""Training steps of libgru beside PyTorch, one thread each: 32 sequences of 100 readings, one layer, one output, the
mean squared error of the last row, Adam.

Each shape is measured in rounds, in which PyTorch (here) and build/bench/bench_train (a process of its own) take turns;
what is printed is the median of the rounds' CPU times per step with their minimum and maximum, and the ratio of the
medians.

    taskset -c 0 /usr/bin/python3 tests/bench/bench_train_peers.py [--bench build/bench/bench_train] [--rounds 9]
"""
import argparse
import os
import statistics
import subprocess
import time

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
os.environ.pop("OPENBLAS_CORETYPE", None)

import torch

N_SEQUENCES, N_STEPS = 32, 100
SHAPES = [(h, i) for h in (32, 64, 128) for i in (1, 8)]
TORCH_STEPS = 10  # of a round


def torch_step(h, i):
    """A function that does one training step."""
    torch.manual_seed(1)
    gru, head = torch.nn.GRU(i, h), torch.nn.Linear(h, 1)
    optimizer = torch.optim.Adam([*gru.parameters(), *head.parameters()])
    x, target = torch.randn(N_STEPS, N_SEQUENCES, i), torch.randn(N_SEQUENCES, 1)

    def step():
        optimizer.zero_grad()
        rows, _ = gru(x)
        torch.nn.functional.mse_loss(head(rows[-1]), target).backward()
        optimizer.step()

    return step


def torch_ms(step):
    start = time.process_time()
    for _ in range(TORCH_STEPS):
        step()
    return (time.process_time() - start) / TORCH_STEPS * 1e3


def our_ms(bench, h, i):
    return float(subprocess.run([bench, str(h), str(i)], check=True, capture_output=True, text=True).stdout)


def text(values):
    return f"{statistics.median(values):7.3f} ms ({min(values):.3f}..{max(values):.3f})"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bench", default="build/bench/bench_train")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"training steps, {N_SEQUENCES} x {N_STEPS}, PyTorch {torch.__version__}, medians of {options.rounds} rounds")
    for h, i in SHAPES:
        step = torch_step(h, i)
        torch_ms(step)
        ours, theirs = [], []
        for _ in range(options.rounds):
            ours.append(our_ms(options.bench, h, i))
            theirs.append(torch_ms(step))
        ratio = statistics.median(theirs) / statistics.median(ours)
        print(f"  H {h:3} I {i}  libgru {text(ours)}  PyTorch {text(theirs)}  {ratio:.1f}x", flush=True)


if __name__ == "__main__":
    main()
