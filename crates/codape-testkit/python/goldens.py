"""Makes the small models and answers that the repository holds.

    python goldens.py OUT

Run by hand; the answers stand until the models are changed. The models are
tiny, so that they can be committed.
"""

import json
import random
import sys
from importlib.metadata import version
from pathlib import Path

import fasttext

import reference
import texts

LINES = 120


def corpus(out, label_count, line_count):
    """Few words, so that the dictionary stays small."""
    rng = random.Random(99)
    words = texts.FRENCH[:24] + texts.OTHER_SCRIPTS["greek"][:3] + texts.OTHER_SCRIPTS["cjk"][:2]
    labels = texts.label_names(label_count)
    path = out / "train.txt"
    with path.open("w", encoding="utf-8") as file:
        for i in range(line_count):
            label = i if i < label_count else int(label_count * rng.random() ** 2)
            drawn = [words[(3 * label + rng.randrange(4)) % len(words)] for _ in range(4)]
            file.write(" ".join([labels[label], *drawn]) + "\n")
    return path


def main():
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    table = {
        "ova": {"loss": "ova", "dim": 6, "bucket": 60, "minn": 3, "maxn": 4, "wordNgrams": 2},
        "hs": {"loss": "hs", "dim": 5, "bucket": 40, "wordNgrams": 3},
        "softmax-quantized": {"loss": "softmax", "dim": 5, "bucket": 300, "minn": 2, "maxn": 3},
    }
    rng = random.Random(11)
    asked = texts.questions(texts.label_names(9), None)
    asked = [b"", b" ", b"</s>", b"__label__0101A x"] + rng.sample(
        [line for line in asked if len(line) < 90], LINES - 4
    )
    for name, options in table.items():
        source = corpus(out, 9, 400)
        model = fasttext.train_supervised(
            str(source), minCount=1, epoch=30, lr=0.5, thread=reference.THREADS, verbose=0, **options
        )
        path = out / f"{name}.bin"
        if name.endswith("quantized"):
            model.quantize(dsub=2, qnorm=True, cutoff=280, verbose=0, thread=1)
            path = out / f"{name}.ftz"
        model.save_model(str(path))
        model = fasttext.load_model(str(path))
        with (out / f"{path.name}.answers.jsonl").open("w") as file:
            for i, line in enumerate(asked):
                k, threshold = [(5, 0.0), (-1, 0.0), (3, 0.1)][i % 3]
                found = model.f.predict(line + b"\n", k, threshold, "strict")
                vector = reference.vector(model.f.getSentenceVector, options["dim"], line + b"\n")
                case = {
                    "line_hex": line.hex(),
                    "k": len(model.labels) if k < 0 else k,
                    "threshold": threshold,
                    "labels": [label for _, label in found],
                    "probs": [probability for probability, _ in found],
                    "vector": [float(x) for x in vector],
                }
                file.write(json.dumps(case) + "\n")
        source.unlink()
    print(f"fasttext {version('fasttext')}, Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
