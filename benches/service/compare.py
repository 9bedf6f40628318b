"""Compares the service of codape with the one in `service.py`: the answers
first, then requests a second, latencies and memory, in rounds that take turns.

    compare.py --codape PROGRAM --model MODEL --data FOLDER --scratch FOLDER

Prints what goes into benches/RESULTS.md. Both services, and `wrk` which asks
them, run on the same processors.
"""

import argparse
import csv
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

K = 5
BATCH = 1000
PORT = 18345
# As a cleaning profile has them; without lists that Python would download.
CLEANING = {
    "name": "bench",
    "steps": [
        {"op": "transliterate", "table": "python-unidecode-1.3.8"},
        {"op": "lowercase"},
        {"op": "replace", "pattern": r"\b(?:idem|neant|a completer)\b", "with": " "},
        {"op": "replace", "pattern": r"[^\w\s]", "with": " "},
        {"op": "replace", "pattern": r"[\d_]", "with": " "},
        {"op": "collapse_whitespace"},
        {"op": "drop_tokens_shorter_than", "chars": 2},
        {"op": "dedupe_tokens", "keep": "first"},
        {"op": "remove_stopwords", "lists": [{"words": ["of", "the", "in", "and", "for"]}]},
        {"op": "stem", "algorithm": "nltk-snowball-french"},
        {"op": "join", "with": " "},
    ],
}
MANIFEST = {
    "format": 1,
    "model": "model.bin",
    "cleaning": "cleaning.json",
    "text_feature": "description",
    "categorical_features": [],
    # The codes are others: the answers have no titles.
    "nomenclature": "naf-rev2",
}
QUERY = {"nb_echos_max": K, "prob_min": 0}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--codape", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--connections", type=Path, metavar="CSV",
        help="only ask codape, over more and more connections, and write a table")
    arguments = parser.parse_args()
    with open(arguments.data / "uk-sic/train.csv", encoding="utf-8") as file:
        texts = [row["description"] for row in csv.DictReader(file)][:4000]
    package = make_package(arguments.scratch, arguments.model)
    script = write_script(arguments.scratch, texts)

    codape = [arguments.codape, "serve", "--package", package, "--listen", f"127.0.0.1:{PORT}"]
    python = [sys.executable, Path(__file__).with_name("service.py"), package, str(PORT + 1)]
    log = arguments.scratch / "log.txt"
    if arguments.connections:
        with Service("codape", codape, PORT, log) as service:
            time.sleep(5)
            write_connections(arguments, script)
        return
    with Service("codape", codape, PORT, log) as ours, Service(
        "FastAPI, pandas, fastText", python, PORT + 1, log
    ) as theirs:
        services = [ours, theirs]
        time.sleep(5)  # codape moves the model into memory.
        same, all_ = agreement(ours, theirs, texts[:500])
        print(f"- agreement: {same} of {all_} texts with the same {K} codes and IC within 1e-6")
        if same < all_:
            sys.exit("the services differ: what they take is not compared")
        for _ in range(arguments.rounds):
            for service in services:
                service.measure(script, arguments.seconds, texts)
        print_table(services)


