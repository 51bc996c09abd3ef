"""Trains in PyTorch, saves, serves, streams, fine-tunes: train_and_serve.py [GRUD_URL]."""
import sys

import torch
from grud import Client
from safetensors.torch import save_file

# Train: the next value of a noisy wave, in units of its own scale.
torch.manual_seed(1)
t = torch.arange(1000)
z = (torch.sin(t / 4) + torch.randn(1000) / 5).reshape(1, -1, 1)
gru, head = torch.nn.GRU(1, 16, batch_first=True), torch.nn.Linear(16, 1)
model = torch.nn.ModuleDict({"gru": gru, "head": head})
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(50):
    loss = torch.nn.functional.mse_loss(head(gru(z[:, :-1])[0]), z[:, 1:])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

# Save: names and scaling are metadata, so that readings go in and forecasts come out in raw units.
names = '{"inputs": [{"name": "temp", "mean": 20, "std": 5}], "outputs": [{"name": "temp"}]}'
save_file(model.state_dict(), "wave.safetensors", metadata={"grud": names})

# Serve, and stream: the same numbers as PyTorch's own, one reading at a time.
client = Client(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080")
version = client.models.upload("wave", "wave.safetensors")["active_version"]
*_, reply = client.steps("wave", 20 + 5 * z[0, :500], session="sensor")
expected = 20 + 5 * head(gru(z[:, :500])[0])[0, -1, 0].item()
print(f"version {version} forecasts {reply['y'][0]:.4f}, PyTorch {expected:.4f}")

# Fine-tune: on a slower wave, in the background. The gate lets the new version serve if it is better.
job = client.fine_tune("wave", series=[20 + 5 * torch.sin(t / 9).reshape(-1, 1)])
state = job.wait()
print(f"fine-tuned: {state['status']}, {state['promotion']['state']}")
