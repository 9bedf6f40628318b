"""Trains models with the official fastText and writes down what it answers.

    python reference.py OUT [--shared DIR]

OUT is left as it is where it already holds what this version of the script
writes. The answers are of the program that pip builds from PyPI's source.

Files, all numbers little-endian:

lines.bin, words.bin     u32 count, then for each u32 length and the bytes
NAME.bin, NAME.ftz       a model
NAME.qN.answers          for each line asked: u16 count, then count times
                         u32 label, f32 probability, best first
NAME.words.vectors       f32 [words, dim]
NAME.labels.vectors      f32 [labels, dim], of labels as if they were words
NAME.lines.vectors       f32 [lines, dim]
manifest.json            the models, their labels, and the questions asked
"""

import argparse
import hashlib
import json
import os
import shutil
import struct
import sys
import time
from importlib.metadata import version
from pathlib import Path

import fasttext
import numpy as np

import texts

SEED = 42
# With fewer than eleven threads fastText 0.9.3 leaves a part of the input
# matrix as the memory was (`DenseMatrix::uniform` fills a tenth a thread), and
# training may meet a NaN. So the models differ from run to run; the answers are
# of the model beside them.
THREADS = 12
VECTOR_LINES = 1500
HOSTILE_BYTES = 560_000

# Lines of the questions beside the main one: k = 10, no threshold, all lines.
FEW = 600
MORE_QUESTIONS = [
    {"k": 1, "threshold": 0.0, "lines": FEW},
    {"k": -1, "threshold": 0.0, "lines": FEW},
    {"k": 5, "threshold": 0.05, "lines": FEW},
    {"k": -1, "threshold": 0.01, "lines": FEW},
    {"k": 3, "threshold": 0.9, "lines": FEW},
]


def supervised(corpus, loss, dim=10, **more):
    """Arguments of a classifier; `quantize` in them is how it is quantized."""
    chosen = {"kind": "supervised", "corpus": corpus, "loss": loss, "dim": dim}
    lr = {"softmax": 0.8, "hs": 0.6, "ns": 0.4, "ova": 0.3}[loss]
    return chosen | {"minCount": 1, "epoch": 15, "lr": lr, "bucket": 3000} | more


def unsupervised(kind, dim, **more):
    chosen = {"kind": kind, "corpus": "words", "dim": dim, "loss": "ns"}
    return chosen | {"minCount": 2, "epoch": 2, "lr": 0.05, "bucket": 2000} | more


def models():
    """What is trained, by name."""
    chars = {"minn": 2, "maxn": 4}
    both = {"minn": 3, "maxn": 4, "wordNgrams": 3}
    table = {
        # n-grams of each kind and the dimensions that the reference averages
        # in registers (16, 32, 64) beside those that it does not.
        "plain-softmax-10": supervised("wide", "softmax"),
        "plain-ova-16": supervised("wide", "ova", 16),
        "chars-softmax-16": supervised("wide", "softmax", 16, **chars),
        "chars-minn1-ns-37": supervised("wide", "ns", 37, minn=1, maxn=3),
        "chars-minn0-ova-10": supervised("narrow", "ova", minn=0, maxn=2),
        "chars-long-hs-32": supervised("wide", "hs", 32, minn=5, maxn=9),
        "words-softmax-32": supervised("wide", "softmax", 32, wordNgrams=2),
        "words5-hs-37": supervised("wide", "hs", 37, wordNgrams=5),
        "both-softmax-37": supervised("wide", "softmax", 37, **both),
        "both-ova-32": supervised("wide", "ova", 32, **both),
        "both-hs-16": supervised("wide", "hs", 16, **both),
        "both-ns-64": supervised("wide", "ns", 64, **both),
        "both-ova-narrow-10": supervised("narrow", "ova", **both),
        "both-hs-narrow-37": supervised("narrow", "hs", 37, **both),
        "bucket7-softmax-10": supervised("narrow", "softmax", bucket=7, **both),
        "two-labels-hs-10": supervised("two", "hs", **chars),
        "two-labels-ns-10": supervised("two", "ns", wordNgrams=2),
        "one-label-softmax-10": supervised("one", "softmax", **chars),
        "one-label-hs-10": supervised("one", "hs", **chars),
        # The file does not store the prefix: such labels load, and tokens
        # that look like them are words.
        "other-prefix-softmax-16": supervised("at", "softmax", 16, label="@", **chars),
        "untrained-ties-ova-10": supervised("wide", "ova", epoch=0, **chars),
        "untrained-ties-softmax-10": supervised("wide", "softmax", epoch=0, **chars),
        "hot-ova-10": supervised("wide", "ova", lr=2.0, epoch=15, **chars),
        "hot-softmax-16": supervised("wide", "softmax", 16, lr=2.0, epoch=15, **chars),
        "hot-hs-10": supervised("wide", "hs", lr=2.0, epoch=15, **chars),
    }
    for loss in ["softmax", "ova", "hs", "ns"]:
        table |= {
            f"q-{loss}-16": supervised("wide", loss, 16, **both, quantize={}),
            f"q-norm-{loss}-10": supervised("wide", loss, 10, **chars, quantize={"qnorm": True}),
            f"q-out-{loss}-37": supervised("wide", loss, 37, **both, quantize={"qout": True}),
            f"q-norm-out-{loss}-10": supervised(
                "wide", loss, 10, **both, quantize={"qnorm": True, "qout": True}
            ),
            f"q-cut-{loss}-16": supervised(
                "wide", loss, 16, **both, quantize={"cutoff": 1200, "qnorm": True}
            ),
        }
    retrain = {"cutoff": 900, "qnorm": True, "qout": True, "retrain": True, "epoch": 2, "lr": 0.2}
    table |= {
        "q-dsub1-softmax-10": supervised("wide", "softmax", 10, **both, quantize={"dsub": 1}),
        "q-dsub3-softmax-10": supervised("wide", "softmax", 10, **both, quantize={"dsub": 3}),
        "q-dsub3-norm-ova-37": supervised(
            "wide", "ova", 37, **both, quantize={"dsub": 3, "qnorm": True}
        ),
        "q-dsub7-ova-16": supervised("narrow", "ova", 16, **both, quantize={"dsub": 7}),
        "q-dsub7-out-hs-32": supervised(
            "wide", "hs", 32, **both, quantize={"dsub": 7, "qnorm": True, "qout": True}
        ),
        "q-dsub-over-dim-ova-10": supervised("narrow", "ova", **both, quantize={"dsub": 12}),
        "q-plain-ova-16": supervised("wide", "ova", 16, quantize={"qnorm": True}),
        "q-cut-retrain-ova-10": supervised("wide", "ova", 10, **both, quantize=retrain),
        "q-cut-plain-softmax-10": supervised("wide", "softmax", quantize={"cutoff": 300}),
        "q-cut-words-hs-10": supervised(
            "narrow", "hs", 10, wordNgrams=3, quantize={"cutoff": 700, "dsub": 3}
        ),
        "cbow-10": unsupervised("cbow", 10, minn=3, maxn=6),
        "cbow-plain-16": unsupervised("cbow", 16, minn=0, maxn=0),
        "cbow-hs-37": unsupervised("cbow", 37, minn=1, maxn=2, loss="hs"),
        "skipgram-32": unsupervised("skipgram", 32, minn=3, maxn=6),
        "skipgram-softmax-10": unsupervised("skipgram", 10, minn=2, maxn=3, loss="softmax"),
        "skipgram-ngrams-10": unsupervised("skipgram", 10, minn=3, maxn=4, wordNgrams=2),
    }
    return table


