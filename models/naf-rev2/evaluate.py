"""Judges a package on texts with known codes; writes what it finds as JSON.

    python3 evaluate.py --codape codape --package DIR [--output metrics.json] FILE.csv ...

A file is CSV in UTF-8 with a header. Its column `code` (or `naf_candidates`, where
several codes are right, parted by `|`) says what is right, its column `libelle`
(or `description`) is the text. No categorical variable is given.

For each file: how many texts it has, on how many the first suggestion is right,
on how many one of the five best, how many have a confidence index of 0.8 or more,
and on how many of those the first suggestion is right, all as shares of 1. Names
and shares are added to the JSON file, which may have others.
"""

import argparse
import csv
import json
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

THRESHOLD = 0.8


class Text(NamedTuple):
    """A text, and the codes that are right for it."""

    right: set[str]
    text: str


def read(path: Path) -> list[Text]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    code = "naf_candidates" if "naf_candidates" in rows[0] else "code"
    text = "libelle" if "libelle" in rows[0] else "description"
    return [Text(set(row[code].split("|")), row[text]) for row in rows]


def lines_of(command: list[str], texts: list[str]) -> list[str]:
    lines = "".join(re.sub(r"\s", " ", text) + "\n" for text in texts)
    done = subprocess.run(command, input=lines.encode(), stdout=subprocess.PIPE, check=True)
    answers = done.stdout.decode().split("\n")[:-1]
    assert len(answers) == len(texts), "one line for each text"
    return answers


def evaluate(codape: str, package: Path, texts: list[Text]) -> dict[str, float]:
    manifest = json.loads((package / "coder.json").read_text(encoding="utf-8"))
    cleaned = lines_of(
        [codape, "clean", "--profile", str(package / manifest["cleaning"])], [text.text for text in texts]
    )
    first = five = sure = sure_and_right = 0
    predict = [codape, "predict", "--model", str(package / manifest["model"]), "-k", "5"]
    for text, line in zip(texts, lines_of(predict, cleaned)):
        answer = json.loads(line)
        codes = [label.removeprefix(manifest["label_prefix"]) for label in answer["labels"]]
        # A text that is empty once cleaned has no answer.
        best, second = ([*answer["probs"], 0.0, 0.0])[:2]
        right = codes[:1] and codes[0] in text.right
        first += bool(right)
        five += any(code in text.right for code in codes)
        if best - second >= THRESHOLD:
            sure += 1
            sure_and_right += bool(right)
    return {
        "rows": len(texts),
        "accuracy_level_5": round(first / len(texts), 4),
        "accuracy_top5_level_5": round(five / len(texts), 4),
        f"automatic_rate_{THRESHOLD}": round(sure / len(texts), 4),
        f"automatic_accuracy_{THRESHOLD}": round(sure_and_right / max(1, sure), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--codape", default="codape", help="the program")
    parser.add_argument("--package", type=Path, required=True, help="the package to judge")
    parser.add_argument("--output", type=Path, help="the JSON file to add the figures to")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE.csv")
    arguments = parser.parse_args()
    figures = {}
    for path in arguments.files:
        for name, value in evaluate(arguments.codape, arguments.package, read(path)).items():
            figures[f"{path.stem}_{name}"] = value
    print(json.dumps(figures, indent=2))
    if arguments.output:
        known = json.loads(arguments.output.read_text(encoding="utf-8")) if arguments.output.exists() else {}
        arguments.output.write_text(json.dumps(known | figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
