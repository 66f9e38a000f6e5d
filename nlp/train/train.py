"""Fine-tunes the encoder on every task at once; writes encoder.pt and vocab.txt to --out.

A batch holds texts of all tasks with about the same length, and one forward
pass serves them all, as it will in service."""

import argparse
import json
import os
import pathlib
import random
import time

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from torch import nn
from torch.nn import functional as F

import data
import ours
import text
from model import Encoder, base_folder, give_emoji_a_start

SCALE = 20.0  # of the cosine to an intent's direction
BATCH = 96
WARM_STEPS = 200
WORD_LOSS = 0.06
SEP, MASK = 102, 103  # in BERT's vocabulary; [UNK], [CLS] and [SEP] are 100 to 102


class Objective(nn.Module):
    """The loss of each task. Intent classifiers are cosines to one direction an
    intent, so that the embedding itself, not a layer above it, keeps intents apart."""

    def __init__(self, size, class_sets, nlupp_labels, emotion_targets):
        super().__init__()
        self.directions = nn.ParameterDict({name: nn.Parameter(torch.zeros(n, size)) for name, n in class_sets.items()})
        self.modules_of = nn.Linear(size, nlupp_labels)
        # Rare emotions count for more; the square root keeps the rarest from shouting.
        rate = torch.tensor(emotion_targets, dtype=torch.float).mean(0)
        self.register_buffer("rare", (rate.median() / rate).sqrt().clamp(0.5, 3.0))

    def forward(self, task, targets, embedding, sentiment, emotions):
        """Per-text loss of rows that all belong to task."""
        if task in self.directions:
            cosines = SCALE * embedding @ F.normalize(self.directions[task], dim=-1).T
            targets = torch.tensor(targets)
            loss = F.cross_entropy(cosines, targets.clamp(min=0), reduction="none", label_smoothing=0.05)
            # Out of scope: no intent may stand out.
            return torch.where(targets < 0, -F.log_softmax(cosines, -1).mean(-1), loss)
        targets = torch.tensor(targets, dtype=torch.float)
        if task == "nlupp":
            return 0.5 * F.binary_cross_entropy_with_logits(self.modules_of(10.0 * embedding), targets,
                                                            reduction="none").sum(-1)
        if task == "emotion":
            loss = F.binary_cross_entropy_with_logits(emotions.float(), targets[:, :28], reduction="none",
                                                      pos_weight=self.rare).sum(-1) * 0.5
            return loss + 0.5 * F.cross_entropy(sentiment.float(), targets[:, 28:], reduction="none")
        return F.cross_entropy(sentiment.float(), targets, reduction="none")


def task_of(name):
    """All sentiment sets are one task."""
    return name.split("_")[0]


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


def encode_all(tok, texts):
    return [e.ids for e in tok.encode_batch([text.normalise(t) for t in texts])]


def aim(objective, encoder, sets):
    """Points each intent's direction at the mean of ten of its texts, so that the
    first steps do not bend a good embedding towards directions drawn by lot."""
    encoder.eval()
    for name, directions in objective.directions.items():
        texts, targets = sets[name][2], sets[name][0].targets
        for label in range(len(directions)):
            rows = [texts[i] for i, t in enumerate(targets) if t == label][:10]
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
                directions.data[label] = encoder(*pad(rows))[0].mean(0)


def pad(rows):
    width = max(map(len, rows))
    ids = torch.tensor([r + [0] * (width - len(r)) for r in rows])
    return ids, (ids != 0).long()