# Version 12 files whose version is set back to 11: the reference then ignores
# the character n-grams of classifiers, and of them only.
VERSION_11 = ["both-softmax-37", "chars-softmax-16", "q-norm-ova-10", "cbow-10"]


def write_strings(path, strings):
    with path.open("wb") as file:
        file.write(struct.pack("<I", len(strings)))
        for string in strings:
            file.write(struct.pack("<I", len(string)) + string)


def train(arguments, corpora, path):
    """Trains one model to `path`."""
    options = dict(arguments)
    kind, corpus = options.pop("kind"), options.pop("corpus")
    quantize = options.pop("quantize", None)
    common = {"input": str(corpora[corpus]), "thread": THREADS, "verbose": 0}
    while True:
        try:
            if kind == "supervised":
                model = fasttext.train_supervised(seed=SEED, **common, **options)
            else:
                model = fasttext.train_unsupervised(model=kind, **common, **options)
            break
        except RuntimeError as error:
            if "NaN" not in str(error) or options["lr"] < 0.01:
                raise
            # The order of the threads' updates is chance: some orders diverge.
            options["lr"] /= 2
            print(f"{path.name}: diverged, again with lr {options['lr']}", flush=True)
    if quantize is not None:
        needs_text = {"input": str(corpora[corpus])} if quantize.get("retrain") else {}
        model.quantize(thread=1, verbose=0, **needs_text, **quantize)
    model.save_model(str(path))


def set_version_11(source, target):
    content = bytearray(source.read_bytes())
    content[4:8] = struct.pack("<i", 11)
    target.write_bytes(content)


def write_answers(model, labels, lines, k, threshold, path):
    """Asks line by line through the binding, which takes bytes."""
    ids = {label: i for i, label in enumerate(labels)}
    predict, pack = model.f.predict, struct.pack
    with path.open("wb") as file:
        for line in lines:
            found = predict(line + b"\n", k, threshold, "strict")
            file.write(pack("<H", len(found)))
            for probability, label in found:
                file.write(pack("<If", ids[label], probability))


def vector(fill, dim, text):
    """One of the binding's vectors as floats."""
    out = fasttext.FastText.fasttext.Vector(dim)
    fill(out, text)
    return np.array(out, dtype="<f4")


def write_vectors(fill, dim, strings, path):
    with path.open("wb") as file:
        for string in strings:
            file.write(vector(fill, dim, string).tobytes())


