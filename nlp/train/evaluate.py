"""Every figure of the model card, on development data the encoder never trained on.

Intent heads are plain logistic regressions on the embedding: weights W, biases b,
minimising the summed log loss + |W|²/(2C); biases are free. The Go heads fit the same."""

import argparse
import json
import os
import pathlib

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

import data
from calibrate import best_threshold, ekman_scores
from runtime import Runtime

C = 30.0
SEEDS = 5
GIVEN_UP = 0.003  # share of right in-scope answers that a threshold may cost


def interval(score, rows, draws=1000):
    """Mean and 95 % percentile bootstrap of score over rows of dev texts."""
    rng = np.random.default_rng(0)
    values = [score(rng.choice(rows, len(rows))) for _ in range(draws)]
    return score(rows), np.percentile(values, 2.5), np.percentile(values, 97.5)


def show(name, n, value, low, high, note=""):
    print(f"| {name} | {n} | {100 * value:.1f} | {100 * low:.1f}–{100 * high:.1f} | {note} |", flush=True)


def logits(x, y, z):
    # The first gradient is already small: a wider tolerance takes zero for the answer.
    return LogisticRegression(C=C, max_iter=200, tol=1e-6).fit(x, y).decision_function(z)


def ten(y, seed):
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.permutation(np.flatnonzero(y == c))[:10] for c in range(y.max() + 1)])


def accuracy(hits):
    return interval(lambda rows: hits[rows].mean(), np.arange(len(hits)), 1000)


def intents(name, x, y, z, truth):
    x, y = x[y >= 0], y[y >= 0]
    inside = truth >= 0
    show(f"{name}, all examples, accuracy", inside.sum(),
         *accuracy(logits(x, y, z[inside]).argmax(1) == truth[inside]))
    hits = np.mean([logits(x[i], y[i], z[inside]).argmax(1) == truth[inside]
                    for i in (ten(y, seed) for seed in range(SEEDS))], 0)
    show(f"{name}, ten examples an intent, accuracy", inside.sum(), *accuracy(hits), f"mean of {SEEDS} draws")


def out_of_scope(x, y, z, truth):
    """CLINC150 both ways: the 100 out-of-scope training texts as one more class, and
    a threshold chosen on one half of the development data and scored on the other."""
    labels = np.where(y < 0, y.max() + 1, y)
    score = logits(x, labels, z)
    classes, outside = score[:, :-1], score[:, -1]
    best, inside = classes.argmax(1), truth >= 0
    energy = np.logaddexp.reduce(classes, axis=1)
    centre = np.stack([x[y == c].mean(0) for c in range(y.max() + 1)])
    centre /= np.linalg.norm(centre, axis=1, keepdims=True)
    log_p = classes.max(1) - energy
    signals = {"probability": log_p, "largest logit": classes.max(1), "energy": energy,
               "cosine to the intent's centre": (z @ centre.T).max(1),
               "largest logit over the out-of-scope logit": classes.max(1) - outside}
    rng = np.random.default_rng(0)
    half = rng.random(len(truth)) < 0.5
    for name, signal in signals.items():
        right, recall = [], []
        for fit, score_on in ((half, ~half), (~half, half)):
            threshold = np.quantile(signal[fit & inside & (best == truth)], GIVEN_UP)
            kept = signal >= threshold
            right += list((kept & (best == truth))[score_on & inside])
            recall += list(~kept[score_on & ~inside])
        right, recall = np.array(right), np.array(recall)
        show(f"clinc150, threshold on the {name}: in-scope accuracy", len(right), *accuracy(right))
        show(f"clinc150, threshold on the {name}: out-of-scope recall", len(recall), *accuracy(recall))


def nlupp(runtime, root):
    """Heads on all folds but 0 and 15 scored on fold 0, and heads on fold 15 alone scored on fold 0."""
    for domain in ("banking", "hotels"):
        dev = data.nlupp(root, [0], [domain])
        z, truth = runtime.run(dev.texts)[0], np.array(dev.targets)
        for name, folds in (("folds 1–15", range(1, 16)), ("fold 15 alone", [15])):
            train = data.nlupp(root, folds, [domain])
            x, y = runtime.run(train.texts)[0], np.array(train.targets)
            said = np.zeros_like(truth)
            for k in range(y.shape[1]):
                if y[:, k].any():
                    said[:, k] = logits(x, y[:, k], z) > -0.4
            micro = lambda rows: f1_score(truth[rows], said[rows], average="micro", zero_division=0)
            show(f"NLU++ {domain}, heads on {name}, micro-F1", len(z), *interval(micro, np.arange(len(z)), 300))


