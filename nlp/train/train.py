"""Fine-tunes the encoder on every task at once; writes encoder.pt and vocab.txt to --out.

A batch holds texts of all tasks with about the same length, and one forward
pass serves them all, as it will in service. Several trainings start from one
network and differ by their chance alone; the mean of their weights (model soup:
Wortsman et al., 2022) is better than each and costs nothing to run."""

import argparse
import copy
import os
import pathlib
import time
from dataclasses import dataclass

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import data
import ours
import text
from model import Encoder, base_folder, give_emoji_a_start

SCALE = 20.0  # of the cosine to an intent's direction
SMOOTHING = 0.05
BATCH = 96
WIDTH = 8  # texts are padded to a multiple of it
WARM_STEPS = 200
WORD_LOSS = 0.06
SEP, MASK = 102, 103  # in BERT's vocabulary; [UNK], [CLS] and [SEP] are 100 to 102
INTENTS = ("clinc150", "banking77", "hwu64", "natcs")


@dataclass
class Pool:
    """Every training text, a row each, with the targets of every task and what each counts."""
    ids: torch.Tensor  # rows × tokens, 0 behind the end
    length: np.ndarray  # tokens of each row
    times: np.ndarray  # how often an epoch draws each row
    foreign: torch.Tensor  # rows × intents, true where an intent is of another set
    intents: torch.Tensor  # rows × intents of all sets, probabilities
    modules: torch.Tensor  # rows × modules of NLU++
    emotions: torch.Tensor  # rows × emotions
    sentiment: torch.Tensor  # rows × sentiments, probabilities
    counts: torch.Tensor  # rows × 4: what the losses of intents, modules, emotions, sentiment count

    def to(self, device):
        return Pool(**{k: v.to(device) if torch.is_tensor(v) else v for k, v in vars(self).items()})


class Objective(nn.Module):
    """The loss of each task. Intent classifiers are cosines to one direction an
    intent, so that the embedding itself, not a layer above it, keeps intents apart."""

    def __init__(self, size, pool):
        super().__init__()
        self.directions = nn.Parameter(torch.zeros(pool.intents.shape[1], size))
        self.to_modules = nn.Linear(size, pool.modules.shape[1])
        # Rare emotions count for more; the square root keeps the rarest from shouting.
        rate = pool.emotions[pool.counts[:, 2] > 0].mean(0)
        self.register_buffer("rare", (rate.median() / rate).sqrt().clamp(0.5, 3.0))

    def forward(self, outputs, pool, rows):
        """Loss of each of these rows of the pool."""
        embedding, sentiment, emotions = outputs
        cosines = (SCALE * embedding @ F.normalize(self.directions, dim=-1).T).masked_fill(pool.foreign[rows], -1e4)
        each = F.binary_cross_entropy_with_logits
        losses = [-(pool.intents[rows] * F.log_softmax(cosines, -1)).sum(-1),
                  each(self.to_modules(10.0 * embedding), pool.modules[rows], reduction="none").sum(-1),
                  each(emotions.float(), pool.emotions[rows], reduction="none", pos_weight=self.rare).sum(-1),
                  -(pool.sentiment[rows] * F.log_softmax(sentiment.float(), -1)).sum(-1)]
        return (torch.stack(losses, -1) * pool.counts[rows]).sum(-1)


def one_hot(targets, n):
    return [[1.0 if i == t else 0.0 for i in range(n)] for t in targets]


def load(root, vader, without=()):
    """{task: (Set, times an epoch)}; without names the sets to leave out."""
    clinc, clinc_dev = data.clinc150(root)
    bank, bank_dev = data.banking77(root)
    hwu, hwu_dev = data.hwu64(root)
    written = ours.written_turns()
    held, turns = written[::ours.HELD], [t for i, t in enumerate(written) if i % ours.HELD]
    # Whom a turn is addressed to says nothing of how it feels: each is read with and without.
    turns += [(t[6:] if t.startswith("@user ") else "@user " + t, c) for t, c in turns]
    own, patterns = (data.Set([t for t, _ in rows], one_hot([c for _, c in rows], 3), data.SENTIMENTS)
                     for rows in (turns, ours.sentiment_turns()))
    devs = [clinc_dev, bank_dev, hwu_dev, data.nlupp(root, data.NLUPP_DEV),
            data.goemotions(root, "dev"), data.umsab(root, "val")[0], data.Set([t for t, _ in held])]
    emotion = data.goemotions(root, "train")
    # A comment that feels both ways teaches emotions only: its sentiment row is all zero.
    emotion.targets = [t + (data.sentiment_of_emotions(t) or [0.0, 0.0, 0.0]) for t in emotion.targets]
    english, _ = data.umsab(root, "train", ["english"])
    others, _ = data.umsab(root, "train", ["french", "german", "hindi", "italian", "portuguese", "spanish", "arabic"])
    english.targets, others.targets = one_hot(english.targets, 3), one_hot(others.targets, 3)
    nlupp_train = data.nlupp(root, [f for f in range(16) if f not in data.NLUPP_DEV])
    out = {"clinc150": (clinc, 3), "banking77": (bank, 3), "hwu64": (hwu, 2), "natcs": (data.natcs(root), 1),
           "nlupp": (nlupp_train, 3), "emotion": (emotion, 0.3), "sentiment_umsab": (english, 3),
           "sentiment_umsab_others": (others, 0.5), "sentiment_patterns": (patterns, 1), "sentiment_turns": (own, 2)}
    failures = data.Set(bank.texts, ours.of_failures(bank.labels[t] for t in bank.targets), data.SENTIMENTS)
    out["sentiment_failures"] = (failures, 0.3)
    parts = data.vader(vader)
    out |= {"sentiment_vader_" + part: (parts[part], times)
            for part, times in (("tweets", 1), ("amazonReviewSnippets", 1), ("movieReviewSnippets", 0.3))}
    return {name: (data.without(s, *devs), times) for name, (s, times) in out.items() if name not in without}


