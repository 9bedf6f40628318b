"""Codes a table of many rows with `codape code`, CSV to Parquet, and its first rows
with the script in `peer.py`: the answers first, then rows a second and memory.

    compare.py --codape PROGRAM --model MODEL --data FOLDER --scratch FOLDER

Prints what goes into benches/RESULTS.md. A row's text is made of two texts of the
labelled French files, a run of two to five words of each, drawn by a seeded
generator: nearly all are distinct, as long as declarations are, and have their
words.
"""

import argparse
import csv
import random
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parent.parent / "service"))
from compare import make_package

SOURCES = [
    "naf-cpf-notes/naf2-cpf21-labelled.csv",
    "guichet-unique/guichet-labelled.csv",
    "naf2025/naf2025-labelled.csv",
]
SEED = 20261123
# Rows whose answers are compared.
COMPARED = 5000
# Rows of which it is told how a compressed model answers.
TOLD = 1_000_000
# What models are compressed to.
COMPRESSED = ["bf16", "int8"]
TOLERANCE = 1e-6


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--codape", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--peer-rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    package = make_package(arguments.scratch, arguments.model)
    table, some = arguments.scratch / "rows.csv", arguments.scratch / "some.csv"
    theirs = arguments.scratch / "theirs.parquet"
    packages = {"codape code": package}
    for rows in COMPRESSED:
        compressed = arguments.scratch / f"package-{rows}"
        shutil.rmtree(compressed, ignore_errors=True)
        run([arguments.codape, "compress", "--input", package, "--output", compressed, "--rows", rows])
        packages[f"the same, its model compressed to {rows}"] = compressed
    outputs = [arguments.scratch / f"ours-{number}.parquet" for number in range(len(packages))]
    share = write_table(table, some, arguments)
    try:
        ours = []
        for _ in range(arguments.rounds):
            for (name, directory), output in zip(packages.items(), outputs):
                command = [arguments.codape, "code", table, "--output", output, "--package",
                           directory, "--text", "libelle", "--quiet", "--restart"]
                model = max(file.stat().st_size for file in directory.iterdir())
                ours.append((name, model, *run(command)))
        peer = [sys.executable, Path(__file__).with_name("peer.py"), package, some, theirs]
        seconds, peer_megabytes, said = run(peer)
        peer_seconds = float(said)
        check(outputs[0], theirs, arguments.rows)
        for name, output in list(zip(packages, outputs))[1:]:
            tell_agreement(name, outputs[0], output)
        report(arguments, ours, (peer_seconds, seconds, peer_megabytes))
        print(f"- {share:.2%} of the rows' texts are distinct; the table has "
              f"{table.stat().st_size / 1e6:.0f} MB, the output {outputs[0].stat().st_size / 1e6:.0f} MB")
    finally:
        for path in (table, some, *outputs, theirs):
            path.unlink(missing_ok=True)


def write_table(table, some, arguments):
    """Writes the rows, the first of them into a file of their own too, and returns
    the share of distinct texts among them."""
    texts = []
    for source in SOURCES:
        with open(arguments.data / source, encoding="utf-8", newline="") as file:
            texts += [row["description"].split() for row in csv.DictReader(file)]
    texts = [words for words in texts if len(words) >= 2]
    draw = random.Random(SEED)

    def run_of_words():
        words = texts[int(draw.random() * len(texts))]
        length = 2 + int(draw.random() * 4)
        start = int(draw.random() * max(1, len(words) - length + 1))
        return words[start:start + length]

    seen = set()
    with open(table, "w", encoding="utf-8", newline="") as whole, \
            open(some, "w", encoding="utf-8", newline="") as first:
        files = [csv.writer(whole), csv.writer(first)]
        for number in range(-1, arguments.rows):
            row = ["id", "libelle", "nature", "surface"]
            if number >= 0:
                text = " ".join(run_of_words() + run_of_words())
                if number < 1_000_000:
                    seen.add(hash(text))
                row = [number, text, f"{number % 97:02}", number % 1000]
            files[0].writerow(row)
            if number < arguments.peer_rows:
                files[1].writerow(row)
    return len(seen) / min(arguments.rows, 1_000_000)


def run(command):
    """The seconds that a program takes, its greatest memory in MB, what it prints."""
    began = time.perf_counter()
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
    most = 0
    while process.poll() is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            continue
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        most = max(most, int(found[1]) if found else 0)
        time.sleep(0.02)
    seconds = time.perf_counter() - began
    if process.returncode != 0:
        sys.exit(f"{command[0]} failed")
    return seconds, most * 1024 / 1e6, process.stdout.read()


def check(ours, theirs, rows):
    """Stops where the two do not answer alike."""
    file = pq.ParquetFile(ours)
    assert file.metadata.num_rows == rows, file.metadata.num_rows
    columns = ["code", "confidence_index"]
    a = next(file.iter_batches(COMPARED, columns=columns)).to_pylist()
    b = next(pq.ParquetFile(theirs).iter_batches(COMPARED, columns=columns)).to_pylist()
    same = sum(
        x["code"] == y["code"] and abs(x["confidence_index"] - y["confidence_index"]) < TOLERANCE
        for x, y in zip(a, b)
    )
    print(f"- agreement: {same} of {len(b)} rows with the same code and IC within {TOLERANCE}")
    if same < len(b):
        sys.exit("the answers differ: what they take is not compared")


def tell_agreement(name, exact, compressed):
    """Says how often a compressed model answers like the model."""
    columns = ["code", "decision"]
    a, b = (next(pq.ParquetFile(path).iter_batches(TOLD, columns=columns)) for path in (exact, compressed))
    same = [sum(x == y for x, y in zip(a[column].to_pylist(), b[column].to_pylist())) / len(a)
            for column in columns]
    print(f"- {name}: {same[0]:.2%} of {len(a):,} rows have the same first code, "
          f"{same[1]:.4%} the same decision")


def report(arguments, ours, theirs):
    model = arguments.model.stat().st_size / 1e6
    peer_seconds, peer_whole, peer_megabytes = theirs
    peer_rate = arguments.peer_rows / peer_seconds
    print("\n| | rows | seconds | rows a second | times Python | peak memory, MB | beyond the model, MB |")
    print("| --- |" + " ---: |" * 6)
    for name, file, seconds, megabytes, _ in ours:
        rate = arguments.rows / seconds
        print(f"| {name} | {arguments.rows:,} | {seconds:.1f} | {rate:,.0f} "
              f"| {rate / peer_rate:.1f} | {megabytes:.0f} | {megabytes - file / 1e6:.0f} |")
    print(f"| pandas and the official fastText | {arguments.peer_rows:,} | {peer_seconds:.1f} "
          f"| {peer_rate:,.0f} | 1.0 | {peer_megabytes:.0f} | {peer_megabytes - model:.0f} |\n")
    print("- codape's seconds are those of the whole program; Python's are without its start "
          f"and the loading of the model ({peer_whole - peer_seconds:.1f} s)")


if __name__ == "__main__":
    main()