def batches(sets, rng):
    """One epoch: every text as often as its set says, near texts of one length."""
    pool = []
    for name, (s, times, _) in sets.items():
        rows = range(len(s.texts))
        pool += [(name, i) for i in [*rows] * int(times) + rng.sample(rows, int(times % 1 * len(rows)))]
    rng.shuffle(pool)
    length = lambda item: len(sets[item[0]][2][item[1]])
    chunks = []
    for at in range(0, len(pool), BATCH * 64):
        window = sorted(pool[at:at + BATCH * 64], key=length)
        chunks += [window[i:i + BATCH] for i in range(0, len(window), BATCH)]
    rng.shuffle(chunks)
    return chunks


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--data", default=os.environ.get("THROUGHLINE_DATA"))
    args.add_argument("--vader", required=True, help="hutto_ICWSM_2014.tar.gz from the vaderSentiment package")
    args.add_argument("--out", required=True, type=pathlib.Path)
    args.add_argument("--epochs", type=int, default=4)
    args.add_argument("--minutes", type=float, default=600, help="ends sooner, with the same schedule, on a slow machine")
    args.add_argument("--rate", type=float, default=2e-4)
    args.add_argument("--start", type=pathlib.Path, help="an encoder.pt to go on from, made with the same vocabulary")
    args.add_argument("--threads", type=int, default=2)
    args.add_argument("--without", nargs="*", default=[], help="sets to leave out, for the unseen-set figures")
    args = args.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(args.threads)
    rng = random.Random(1)
    args.out.mkdir(parents=True, exist_ok=True)

    sets = load(data.find_root(args.data), args.vader, args.without)
    base = (base_folder() / "vocab.txt").read_text().splitlines()
    vocab, names = text.with_emoji(base, (t for s, _ in sets.values() for t in s.texts))
    (args.out / "vocab.txt").write_text("\n".join(vocab) + "\n")
    tok = text.tokenizer(args.out / "vocab.txt")
    encoder = Encoder(base_folder(), len(data.EMOTIONS))
    give_emoji_a_start(encoder, names, tok)
    if args.start:
        encoder.load_state_dict(torch.load(args.start))
    classes = {n: len(s.labels) for n, (s, _) in sets.items() if n in ("clinc150", "banking77", "hwu64", "natcs")}
    emotion_targets = [t[:28] for t in sets["emotion"][0].targets] if "emotion" in sets else [[1.0] * 28]
    objective = Objective(384, classes, len(sets["nlupp"][0].labels) if "nlupp" in sets else 1, emotion_targets)
    sets = {n: (s, times, encode_all(tok, s.texts)) for n, (s, times) in sets.items()}
    for n, (s, times, _) in sets.items():
        print(f"{n}: {len(s.texts)} texts, {times} times an epoch")

    aim(objective, encoder, sets)
    heads = [p for m in (encoder.sentiment, encoder.emotions, objective) for p in m.parameters()]
    optimiser = torch.optim.AdamW([{"params": encoder.body.parameters(), "lr": args.rate},
                                   {"params": heads, "lr": 1e-3}], weight_decay=0.01, fused=True)
    for group in optimiser.param_groups:
        group["peak"] = group["lr"]
    total = args.epochs * len(batches(sets, random.Random(0)))
    encoder.train()
    step, queue, began, sums = 0, [], time.time(), {}
    while True:
        done = max(step / total, (time.time() - began) / 60 / args.minutes)
        if done >= 1.0:
            break
        for group in optimiser.param_groups:
            group["lr"] = group["peak"] * min(step / WARM_STEPS, 1.0 - done)
        queue = queue or batches(sets, rng)
        chunk = queue.pop()
        ids, mask = pad([sets[n][2][i] for n, i in chunk])
        # Some words go missing, as they do on a bad line: no intent may hang on one word.
        ids = torch.where((torch.rand(ids.shape) < WORD_LOSS) & (ids > SEP), MASK, ids)
        with torch.autocast("cpu", torch.bfloat16):
            embedding, sentiment, emotions = encoder(ids, mask)
        loss = 0.0
        for task in {task_of(n) for n, _ in chunk}:
            rows = [k for k, (n, _) in enumerate(chunk) if task_of(n) == task]
            targets = [sets[chunk[k][0]][0].targets[chunk[k][1]] for k in rows]
            part = objective(task, targets, embedding[rows], sentiment[rows], emotions[rows]).sum()
            sums.setdefault(task, []).append((part.item(), len(rows)))
            loss = loss + part / len(chunk)
        loss.backward()
        nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
        step += 1
        if step % 50 == 0:
            means = {t: round(sum(a for a, _ in v) / sum(b for _, b in v), 3) for t, v in sorted(sums.items())}
            print(f"step {step}/{total} {time.time() - began:.0f}s {json.dumps(means)}", flush=True)
            sums = {}
        if step % 200 == 0:
            torch.save(encoder.state_dict(), args.out / "encoder.pt")
    torch.save(encoder.state_dict(), args.out / "encoder.pt")


if __name__ == "__main__":
    main()