def describe(name, arguments, path, out, lines, words):
    """Asks a trained model everything, and returns its entry in the manifest."""
    model = fasttext.load_model(str(path))
    dim = model.get_dimension()
    entry = {"name": name, "file": path.name, "kind": arguments["kind"], "dim": dim}
    entry |= {"loss": arguments["loss"], "labels": [], "questions": []}
    if arguments["kind"] == "supervised":
        labels = model.f.getLabels("strict")[0]
        entry["labels"] = labels
        questions = [{"k": 10, "threshold": 0.0, "lines": len(lines)}] + MORE_QUESTIONS
        for i, question in enumerate(questions):
            asked = dict(question, file=f"{name}.q{i}.answers")
            some = lines[: asked["lines"]] if i == 0 else lines[i :: len(lines) // FEW][:FEW]
            asked |= {"lines": len(some)} | ({} if i == 0 else {"from": i, "step": len(lines) // FEW})
            write_answers(model, labels, some, asked["k"], asked["threshold"], out / asked["file"])
            entry["questions"].append(asked)
    step = max(1, len(lines) // VECTOR_LINES)
    entry["vector_lines"] = {"step": step, "lines": len(lines[::step])}
    write_vectors(model.f.getWordVector, dim, words, out / f"{name}.words.vectors")
    if "quantize" not in arguments and 0 < len(entry["labels"]) <= model.f.getArgs().bucket:
        entry["label_vectors"] = f"{name}.labels.vectors"
        write_vectors(model.f.getWordVector, dim, entry["labels"], out / entry["label_vectors"])
    ended = [line + b"\n" for line in lines[::step]]
    write_vectors(model.f.getSentenceVector, dim, ended, out / f"{name}.lines.vectors")
    return entry


def write_hostile(corpora, out):
    """A classifier of about HOSTILE_BYTES, for cutting and flipping."""
    dim = 10
    path = out / "hostile.bin"
    chosen = supervised("wide", "softmax", dim, minn=3, maxn=4, wordNgrams=2)
    train(chosen | {"bucket": 1000}, corpora, path)
    bucket = 1000 + (HOSTILE_BYTES - path.stat().st_size) // (4 * dim)
    train(chosen | {"bucket": bucket}, corpora, path)


def stamp(shared):
    """What the answers follow from: this code, the program, the texts."""
    digest = hashlib.sha256(version("fasttext").encode())
    digest.update(sys.version.encode())
    for source in [Path(__file__), Path(texts.__file__)]:
        digest.update(source.read_bytes())
    digest.update(str(bool(texts.real_lines(shared, 1))).encode())
    return digest.hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--shared", help="the folder that holds data/, if there is one")
    options = parser.parse_args()
    manifest_path = options.out / "manifest.json"
    wanted = stamp(options.shared)
    if manifest_path.is_file():
        if json.loads(manifest_path.read_text()).get("stamp") == wanted:
            print(f"{options.out} is up to date")
            return
    began = time.monotonic()
    # Written beside and renamed at the end: what is at `out` is whole.
    out = options.out.with_name(options.out.name + ".part")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)

    corpora = {}
    for name, labels, lines, prefix in [
        ("wide", 300, 4000, "__label__"),
        ("narrow", 12, 1500, "__label__"),
        ("two", 2, 400, "__label__"),
        ("one", 1, 200, "__label__"),
        ("at", 20, 1500, "@"),
        ("words", 30, 3000, "x"),
    ]:
        corpora[name] = out / f"{name}.txt"
        made = texts.training_lines(labels, lines, len(corpora), prefix)
        corpora[name].write_bytes(b"\n".join(made) + b"\n")
    lines = texts.questions(texts.label_names(300), options.shared)
    # A label is no word, but has a vector: that of the row after the words
    # that has its number. Not every model has such a row.
    words = {word for line in lines[:: len(lines) // 900] for word in line.split()[:4]}
    words = sorted(word for word in words if not word.startswith((b"__label__", b"@")))
    words += [b"", b"</s>", b"<", b"\xff", b"coiffure", "électricité".encode()]
    write_strings(out / "lines.bin", lines)
    write_strings(out / "words.bin", words)

    entries = []
    for name, arguments in models().items():
        started = time.monotonic()
        path = out / f"{name}.{'ftz' if 'quantize' in arguments else 'bin'}"
        train(arguments, corpora, path)
        trained = time.monotonic()
        entries.append(describe(name, arguments, path, out, lines, words))
        if name in VERSION_11:
            old = out / f"{name}-v11{path.suffix}"
            set_version_11(path, old)
            entries.append(describe(f"{name}-v11", arguments, old, out, lines, words))
        asked = time.monotonic() - trained
        print(f"{name}: trained in {trained - started:.1f} s, asked in {asked:.1f} s", flush=True)
    write_hostile(corpora, out)
    manifest = {
        "stamp": wanted,
        "fasttext": version("fasttext"),
        "python": sys.version.split()[0],
        "words": len(words),
        "models": entries,
    }
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1))
    shutil.rmtree(options.out, ignore_errors=True)
    os.rename(out, options.out)
    print(f"{len(entries)} models, {len(lines)} lines, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