def read(sets, tok):
    """The Pool of {name: (Set, times an epoch)}."""
    texts = [t for s, _ in sets.values() for t in s.texts]
    encoded = [e.ids for e in tok.encode_batch([text.normalise(t) for t in texts])]
    length, n = np.array([len(e) for e in encoded]), len(texts)
    ids = np.zeros((n, -length.max() // WIDTH * -WIDTH), np.int64)
    for row, e in zip(ids, encoded):
        row[:len(e)] = e
    widths = {name: len(sets[name][0].labels) for name in INTENTS if name in sets}
    first = dict(zip(widths, np.cumsum([0, *widths.values()])))
    modules = len(sets["nlupp"][0].labels) if "nlupp" in sets else 1
    pool = Pool(torch.tensor(ids), length, np.zeros(n), torch.ones(n, sum(widths.values()), dtype=torch.bool),
                torch.zeros(n, sum(widths.values())), torch.zeros(n, modules), torch.zeros(n, len(data.EMOTIONS)),
                torch.zeros(n, len(data.SENTIMENTS)), torch.zeros(n, 4))
    end = 0
    for name, (s, times) in sets.items():
        rows = slice(end, end := end + len(s.texts))
        pool.times[rows] = times
        if name in widths:
            own = slice(first[name], first[name] + widths[name])
            inside = [i for i, t in enumerate(s.targets) if t >= 0], [first[name] + t for t in s.targets if t >= 0]
            pool.foreign[rows, own] = False
            pool.intents[rows][inside] = 1.0
            # Out of scope: no intent may stand out.
            hard = pool.intents[rows].sum(-1, keepdim=True) * (1.0 - SMOOTHING)
            pool.intents[rows] *= 1.0 - SMOOTHING
            pool.intents[rows, own] += (1.0 - hard) / widths[name]
            pool.counts[rows] = torch.tensor([1.0, 0, 0, 0])
        elif name == "nlupp":
            pool.modules[rows] = torch.tensor(s.targets, dtype=torch.float)
            pool.counts[rows] = torch.tensor([0, 0.5, 0, 0])
        elif name == "emotion":
            targets = torch.tensor(s.targets, dtype=torch.float)
            pool.emotions[rows], pool.sentiment[rows] = targets[:, :len(data.EMOTIONS)], targets[:, len(data.EMOTIONS):]
            pool.counts[rows] = torch.tensor([0, 0, 0.5, 0.5])
        else:
            pool.sentiment[rows] = torch.tensor(s.targets, dtype=torch.float)
            pool.counts[rows] = torch.tensor([0, 0, 0, 1.0])
        print(f"{name}: {len(s.texts)} texts, {times} times an epoch")
    return pool


def epoch(pool, chance):
    """Batches × BATCH rows: every text as often as its set says, near texts of one length."""
    whole, part = np.divmod(pool.times, 1)
    rows = np.repeat(np.arange(len(whole)), (whole + (chance.random(len(whole)) < part)).astype(int))
    chance.shuffle(rows)
    rows = rows[:len(rows) // BATCH * BATCH]
    windows = (rows[at:at + BATCH * 64] for at in range(0, len(rows), BATCH * 64))
    batches = np.concatenate([w[np.argsort(pool.length[w], kind="stable")].reshape(-1, BATCH) for w in windows])
    chance.shuffle(batches)
    return batches


def width(pool, rows):
    return int(-pool.length[rows].max() // WIDTH * -WIDTH)


def forward(encoder, ids):
    # No cache: a recorded step would keep the first step's weights.
    with torch.autocast(ids.device.type, torch.bfloat16, cache_enabled=False):
        return encoder(ids, (ids != 0).long())


def aim(objective, encoder, pool):
    """Points each intent's direction at the mean of ten of its texts, so that the
    first steps do not bend a good embedding towards directions drawn by lot."""
    encoder.eval()
    for label, probability in enumerate(pool.intents.T):
        rows = torch.nonzero(probability > 0.5)[:10, 0].cpu()
        with torch.no_grad():
            objective.directions.data[label] = forward(encoder, pool.ids[rows, :width(pool, rows)])[0].mean(0)


class Step:
    """One step of the optimiser. On a GPU the step is recorded for each width of a
    batch and played back: launching its kernels takes ten times as long as running them."""

    def __init__(self, encoder, objective, pool, rate):
        self.encoder, self.objective, self.pool = encoder, objective, pool
        self.gpu = pool.ids.is_cuda
        heads = [p for n, p in encoder.named_parameters() if not n.startswith("body.")] + [*objective.parameters()]
        self.rates = {peak: torch.tensor(0.0, device=pool.ids.device) for peak in (rate, 1e-3)}
        groups = [{"params": p, "lr": self.rates[peak]} for p, peak in ((encoder.body.parameters(), rate), (heads, 1e-3))]
        self.optimiser = torch.optim.AdamW(groups, weight_decay=0.01, fused=True, capturable=self.gpu)
        self.rows = torch.zeros(BATCH, dtype=torch.long, device=pool.ids.device)
        self.recorded, self.memory = {}, None
        for p in [*encoder.parameters(), *objective.parameters()]:
            p.grad = torch.zeros_like(p)

    def __call__(self, rows, share_of_peak):
        for peak, rate in self.rates.items():
            rate.fill_(peak * share_of_peak)
        self.rows.copy_(torch.from_numpy(rows))
        wide = width(self.pool, rows)
        if not self.gpu:
            return self.run(wide)
        if wide not in self.recorded:
            self.recorded[wide] = self.record(wide)
        graph, loss = self.recorded[wide]
        graph.replay()
        return loss

    def run(self, wide):
        self.optimiser.zero_grad(set_to_none=False)
        ids = self.pool.ids[self.rows, :wide]
        # Some words go missing, as they do on a bad line: no intent may hang on one word.
        lost = (torch.rand(ids.shape, device=ids.device) < WORD_LOSS) & (ids > SEP)
        loss = self.objective(forward(self.encoder, torch.where(lost, MASK, ids)), self.pool, self.rows).mean()
        loss.backward()
        nn.utils.clip_grad_norm_(self.encoder.parameters(), 1.0)
        self.optimiser.step()
        return loss.detach()

    def record(self, wide):
        beside = torch.cuda.Stream()
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):  # the first runs choose kernels and make the optimiser's state
            for _ in range(2):
                self.run(wide)
        torch.cuda.current_stream().wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self.memory):
            loss = self.run(wide)
        self.memory = graph.pool()
        return graph, loss


def fit(encoder, objective, pool, epochs, rate, seed):
    """Trains in place, the rate rising for WARM_STEPS and falling to nothing."""
    torch.manual_seed(seed)
    chance, began = np.random.default_rng(seed), time.time()
    encoder.train()
    step = Step(encoder, objective, pool, rate)
    total, left, lately = int(epochs * len(epoch(pool, np.random.default_rng(0)))), [], []
    for done in range(total):
        left = left or [*epoch(pool, chance)]
        loss = step(left.pop(), min((done + 1) / WARM_STEPS, 1.0 - done / total))
        if done % 10 == 0:
            lately.append(float(loss))
        if done % 200 == 199:
            print(f"step {done + 1}/{total} {time.time() - began:.0f}s loss {np.mean(lately):.3f}", flush=True)
            lately = []
    encoder.eval()


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--data", default=os.environ.get("THROUGHLINE_DATA"))
    args.add_argument("--vader", required=True, help="hutto_ICWSM_2014.tar.gz from the vaderSentiment package")
    args.add_argument("--out", required=True, type=pathlib.Path)
    args.add_argument("--epochs", type=float, default=4, help="less than one is a rehearsal")
    args.add_argument("--rate", type=float, default=6e-5)
    args.add_argument("--trainings", type=int, default=4)
    args.add_argument("--threads", type=int, default=2)
    args.add_argument("--without", nargs="*", default=[], help="sets to leave out, for the unseen-set figures")
    args = args.parse_args()
    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    device = "cuda" if torch.cuda.is_available() else "cpu"

    sets = load(data.find_root(args.data), args.vader, args.without)
    base = (base_folder() / "vocab.txt").read_text().splitlines()
    vocab, names = text.with_emoji(base, (t for s, _ in sets.values() for t in s.texts))
    (args.out / "vocab.txt").write_text("\n".join(vocab) + "\n")
    tok = text.tokenizer(args.out / "vocab.txt")
    torch.manual_seed(1)
    encoder = Encoder(base_folder(), len(data.EMOTIONS))
    give_emoji_a_start(encoder, names, tok)
    pool = read(sets, tok).to(device)
    encoder, objective = encoder.to(device), Objective(384, pool).to(device)
    aim(objective, encoder, pool)

    mean = {name: torch.zeros_like(weights) for name, weights in encoder.state_dict().items()}
    for seed in range(1, args.trainings + 1):
        print(f"training {seed} of {args.trainings}")
        own = copy.deepcopy(encoder)
        fit(own, copy.deepcopy(objective), pool, args.epochs, args.rate, seed)
        for name, weights in own.state_dict().items():
            mean[name] += weights / args.trainings
        torch.save(own.state_dict(), args.out / f"encoder.{seed}.pt")
    torch.save(mean, args.out / "encoder.pt")


if __name__ == "__main__":
    main()
