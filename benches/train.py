"""Trains a model of the production shape with the official fastText:

    python train.py SHARED OUT

on the descriptions of `SHARED/data/uk-sic/train.csv`, and takes some of them
as the texts to ask about: those of five to fifteen words.
"""

import csv
import os
import random
import sys
from pathlib import Path

import fasttext

TEXTS = 4000
SHAPE = {"loss": "ova", "dim": 180, "bucket": 2_000_000, "wordNgrams": 3, "minn": 3, "maxn": 4}
# As in production: what a model has learnt decides how near its labels stand.
# Fewer threads would leave a part of the matrix as the memory was (fastText
# 0.9.3 fills a tenth for each).
TRAINING = {"epoch": 50, "lr": 0.2, "minCount": 1, "thread": 12, "verbose": 0}


def main():
    shared, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    with (shared / "data/uk-sic/train.csv").open(newline="", encoding="utf-8") as file:
        rows = [(row["code"], " ".join(row["description"].lower().split())) for row in csv.DictReader(file)]
    train = out / "train.txt"
    train.write_text("".join(f"__label__{code} {text}\n" for code, text in rows), encoding="utf-8")
    asked = sorted({text for _, text in rows if 5 <= len(text.split()) <= 15})
    random.Random(1).shuffle(asked)
    (out / "texts.txt").write_text("".join(f"{text}\n" for text in asked[:TEXTS]), encoding="utf-8")
    part = out / "model.part"
    fasttext.train_supervised(str(train), **SHAPE, **TRAINING).save_model(str(part))
    os.rename(part, out / "model.bin")


if __name__ == "__main__":
    main()
