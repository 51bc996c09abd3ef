"""Trains in PyTorch, saves, serves, streams, fine-tunes: train_and_serve.py [GRUD_URL]."""
import json
import math
import sys

import torch
from grud import Client
from safetensors.torch import save_file

# Train: the next value of a noisy wave, in units of its own scale.
torch.manual_seed(1)
MEAN, STD = 20.0, 5.0
wave = torch.tensor([MEAN + STD * math.sin(t / 4) for t in range(1000)]) + torch.randn(1000)
z = ((wave - MEAN) / STD).reshape(1, -1, 1)
model = torch.nn.ModuleDict({"gru": torch.nn.GRU(1, 16, batch_first=True),
                             "head": torch.nn.Linear(16, 1)})
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(50):
    loss = torch.nn.functional.mse_loss(model["head"](model["gru"](z[:, :-1])[0]), z[:, 1:])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"trained: loss {loss:.3f}, persistence {(z[:, 1:] - z[:, :-1]).square().mean():.3f}")

# Save: names and scaling are metadata, so that readings go in and forecasts come out in raw units.
temp = {"name": "temp", "mean": MEAN, "std": STD}
save_file(model.state_dict(), "wave.safetensors",
          metadata={"grud": json.dumps({"inputs": [temp], "outputs": [{"name": "temp"}]})})

# Serve: grud checks the file, and answers with it at once.
client = Client(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080")
version = client.models.upload("wave", "wave.safetensors")["active_version"]

# Stream: the same numbers as PyTorch's own, one reading at a time.
for reply in client.steps("wave", wave[:500].reshape(-1, 1), session="sensor"):
    pass
expected = model["head"](model["gru"](z[:, :500])[0])[0, -1, 0].item() * STD + MEAN
print(f"version {version} forecasts {reply['y'][0]:.4f}, PyTorch {expected:.4f}")

# Fine-tune: on a slower wave, in the background. The gate lets the new version serve if it is better.
slow = [[MEAN + STD * math.sin(t / 9)] for t in range(1000)]
job = client.fine_tune("wave", series=[slow], seed=1,
                       hyperparameters={"n_epochs": 10, "learning_rate": 0.01})
state = job.wait()
print(f"fine-tuned: {state['status']}, {state['promotion']['state']}")
