"""Trains the model of this package on the titles of the nomenclature.

    python train.py --codape ../../target/release/codape [--evaluate FILE.csv ...]

Needs the fasttext package of PyPI (0.9.3). Texts are cleaned by codape itself
with the cleaning profile beside this file, so that the model sees in training
what it will see in use. One thread and a fixed seed: two runs gave the same file.

A file to evaluate on is CSV with the columns `code` and `description`, whose
codes are subclasses (`5610C`); what it gives is written to metrics.json.
"""

import argparse
import csv
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import fasttext

HERE = Path(__file__).resolve().parent
TABLE = HERE.parent.parent / "nomenclature" / "naf-rev2.csv"
PREFIX = "__label__"
# The title of a class or a group is an example for the subclasses under it, if
# they are few enough for it to say something of each.
MOST_LEAVES = 30
# A title's parts, such as the trades that it lists, are examples too.
PARTS = re.compile(r"[,;:()]| et | ou ")
SHORTEST_PART = 4
# What people add to any activity: a title with one of these is an example, so
# that the model learns that they say nothing.
COMMON_PHRASES = [
    "à domicile", "artisan", "chez les particuliers", "dans les locaux du client",
    "en micro-entreprise", "entreprise de", "prestation de services", "société de",
]
# What logits are divided by, since a model that has seen each title many times
# is far too sure of itself. Of 1, 1.5, 2, 2.5, 3 and 4, the texts of Insee's
# notes (README.md) are likeliest under 2.5 and 3: 5.2 nats a text, 6.9 under 1.
TEMPERATURE = 2.5
# How often each kind of example is repeated.
REPEAT_TITLE, REPEAT_PART, REPEAT_ANCESTOR = 4, 2, 2


def read_table():
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {row["code"]: row for row in csv.DictReader(file)}


def examples(table):
    """Pairs of a code and a text, in the order of the table."""
    leaves_under = {}
    for code, row in table.items():
        if row["level"] == "subclass":
            ancestor = row["parent"]
            while ancestor:
                leaves_under.setdefault(ancestor, []).append(code)
                ancestor = table[ancestor]["parent"]
    for code, row in table.items():
        if row["level"] == "subclass":
            title = row["title"]
            yield from [(code, title)] * REPEAT_TITLE
            for phrase in COMMON_PHRASES:
                yield code, f"{title} {phrase}"
            for part in PARTS.split(title):
                if SHORTEST_PART <= len(part.strip()) < len(title):
                    yield from [(code, part)] * REPEAT_PART
        elif len(leaves := leaves_under.get(code, [])) <= MOST_LEAVES:
            for leaf in leaves:
                yield from [(leaf, row["title"])] * REPEAT_ANCESTOR


def clean(codape, texts):
    """The texts as the model sees them."""
    lines = "".join(re.sub(r"\s", " ", text) + "\n" for text in texts)
    command = [codape, "clean", "--profile", str(HERE / "cleaning.json")]
    done = subprocess.run(command, input=lines.encode(), stdout=subprocess.PIPE, check=True)
    cleaned = done.stdout.decode().split("\n")[:-1]
    assert len(cleaned) == len(texts), "one cleaned line for each text"
    return cleaned


def train(pairs, codape):
    codes, texts = zip(*pairs)
    with tempfile.TemporaryDirectory() as directory:
        lines = Path(directory) / "train.txt"
        with lines.open("w", encoding="utf-8") as file:
            for code, text in zip(codes, clean(codape, texts)):
                if text:
                    file.write(f"{PREFIX}{code} {text}\n")
        model = fasttext.train_supervised(
            str(lines), loss="softmax", dim=100, lr=0.5, epoch=30, wordNgrams=2,
            minn=3, maxn=5, bucket=200_000, thread=1, seed=1, verbose=0,
        )
        model.set_matrices(model.get_input_matrix(), model.get_output_matrix() / TEMPERATURE)
        model.quantize(qnorm=True, cutoff=30_000)
    model.save_model(str(HERE / "model.ftz"))
    return model.get_labels()


def predict(codape, texts, k):
    """The k best codes of each text, best first."""
    lines = "".join(text + "\n" for text in texts)
    command = [codape, "predict", "--model", str(HERE / "model.ftz"), "-k", str(k)]
    done = subprocess.run(command, input=lines.encode(), stdout=subprocess.PIPE, check=True)
    answers = [json.loads(line)["labels"] for line in done.stdout.splitlines()]
    assert len(answers) == len(texts), "one answer for each text"
    return [[label.removeprefix(PREFIX) for label in labels] for labels in answers]


def evaluate(codape, path):
    """Share of texts whose code is the first suggestion, and among five."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = [(row["code"], row["description"]) for row in csv.DictReader(file)]
    rows = [row for row in rows if row[1].strip()]
    answers = predict(codape, clean(codape, [text for _, text in rows]), k=5)
    pairs = [(code, codes) for (code, _), codes in zip(rows, answers)]
    return {
        "rows": len(pairs),
        "p_at_1": round(sum(codes[:1] == [code] for code, codes in pairs) / len(pairs), 4),
        "p_at_5": round(sum(code in codes for code, codes in pairs) / len(pairs), 4),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--codape", default="codape", help="the program that cleans the texts")
    parser.add_argument("--evaluate", nargs="*", default=[], metavar="FILE.csv")
    arguments = parser.parse_args()
    pairs = list(examples(read_table()))
    labels = train(pairs, arguments.codape)
    size = (HERE / "model.ftz").stat().st_size
    print(f"{len(pairs)} examples, {len(labels)} labels, {size} bytes", file=sys.stderr)
    metrics = {}
    for path in arguments.evaluate:
        for name, value in evaluate(arguments.codape, path).items():
            metrics[f"{Path(path).stem} {name}"] = value
    if metrics:
        text = json.dumps(metrics, indent=2) + "\n"
        (HERE / "metrics.json").write_text(text, encoding="utf-8")
        print(text, end="")


if __name__ == "__main__":
    main()
