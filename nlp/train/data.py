"""The training sets and their development splits.

Only sets whose licence allows a shipped model are read here. A row held for
development never reaches training, nor does any training row with its text.
"""

import csv
import json
import pathlib
import tarfile
from dataclasses import dataclass, field

EMOTIONS = ("admiration amusement anger annoyance approval caring confusion curiosity desire "
            "disappointment disapproval disgust embarrassment excitement fear gratitude grief joy love "
            "nervousness optimism pride realization relief remorse sadness surprise neutral").split()
EKMAN = {
    "anger": "anger annoyance disapproval", "disgust": "disgust", "fear": "fear nervousness",
    "joy": "joy amusement approval excitement gratitude love optimism relief pride admiration desire caring",
    "sadness": "sadness disappointment embarrassment grief remorse",
    "surprise": "surprise realization confusion curiosity", "neutral": "neutral",
}
EKMAN = {group: [EMOTIONS.index(e) for e in members.split()] for group, members in EKMAN.items()}
SENTIMENTS = ["negative", "neutral", "positive"]
_NEGATIVE = set("anger annoyance disappointment disapproval disgust embarrassment fear grief "
                "nervousness remorse sadness".split())
_AMBIGUOUS = set("confusion curiosity realization surprise neutral".split())

# The first and the last fold of our side are never trained on.
NLUPP_DEV = (0, 15)
BANKING_EVERY = 10  # the tenth row of each intent is development


@dataclass
class Set:
    """texts with one target each; labels names the target's columns or classes."""
    texts: list = field(default_factory=list)
    targets: list = field(default_factory=list)
    labels: list = field(default_factory=list)


def _classes(pairs, labels=None):
    labels = labels or sorted({label for _, label in pairs})
    index = {label: i for i, label in enumerate(labels)}
    return Set([t for t, _ in pairs], [index[label] for _, label in pairs], labels)


def clinc150(root):
    """Targets -1 are out of scope."""
    raw = json.load(open(root / "clinc150" / "data_full.dev.json"))
    labels = sorted({label for _, label in raw["train"]})
    index = {label: i for i, label in enumerate(labels)} | {"oos": -1}
    make = lambda *keys: Set([t for k in keys for t, _ in raw[k]],
                             [index[label] for k in keys for _, label in raw[k]], labels)
    return make("train", "oos_train"), make("val", "oos_val")


def banking77(root):
    rows = [(r["text"], r["category"]) for r in csv.DictReader(open(root / "banking77" / "train.csv"))]
    seen, train, dev = {}, [], []
    for text, label in rows:
        seen[label] = seen.get(label, 0) + 1
        (dev if seen[label] % BANKING_EVERY == 0 else train).append((text, label))
    labels = sorted(seen)
    return _classes(train, labels), _classes(dev, labels)


def hwu64(root):
    def read(split):
        folder = root / "hwu64" / split
        return list(zip((folder / "seq.in").read_text().splitlines(), (folder / "label").read_text().splitlines()))
    train = _classes(read("train"))
    return train, _classes(read("valid"), train.labels)


def hwu64_ten(root, labels):
    folder = root / "hwu64" / "train_10"
    return _classes(list(zip((folder / "seq.in").read_text().splitlines(),
                             (folder / "label").read_text().splitlines())), labels)


def nlupp(root, folds, domains=("banking", "hotels")):
    labels = list(json.load(open(root / "nlupp" / "ontology.json"))["intents"])
    index, out = {label: i for i, label in enumerate(labels)}, Set(labels=labels)
    for domain in domains:
        for fold in folds:
            for row in json.load(open(root / "nlupp" / domain / f"fold{fold}.json")):
                target = [0] * len(labels)
                for intent in row.get("intents", []):
                    target[index[intent]] = 1
                out.texts.append(row["text"])
                out.targets.append(target)
    return out


def natcs(root):
    rows = [json.loads(line) for line in open(root / "dstc11_natcs" / "insurance_development.jsonl")]
    return _classes([(r["utterance"], r["intent"]) for r in rows if r["intent"]])


def goemotions(root, split):
    out = Set(labels=EMOTIONS)
    for line in open(root / "goemotions" / f"{split}.tsv"):
        text, ids, _ = line.rstrip("\n").split("\t")
        target = [0] * len(EMOTIONS)
        for i in ids.split(","):
            target[int(i)] = 1
        out.texts.append(text)
        out.targets.append(target)
    return out


def sentiment_of_emotions(target):
    """The authors' grouping of emotions; None where a comment feels both ways."""
    names = {EMOTIONS[i] for i, on in enumerate(target) if on}
    negative, positive = bool(names & _NEGATIVE), bool(names - _NEGATIVE - _AMBIGUOUS)
    if negative and positive:
        return None
    return [1.0, 0.0, 0.0] if negative else [0.0, 0.0, 1.0] if positive else [0.0, 1.0, 0.0]


def umsab(root, split, languages=None):
    """Targets are class indices; labels[i] goes with SENTIMENTS. Also returns the languages."""
    rows = [json.loads(line) for line in open(root / "umsab" / f"{split}.jsonl")]
    rows = [r for r in rows if not languages or r["lang"] in languages]
    return _classes([(r["text"], r["label"]) for r in rows], SENTIMENTS), [r["lang"] for r in rows]


def vader(archive):
    """Sentences with a mean valence in [-4, 4] of twenty raters, as soft classes.

    hutto_ICWSM_2014.tar.gz of the vaderSentiment package (MIT): tweets, product
    and film reviews. Its newspaper part is left out: nobody speaks to us like that."""
    out = {}
    with tarfile.open(archive) as tar:
        for part in ("tweets", "amazonReviewSnippets", "movieReviewSnippets"):
            raw = tar.extractfile(f"hutto_ICWSM_2014/{part}_GroundTruth.txt").read().decode("utf-8", "replace")
            texts, targets = [], []
            for line in raw.splitlines():
                _, valence, text = line.split("\t", 2)
                strength = min(max((abs(float(valence)) - 0.2) / 1.0, 0.0), 1.0)
                side = 0 if float(valence) < 0 else 2
                target = [0.0, 1.0 - strength, 0.0]
                target[side] += strength
                texts.append(text.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))
                targets.append(target)
            out[part] = Set(texts, targets, SENTIMENTS)
    return out


def without(train, *devs):
    """Drops training rows whose text is also a development row."""
    held = {t.lower().strip() for dev in devs for t in dev.texts}
    keep = [i for i, t in enumerate(train.texts) if t.lower().strip() not in held]
    return Set([train.texts[i] for i in keep], [train.targets[i] for i in keep], train.labels)


def find_root(given=None):
    root = pathlib.Path(given) if given else pathlib.Path(__file__).resolve().parents[2].parent / "shared" / "data"
    if not (root / "README.md").exists():
        raise SystemExit(f"data folder {root} not found: pass --data or set THROUGHLINE_DATA")
    return root
