"""throughline eval emotion --set goemotions --json | thresholds.py --model DIR

writes the probabilities from which emotions are reported into encoder.json. They are
those of the encoder and the floor together, which only the program knows."""

import argparse
import json
import pathlib
import sys


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--model", required=True, type=pathlib.Path, help="folder of encoder.json")
    file = args.parse_args().model / "encoder.json"
    found = json.loads(sys.stdin.read().splitlines()[-1])["thresholds"]
    settings = json.loads(file.read_text())
    for emotion in settings["emotions"]:
        emotion["reported_from"] = found[emotion["name"]]
    file.write_text(json.dumps(settings, indent=1) + "\n")


if __name__ == "__main__":
    main()
