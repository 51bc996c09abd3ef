"""PyTorch modules as people write them, for --model."""

import torch
from torch import nn
from torch.nn import functional as F


class Plain(nn.Module):
    def __init__(self, hidden=6, layers=2, kind="GRU", batch_first=True, bidirectional=False):
        super().__init__()
        self.rnn = getattr(nn, kind)(
            3, hidden, layers, batch_first=batch_first, bidirectional=bidirectional
        )
        self.fc = nn.Linear(hidden * (1 + bidirectional), 2)

    def forward(self, x):
        return self.fc(self.rnn(x)[0])


class LastOnly(Plain):
    def forward(self, x):
        return self.fc(self.rnn(x)[1][-1])


class ReluBetween(Plain):
    def forward(self, x):
        return self.fc(torch.relu(self.rnn(x)[0]))


class Loop(nn.Module):
    """Cells, step by step, with a first state that was learned."""

    def __init__(self):
        super().__init__()
        self.h0 = nn.Parameter(torch.randn(1, 6))
        self.cell = nn.GRUCell(3, 6)
        self.above = nn.LSTMCell(6, 5)
        self.head = nn.Sequential(nn.Linear(5, 4), nn.SiLU(), nn.Dropout(0.2), nn.Linear(4, 2))

    def forward(self, x):
        h, state, rows = self.h0.expand(len(x), -1), None, []
        for row in x.unbind(1):
            h = self.cell(row, h)
            state = self.above(F.dropout(h, 0.1, self.training), state)
            rows.append(self.head(state[0]))
        return torch.stack(rows, dim=1)


class Everything(nn.Module):
    def __init__(self, width=6):
        super().__init__()
        self.register_buffer("x_mean", torch.tensor([20.0, 0.5, 1000.0]))
        self.register_buffer("x_std", torch.tensor([5.0, 0.2, 30.0]))
        self.project = nn.utils.weight_norm(nn.Linear(3, width))
        self.gru = nn.GRU(width, width, batch_first=True)
        self.h0 = nn.Parameter(torch.randn(1, 1, width))
        self.norm = nn.LayerNorm(width)
        self.batch = nn.BatchNorm1d(width)
        with torch.no_grad():
            self.batch.running_mean.normal_()
            self.batch.running_var.uniform_(0.5, 2)
        self.lstm = nn.LSTM(width, width, 2, batch_first=True)
        self.mean, self.spread = nn.Linear(width, 2), nn.Linear(width, 1)

    def forward(self, x):
        y = F.gelu(self.project((x - self.x_mean) / self.x_std))
        y, _ = self.gru(y, self.h0.expand(-1, len(x), -1).contiguous())
        y = self.batch(self.norm(y).transpose(1, 2)).transpose(1, 2)
        y = y * torch.sigmoid(y)
        y = self.lstm(y)[0]
        return torch.cat([self.mean(y), F.softplus(self.spread(y))], dim=-1)


class TwoResults(Plain):
    def __init__(self):
        super().__init__()
        self.spread = nn.Linear(6, 2)

    def forward(self, x):
        y, state = self.rnn(x)
        return {"mean": self.fc(y), "spread": F.softplus(self.spread(y)), "state": state}


class Stateful(Plain):
    """Takes its state, and gives it back."""

    def forward(self, x, state):
        y, state = self.rnn(x, state)
        return self.fc(y), state


class Parted(Plain):
    """One linear layer for a mean and a spread."""

    def forward(self, x):
        mean, spread = super().forward(x).chunk(2, dim=-1)
        return torch.cat([mean, F.softplus(spread)], dim=-1)


class OneRow(nn.Module):
    """Takes one row and its state."""

    def __init__(self):
        super().__init__()
        self.cell, self.fc = nn.GRUCell(3, 5), nn.Linear(5, 2)

    def forward(self, x, state=None):
        state = self.cell(x, state)
        return self.fc(state), state


class InPlace(Plain):
    def forward(self, x):
        y = F.relu(self.rnn(x)[0], inplace=True)
        y += 1.0
        y.mul_(2.0)
        out = torch.zeros(len(x), x.shape[1], 2)
        for k in range(x.shape[1]):
            out[:, k] = -self.fc(y[:, k])
        return out


class Clamped(Plain):
    def forward(self, x):
        return super().forward(x).clamp(0, 9)


class Chosen(Plain):
    def forward(self, x):
        y = self.rnn(x)[0]
        return self.fc(torch.where(y > -5, y, y * y))


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(10, 4)
        self.rnn, self.fc = nn.GRU(4, 5, batch_first=True), nn.Linear(5, 1)

    def forward(self, x):
        return self.fc(self.rnn(self.words(x[..., 0].long()))[0])


class Scaled(Plain):
    """Raw units on both sides."""

    def forward(self, x):
        return super().forward((x - 20) / 5) * torch.tensor([5.0, 2.0]) + torch.tensor([20.0, 1.0])


class Skip(Plain):
    def __init__(self):
        super().__init__(hidden=3)

    def forward(self, x):
        return self.fc(self.rnn(x)[0] + x)


class Embedded(Plain):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(3, 3, 1)

    def forward(self, x):
        return super().forward(self.conv(x.transpose(1, 2)).transpose(1, 2))


class Attention(Plain):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)

    def forward(self, x):
        y = self.rnn(x)[0]
        return self.fc(self.attention(y, y, y)[0])


class Projected(Plain):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(3, 6, batch_first=True, proj_size=4)
        self.fc = nn.Linear(4, 2)


class Elman(Plain):
    def __init__(self):
        super().__init__(kind="RNN")


class Slope(Plain):
    def forward(self, x):
        return self.fc(F.leaky_relu(self.rnn(x)[0], 0.2))


class TanhGelu(Plain):
    def forward(self, x):
        return self.fc(F.gelu(self.rnn(x)[0], approximate="tanh"))


class Decoder(Plain):
    """Reads its own forecasts."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 3)

    def forward(self, x):
        y = self.fc(self.rnn(x)[0])
        return self.fc(self.rnn(y)[0])


class Shifted(Plain):
    """Plumbing that is more than that: the rows are turned round in time by an index."""

    def forward(self, x):
        return self.fc(self.rnn(x[:, list(range(x.shape[1]))[::-1]])[0])


def make(kind, *sizes):
    """A function that makes a module will do for --model."""
    return {"plain": Plain}[kind](*sizes)
