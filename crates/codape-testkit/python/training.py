"""Asks the official fastText about training and about models of another's.

    python training.py predict TEXT MODEL...
    python training.py train TEXT MODEL OPTION=VALUE...

`predict` prints, for each model, one JSON list of the answers to the lines of
the text, each a list of pairs of a probability and a label, five labels a line.
`train` trains a supervised model and writes it.
"""

import json
import sys

import fasttext


def predict(text, paths):
    with open(text, "rb") as file:
        lines = file.readlines()
    for path in paths:
        model = fasttext.load_model(path)
        answers = [model.f.predict(line, 5, 0.0, "strict") for line in lines]
        print(json.dumps(answers))


def train(text, path, options):
    def value(option):
        try:
            return json.loads(option)
        except ValueError:
            return option

    pairs = (option.split("=", 1) for option in options)
    options = {name: value(text) for name, text in pairs}
    fasttext.train_supervised(text, verbose=0, **options).save_model(path)


if sys.argv[1] == "predict":
    predict(sys.argv[2], sys.argv[3:])
else:
    train(sys.argv[2], sys.argv[3], sys.argv[4:])
