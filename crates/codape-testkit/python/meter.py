"""Measures a model of the official fastText on labelled lines.

    python meter.py MODEL TEXT K THRESHOLD

Prints one JSON object: `examples`, `precision` and `recall` of all labels, and
`labels`, with precision, recall and F1 score by label; null where there is
none.
"""

import json
import math
import sys

import fasttext


def known(number):
    return number if math.isfinite(number) else None


def main():
    path, text, k, threshold = sys.argv[1:]
    model = fasttext.load_model(path)
    labels = model.test_label(text, int(k), float(threshold))
    examples, precision, recall = model.test(text, int(k), float(threshold))
    shares = {
        label: [known(found[name]) for name in ("precision", "recall", "f1score")]
        for label, found in labels.items()
    }
    print(
        json.dumps(
            {
                "examples": examples,
                "precision": known(precision),
                "recall": known(recall),
                "labels": shares,
            }
        )
    )


main()
