"""Quantizes models with the official fastText, and asks it about our files.

    python quantize.py < JOBS

JOBS is a JSON list; each job has `model` (a .bin file), `official` (the .ftz
file to write), `ours` (a .ftz file to compare it with), `options` (of
`quantize`) and `lines` (texts). For each job one JSON object is printed:
`differing`, the number of lines that the official program answers differently
with the two files (all labels, each with its probability).
"""

import json
import sys

import fasttext


def answers(path, lines):
    model = fasttext.load_model(path)
    return [model.f.predict(line + "\n", -1, 0.0, "strict") for line in lines]


def main():
    for job in json.load(sys.stdin):
        model = fasttext.load_model(job["model"])
        model.quantize(**job["options"])
        model.save_model(job["official"])
        pairs = zip(answers(job["official"], job["lines"]), answers(job["ours"], job["lines"]))
        print(json.dumps({"differing": sum(theirs != ours for theirs, ours in pairs)}), flush=True)


main()