class Service:
    """A service, and what was measured of it."""

    def __init__(self, name, command, port, log):
        self.name, self.command, self.port, self.log = name, command, port, log
        self.full, self.gentle, self.batches = [], [], []

    def __enter__(self):
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(list(map(str, self.command)), stdout=log, stderr=log)
        began = time.monotonic()
        while True:
            try:
                self.get("a")
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() - began > 60:
                    sys.exit(f"{self.name} does not start: see {self.log}")
                time.sleep(0.002)
        self.ready = time.monotonic() - began
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def url(self, path, query):
        return f"http://127.0.0.1:{self.port}{path}?{urllib.parse.urlencode(query)}"

    def get(self, text):
        with urllib.request.urlopen(self.url("/predict", {"text_description": text} | QUERY)) as answer:
            return json.load(answer)

    def batch(self, texts):
        count = len(texts)
        # codape's contract has the variables; the service in Python ignores them.
        forms = {
            "text_description": texts,
            "type_": ["C"] * count,
            "nature": ["99"] * count,
            "surface": ["1"] * count,
            "event": ["01P"] * count,
        }
        request = urllib.request.Request(
            self.url("/predict-batch", QUERY),
            json.dumps(forms).encode(),
            {"Content-Type": "application/json"},
        )
        began = time.perf_counter()
        with urllib.request.urlopen(request) as answer:
            body = answer.read()
        seconds = time.perf_counter() - began
        assert len(json.loads(body)) == count
        return seconds

    def measure(self, script, seconds, texts):
        self.full.append(wrk(self.port, script, seconds, 0))
        # Each of 32 connections waits 5 ms between two requests: about 5,000 a second.
        self.gentle.append(wrk(self.port, script, seconds, 5))
        self.batches.append(min(self.batch(texts[:BATCH]) for _ in range(3)))

    def memory(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        kilobytes = {name: int(kb) for name, kb in re.findall(r"(\w+):\s+(\d+) kB", status)}
        return kilobytes["VmRSS"] / 1e3


def write_connections(arguments, script):
    with open(arguments.connections, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["connections", "requests a second", "p50, ms", "p99, ms"])
        for connections in (1, 2, 4, 8, 16, 32, 64, 128, 256):
            rounds = [wrk(PORT, script, arguments.seconds, 0, connections) for _ in range(arguments.rounds)]
            table.writerow([connections, *(f"{statistics.median(column):.2f}" for column in zip(*rounds))])


def wrk(port, script, seconds, delay, connections=32):
    """Requests a second, and the 50th and 99th percentile of the latency in ms."""
    output = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", script, f"http://127.0.0.1:{port}"],
        env=os.environ | {"DELAY": str(delay)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    if "Non-2xx" in output or "Socket errors" in output:
        sys.exit(f"requests failed:\n{output}")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1])
    unit = {"us": 1e-3, "ms": 1, "s": 1e3}
    latency = lambda share: next(
        float(number) * unit[of]
        for number, of in re.findall(rf"\b{share}%\s+([\d.]+)(us|ms|s)", output)
    )
    return rate, latency(50), latency(99)


def make_package(scratch, model):
    package = scratch / "package"
    package.mkdir(parents=True, exist_ok=True)
    (package / "coder.json").write_text(json.dumps(MANIFEST))
    (package / "cleaning.json").write_text(json.dumps(CLEANING))
    (package / "model.bin").unlink(missing_ok=True)
    os.link(model, package / "model.bin")
    return package


def write_script(scratch, texts):
    script = scratch / "requests.lua"
    targets = "".join(
        f'"/predict?{urllib.parse.urlencode({"text_description": text} | QUERY)}",\n' for text in texts
    )
    script.write_text(
        f"local targets = {{\n{targets}}}\nlocal i = 0\n"
        "function request()\n  i = i % #targets + 1\n  return wrk.format('GET', targets[i])\nend\n"
        "local pause = tonumber(os.getenv('DELAY'))\n"
        "if pause > 0 then\n  function delay()\n    return pause\n  end\nend\n"
    )
    return script


def agreement(ours, theirs, texts):
    def same(text):
        a, b = ours.get(text), theirs.get(text)
        codes = [[answer[str(i)]["code"] for i in range(1, K + 1)] for answer in (a, b)]
        return codes[0] == codes[1] and abs(a["IC"] - b["IC"]) < 1e-6

    return sum(map(same, texts)), len(texts)


def print_table(services):
    print(
        "\n| | requests a second, median | each | p50, ms | p99, ms "
        "| at about 5,000 a second: rate | p50, ms | p99, ms "
        f"| batch of {BATCH}, ms | memory, MB | first answer, s |"
    )
    print("| --- |" + " ---: |" * 10)
    for one in services:
        rates, middles, ends = zip(*one.full)
        gentle_rates, gentle_middles, gentle_ends = zip(*one.gentle)
        median = statistics.median
        each = " ".join(f"{rate:.0f}" for rate in rates)
        print(
            f"| {one.name} | {median(rates):.0f} | {each} | {median(middles):.2f} | {median(ends):.2f} "
            f"| {median(gentle_rates):.0f} | {median(gentle_middles):.2f} | {median(gentle_ends):.2f} "
            f"| {1e3 * median(one.batches):.1f} | {one.memory():.0f} | {one.ready:.3f} |"
        )


if __name__ == "__main__":
    main()
