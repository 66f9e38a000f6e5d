"""encoder.pt to encoder.int8.onnx: calibrates on development data, folds the
temperature in, quantises, and writes encoder.json and golden.json beside it."""

import argparse
import hashlib
import json
import os
import pathlib
import shutil

import numpy as np
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

import data
import ours
from calibrate import best_threshold, ekman_scores, temperature
from model import Served, base_folder
from runtime import Runtime

# People who write to a company's service complain more often than the sets do, which are
# drawn with a third of each sentiment: the logit of negative is raised.
SERVICE_PRIOR = 0.25

# Sentences of our own that meet every rule of normalisation; Go must repeat them to the id.
GOLDEN = ["", " ", "I have been waiting for two weeks and nobody called me back.", "ok", "no, that's fine",
          "@acme_help where is my parcel?? see https://example.com/track?id=7 or www.example.com now",
          "mail jo@example.com @you(@me)", "It is SOOOOO slow!!!!! 1000000 times", "Noooo heeeelp", "thanks 😀😀great❤️ job👍🏽",
          "Café naïve ÅNGSTRÖM ﬁne", "我要退款", "ist das wirklich so schlimm?", "لا يعمل", "नमस्ते",
          "tab\tnew\nline\u0000nul\u200bzero\u00a0nbsp", "don't—can't… “quoted” £5 €6 $7.50 ©™",
          "🤷", "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenundnochvielmehrwörterdiekeinerkenntundnochmehr",
          "word " * 200]


def to_onnx(encoder, path):
    ids = torch.arange(10)[None] % 5
    torch.onnx.export(encoder, (ids, ids, torch.eye(2).repeat_interleave(5, 1)), str(path), dynamo=False, opset_version=17,
                      input_names=["input_ids", "positions", "blocks"], output_names=["embedding", "sentiment", "emotions"],
                      dynamic_axes={"input_ids": {1: "length"}, "positions": {1: "length"},
                                    "blocks": {0: "block", 1: "length"}, "embedding": {0: "block"}})


def surety(runtime, root):
    """The temperature that tweets and service turns of development ask for, half and half."""
    tweets, _ = data.umsab(root, "val", ["english"])
    turns = ours.written_turns()[::ours.HELD]
    times = max(len(turns) // len(tweets.texts), 1)
    logits = [runtime.run([t for t, _ in turns])[1]] + [runtime.run(tweets.texts)[1]] * times
    return temperature(np.concatenate(logits), np.array([y for _, y in turns] + tweets.targets * times))


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--data", default=os.environ.get("THROUGHLINE_DATA"))
    args.add_argument("--trained", required=True, type=pathlib.Path)
    args.add_argument("--out", required=True, type=pathlib.Path)
    args = args.parse_args()
    root = data.find_root(args.data)
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    encoder = Served(base_folder(), len(data.EMOTIONS))
    encoder.load_state_dict(torch.load(args.trained / "encoder.pt"))
    encoder.eval()
    shutil.copy(args.trained / "vocab.txt", args.out / "vocab.txt")
    plain, small = args.trained / "encoder.onnx", args.out / "encoder.int8.onnx"

    to_onnx(encoder, plain)
    heat = surety(Runtime(plain, args.out / "vocab.txt"), root)
    with torch.no_grad():
        encoder.sentiment.out.weight /= heat
        encoder.sentiment.out.bias /= heat
        encoder.sentiment.out.bias[data.SENTIMENTS.index("negative")] += SERVICE_PRIOR
    to_onnx(encoder, plain)
    # Seven-bit weights: with eight, processors without VNNI saturate in the int8 dot
    # product. The figures do not change by more than their noise.
    quantize_dynamic(plain, small, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True,
                     op_types_to_quantize=["MatMul", "Gather", "Gemm"], nodes_to_exclude=["/body/positions/Gather"])

    runtime = Runtime(small, args.out / "vocab.txt")
    dev = data.goemotions(root, "dev")
    scores, truth = runtime.run(dev.texts)[2], np.array(dev.targets)
    groups = np.stack([truth[:, m].max(1) for m in data.EKMAN.values()], 1)
    digest = hashlib.sha256(small.read_bytes()).hexdigest()
    settings = {
        "version": digest[:12], "sha256": digest, "max_tokens": 128, "embedding": 384,
        "sentiment": data.SENTIMENTS, "sentiment_temperature_folded_in": round(heat, 3),
        "emotions": [{"name": n, "threshold": round(best_threshold(scores[:, i], truth[:, i]), 4),
                      "reported_from": 0.3}  # until thresholds.py knows better
                     for i, n in enumerate(data.EMOTIONS)],
        "ekman": [{"name": n, "members": [data.EMOTIONS[m] for m in members],
                   "threshold": round(best_threshold(ekman_scores(scores)[:, g], groups[:, g]), 4)}
                  for g, (n, members) in enumerate(data.EKMAN.items())]}
    (args.out / "encoder.json").write_text(json.dumps(settings, indent=1) + "\n")
    golden = []
    for t in GOLDEN:
        embedding, sentiment, emotions = runtime.run([t])
        golden.append({"text": t, "ids": runtime.ids(t), "embedding_head": [round(float(v), 4) for v in embedding[0][:4]],
                       "sentiment": [round(float(v), 3) for v in sentiment[0]]})
    (args.out / "golden.json").write_text(json.dumps(golden, ensure_ascii=True, indent=1) + "\n")
    print(f"{small}: {small.stat().st_size / 1e6:.1f} MB, temperature {heat:.2f}")


if __name__ == "__main__":
    main()
