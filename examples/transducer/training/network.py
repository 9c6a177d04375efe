"""The transducer and its loss."""

import torch
from torch import nn
from torch.nn import functional

from number_words import BLANK, VOCABULARY
from speech import MELS

CHANNELS, UNITS, EMBEDDING, PREDICTOR, JOINER = (64, 128), 128, 32, 96, 64


class Halving(nn.Module):
    """A convolution of width 4 and stride 2 that looks back: frame t reads 2t - 2 to 2t + 1."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.linear = nn.Linear(4 * inputs, outputs)

    def forward(self, x):
        x = functional.pad(x[:, : x.shape[1] // 2 * 2], (0, 0, 2, 0))
        windows = x.unfold(1, 4, 2).transpose(2, 3).flatten(2)
        return functional.relu(self.linear(windows))


class Transducer(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = Halving(MELS, CHANNELS[0]), Halving(*CHANNELS)
        self.encoder = nn.GRU(CHANNELS[1], UNITS, num_layers=2, batch_first=True, dropout=0.1)
        self.from_encoder = nn.Linear(UNITS, JOINER)
        self.embedding = nn.Embedding(VOCABULARY, EMBEDDING)
        self.predictor = nn.GRU(EMBEDDING, PREDICTOR, batch_first=True)
        self.from_predictor = nn.Linear(PREDICTOR, JOINER, bias=False)
        self.output = nn.Linear(JOINER, VOCABULARY)
        # For an auxiliary loss; it stays behind.
        self.ctc = nn.Linear(UNITS, VOCABULARY)

    def encode(self, features):
        """u8 features `[batch, frames, MELS]` to `[batch, frames / 4, UNITS]`."""
        x = (features.float() - 128) / 32
        return self.encoder(self.second(self.first(x)))[0]

    def predict(self, targets):
        """The states before each of the targets `[batch, tokens]` and after the last. The start
        is the blank's embedding."""
        start = targets.new_full((len(targets), 1), BLANK)
        return self.predictor(self.embedding(torch.cat([start, targets], 1)))[0]

    def join(self, encoded, predicted):
        """Logits of every frame and prefix: `[batch, frames, tokens + 1, VOCABULARY]`."""
        joined = self.from_encoder(encoded)[:, :, None] + self.from_predictor(predicted)[:, None]
        return self.output(torch.tanh(joined))


def transducer_loss(logits, targets, frames, tokens):
    """-ln P(targets), a mean over the batch: the forward algorithm of Graves (2012)."""
    total = torch.logsumexp(logits, 3)
    blank = logits[..., BLANK] - total
    index = targets[:, None, :, None].expand(-1, logits.shape[1], -1, -1)
    emit = logits[:, :, :-1].gather(3, index).squeeze(3) - total[:, :, :-1]
    # Of row t, alpha[u] is the log-sum over v <= u of before[v] + emit[v] + ... + emit[u - 1].
    emitted = functional.pad(emit.cumsum(2), (1, 0))
    alpha = emitted[:, 0]
    rows = [alpha]
    for t in range(1, logits.shape[1]):
        before = alpha + blank[:, t - 1] - emitted[:, t]
        alpha = torch.logcumsumexp(before, 1) + emitted[:, t]
        rows.append(alpha)
    batch = torch.arange(len(frames))
    last = frames - 1
    return -(torch.stack(rows, 1) + blank)[batch, last, tokens].mean()


@torch.no_grad()
def greedy(model, encoded, max_symbols=10):
    """The tokens of one utterance `[frames, UNITS]`: the best of each row until the blank."""
    found = []
    state, hidden = model.predictor(model.embedding(torch.tensor([[BLANK]])))
    for frame in encoded:
        for _ in range(max_symbols):
            token = int(model.join(frame[None, None], state)[0, 0, 0].argmax())
            if token == BLANK:
                break
            found.append(token)
            state, hidden = model.predictor(model.embedding(torch.tensor([[token]])), hidden)
    return found