def macro(truth, said):
    return lambda rows: f1_score(truth[rows], said[rows], average="macro", zero_division=0)


def feeling(runtime, root):
    dev, languages = data.umsab(root, "val")
    p, truth, languages = runtime.run(dev.texts)[1].argmax(1), np.array(dev.targets), np.array(languages)
    for language in sorted(set(languages)):
        rows = np.flatnonzero(languages == language)
        show(f"umsab {language}, macro-F1", len(rows), *interval(macro(truth, p), rows, 300))
    mean = lambda _: np.mean([macro(truth, p)(np.flatnonzero(languages == l)) for l in set(languages)])
    print(f"| umsab, mean of eight languages, macro-F1 | {len(p)} | {100 * mean(None):.1f} | | |")
    dev = data.goemotions(root, "dev")
    _, sentiment, emotions = runtime.run(dev.texts)
    truth = np.array(dev.targets)
    half = np.random.default_rng(0).random(len(truth)) < 0.5
    groups = np.stack([truth[:, m].max(1) for m in data.EKMAN.values()], 1)
    cross = lambda score, truth: np.where(half[:, None],
                                          score > [best_threshold(s, t) for s, t in zip(score[~half].T, truth[~half].T)],
                                          score > [best_threshold(s, t) for s, t in zip(score[half].T, truth[half].T)]).astype(int)
    said, said_groups, rows = cross(emotions, truth), cross(ekman_scores(emotions), groups), np.arange(len(truth))
    note = "thresholds from the other half"
    show("GoEmotions, 27 emotions, macro-F1", len(rows), *interval(macro(truth[:, :27], said[:, :27]), rows, 200), note)
    show("GoEmotions, with neutral, macro-F1", len(rows), *interval(macro(truth, said), rows, 200), note)
    show("GoEmotions, Ekman's six, macro-F1", len(rows), *interval(macro(groups[:, :6], said_groups[:, :6]), rows, 200), note)
    show("GoEmotions, Ekman's six and neutral, macro-F1", len(rows), *interval(macro(groups, said_groups), rows, 200), note)
    one_sided = [(i, int(np.argmax(s))) for i, s in enumerate(map(data.sentiment_of_emotions, dev.targets)) if s]
    rows, truth = np.array(one_sided).T
    show("GoEmotions, grouped to sentiment, macro-F1", len(rows),
         *interval(macro(truth, sentiment[rows].argmax(1)), np.arange(len(rows)), 300))


def airline(runtime, root):
    """Evaluation only: this set's licence bars it from training, and the encoder never saw it."""
    turns = [json.loads(line) for line in open(root / "us_airline_sentiment" / "tweets.dev.jsonl")]
    p = runtime.run([t["text"] for t in turns])[1].astype(np.float64)
    truth = np.array([data.SENTIMENTS.index(t["airline_sentiment"]) for t in turns])
    show("US airline tweets, never trained on, macro-F1", len(truth),
         *interval(macro(truth, p.argmax(1)), np.arange(len(truth)), 200))
    p = np.exp(p - np.logaddexp.reduce(p, axis=1, keepdims=True))
    sure, hit = p.max(1), p.argmax(1) == truth
    bins = np.minimum((sure * 15).astype(int), 14)
    gap = sum(abs(sure[bins == b].mean() - hit[bins == b].mean()) * (bins == b).mean() for b in set(bins))
    print(f"| US airline tweets, expected calibration error | {len(truth)} | {100 * gap:.1f} | | |")


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--data", default=os.environ.get("THROUGHLINE_DATA"))
    args.add_argument("--model", required=True, type=pathlib.Path, help="folder of encoder.int8.onnx and vocab.txt")
    args.add_argument("--only", nargs="*", help="banking77, hwu64, clinc150, nlupp, feeling, airline")
    args = args.parse_args()
    root = data.find_root(args.data)
    runtime = Runtime(args.model / "encoder.int8.onnx", args.model / "vocab.txt")
    wanted = lambda name: not args.only or name in args.only
    print("| figure | n | % | 95 % interval | |\n|---|---|---|---|---|")
    for name, read in (("banking77", data.banking77), ("hwu64", data.hwu64), ("clinc150", data.clinc150)):
        if not wanted(name):
            continue
        train, dev = read(root)
        x, z, y, truth = runtime.run(train.texts)[0], runtime.run(dev.texts)[0], np.array(train.targets), np.array(dev.targets)
        intents(name, x, y, z, truth)
        if name == "clinc150":
            out_of_scope(x, y, z, truth)
    for name, score in (("nlupp", nlupp), ("feeling", feeling), ("airline", airline)):
        if wanted(name):
            score(runtime, root)


if __name__ == "__main__":
    main()
