"""Builds the table of examples that the package of this folder is trained on.

    python3 corpus.py --sources FOLDER [--without GROUP ...] --output TABLE.csv

The table has the columns `code` and `libelle`. A text that weighs more than
another is in it several times.

Two sources are in the repository: `declarations.csv` beside this file and the
titles in `nomenclature/naf-rev2.csv`. The others, listed under SOURCES, are looked
for in FOLDER and the folders in it by the name of the file; what is missing is
named, and left out. `--without guichet` leaves the one-stop shop's keywords out, so
that a model can be judged on them. The same files give the same table, byte for
byte: the words that are left out of declarations are drawn from a fixed seed.
"""

import argparse
import csv
import json
import random
import re
import statistics
import sys
from collections import defaultdict
from pathlib import Path
from typing import Iterator, NamedTuple

HERE = Path(__file__).resolve().parent
NOMENCLATURE = HERE.parent.parent / "nomenclature" / "naf-rev2.csv"
DECLARATIONS = HERE / "declarations.csv"


class Source(NamedTuple):
    """A file that is not in the repository."""

    group: str
    what: str
    form: str


NOTES = "naf2-cpf21-labelled.csv"
NOTES_2025 = "naf2025-notes-backmapped-to-naf2.csv"
ESTABLISHMENTS = "nombre-etablissements-par-code-ape.json"
CORRESPONDENCE = "naf2-to-naf2025.csv"
NACEBEL = "nacebel2025-fr.csv"
NOGA = "noga-labels-fr-de-it-en.csv"
KEYWORDS = "guichet-labelled.csv"
AMBIGUOUS_KEYWORDS = "guichet-multi-candidates.csv"

# A table is CSV in UTF-8 with these columns; codes carry no dot (`5610C`).
SOURCES = {
    NOTES: Source(
        "notes",
        "Insee, Nomenclatures d'activités et de produits françaises, réédition 2020 (insee.fr): "
        "titles and explanatory notes of the subclasses of NAF rév. 2, titles and notes of the "
        "products of CPF rév. 2.1 that Insee ties to one subclass",
        "code, description, kind (title, includes, product_note, …excluded…)",
    ),
    NOTES_2025: Source(
        "naf2025",
        "Insee, NAF 2025 (insee.fr): titles and notes of the subclasses that come from one "
        "subclass of NAF rév. 2, under the code of the latter",
        "code (of NAF rév. 2), description, kind",
    ),
    ESTABLISHMENTS: Source(
        "notes",
        "Insee, Sirene (sirene.fr): how many establishments each subclass has",
        'JSON: {"56.10C": 153000, …}',
    ),
    CORRESPONDENCE: Source(
        "nacebel",
        "Insee, correspondence between NAF rév. 2 and NAF 2025 (insee.fr)",
        "naf2_code, naf2025_code",
    ),
    NACEBEL: Source(
        "nacebel",
        "Statbel, NACE-BEL 2025 (statbel.fgov.be): French titles; the first four digits are a "
        "class of NACE Rev. 2.1, as in NAF 2025",
        "code, description",
    ),
    NOGA: Source(
        "noga",
        "Swiss Federal Statistical Office, NOGA 2008 (i14y.admin.ch): French titles; the first "
        "four digits are a class of NACE Rev. 2, as in NAF rév. 2",
        "code, fr",
    ),
    KEYWORDS: Source(
        "guichet",
        "INPI, activities of the one-stop shop for business formalities, version 1.34 (inpi.fr): "
        "activities and keywords that lead to one subclass",
        "code, description",
    ),
    AMBIGUOUS_KEYWORDS: Source(
        "guichet",
        "the same list: activities and keywords that lead to several subclasses",
        "naf_candidates, description",
    ),
}

# How many times a text is in the table.
TITLE, KEYWORD = 3, 1
# A declaration of a code that as many establishments have as of the median one.
DECLARATION = 3
# Codes that many people declare weigh more: their share of establishments to this
# power, within limits. With 0 the model is worse, with 0.5 no better.
PRIOR, LEAST, MOST = 0.3, 2, 12
# Where a declaration is in the table several times, all but one lack words: each
# word but the first stays with this probability. It keeps the model from learning
# them by heart; the first stays since it mostly says what is done, and the last
# ones for whom ("météo pour viticulteurs").
KEPT = 0.6
SHORTEST_TO_THIN = 3
SEED = 3

# A title above a subclass says something of it where few subclasses are under it.
MOST_LEAVES = 6
# What a title lists is worth an example of its own.
PARTS = re.compile(r"[,;:()]| et | ou ")
SHORTEST_PART = 5
# A part that says nothing without the rest of its title.
EMPTY_PART = re.compile(
    r"^(?:autres?|non|de |d'|à |sauf|hors|n\.c\.a|y compris|en |par |pour |sans |avec )", re.I
)
# Words of notes that say how to read them.
BOILERPLATE = re.compile(
    r"cette (?:sous-)?classe (?:comprend|couvre)(?: (?:aussi|également|en outre))?|"
    r"(?:elle|cela) (?:comprend|couvre|inclut)(?: (?:aussi|également|en outre))?|"
    r"opérations sous-traitées intervenant dans la |"
    r"non classée?s? ailleurs|n\.c\.a\.?|(?:telles?|tels?) que|par exemple|etc\.?|"
    r"à l'exclusion (?:de|du|des)\b.*|à l'exception (?:de|du|des)\b.*|\(?sauf\b.*",
    re.I,
)

# What a long note lists is parted here.
ITEMS = re.compile(r"[;:•]|\. |,(?! etc)")
LONG_NOTE = 60
SHORTEST_ITEM = 6

Example = tuple[str, str]
"""A code and a text."""


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def plain(text: str) -> str:
    """The text without the words that say how to read a note."""
    return re.sub(r"\s+", " ", BOILERPLATE.sub(" ", text)).strip(" .,;:-()")


def weights(establishments: dict[str, int]) -> dict[str, int]:
    """How many times a declaration of a code is in the table."""
    counts = {code.replace(".", ""): count for code, count in establishments.items()}
    typical = statistics.median(counts.values()) if counts else 1

    def weight(count: int) -> int:
        return max(LEAST, min(MOST, round(DECLARATION * (count / typical) ** PRIOR)))

    return {code: weight(count) for code, count in counts.items()}


def declarations(weight: dict[str, int]) -> Iterator[Example]:
    """The declarations, and the same with some of their words."""
    draws = random.Random(SEED)
    # With no counts all weigh the same; a code that the counts lack is rare.
    rare = LEAST if weight else DECLARATION
    for row in read(DECLARATIONS):
        code, text = row["code"], row["libelle"]
        words = text.split()
        yield code, text
        for _ in range(weight.get(code, rare) - 1):
            if len(words) < SHORTEST_TO_THIN:
                yield code, text
            else:
                thinned = [word for word in words[1:] if draws.random() < KEPT]
                yield code, " ".join([words[0], *thinned])


def titles(table: dict[str, dict[str, str]], under: dict[str, list[str]]) -> Iterator[Example]:
    for code, row in table.items():
        title = row["title"]
        if row["level"] == "subclass":
            yield from [(code, title)] * TITLE
            for part in map(str.strip, PARTS.split(title)):
                if SHORTEST_PART <= len(part) < len(title) and not EMPTY_PART.match(part):
                    yield code, part
        elif len(under[code]) <= MOST_LEAVES:
            yield from ((leaf, title) for leaf in under[code])


def notes(rows: list[dict[str, str]]) -> Iterator[Example]:
    """Each note whole, and each item of what a long one lists."""
    for row in rows:
        code, text = row["code"], plain(row["description"])
        if "excluded" in row["kind"] or not text:
            continue
        yield code, text
        if len(text) >= LONG_NOTE:
            for item in map(plain, ITEMS.split(text)):
                if SHORTEST_ITEM <= len(item) < len(text) and not EMPTY_PART.match(item):
                    yield code, item


def foreign(rows: list[Example], only: dict[str, str]) -> Iterator[Example]:
    """Titles of another country's nomenclature whose class is one subclass here."""
    for code, title in rows:
        if leaf := only.get(code[:4]):
            yield leaf, plain(title)


def keywords(rows: list[dict[str, str]], ambiguous: list[dict[str, str]]) -> Iterator[Example]:
    """The keywords that lead to one code wherever they are: `artisan` does not."""
    codes = defaultdict(set)
    for row in rows:
        codes[row["description"].lower()].add(row["code"])
    for row in ambiguous:
        codes[row["description"].lower()].update(row["naf_candidates"].split("|"))
    for row in rows:
        if len(codes[row["description"].lower()]) == 1:
            yield from [(row["code"], row["description"])] * KEYWORD


def examples(found: dict[str, Path]) -> Iterator[Example]:
    table = {row["code"]: row for row in read(NOMENCLATURE)}
    under = defaultdict(list)
    for code, row in table.items():
        if row["level"] == "subclass":
            above = row["parent"]
            while above:
                under[above].append(code)
                above = table[above]["parent"]
    establishments = {}
    if ESTABLISHMENTS in found:
        establishments = json.loads(found[ESTABLISHMENTS].read_text(encoding="utf-8"))
    yield from declarations(weights(establishments))
    yield from titles(table, under)
    for name in (NOTES, NOTES_2025):
        if name in found:
            yield from notes(read(found[name]))
    if NOGA in found:
        only = {code: leaves[0] for code, leaves in under.items() if len(leaves) == 1}
        yield from foreign([(row["code"], row["fr"]) for row in read(found[NOGA])], only)
    if NACEBEL in found and CORRESPONDENCE in found:
        origins = defaultdict(set)
        for row in read(found[CORRESPONDENCE]):
            origins[row["naf2025_code"][:4]].add(row["naf2_code"])
        only = {code: min(codes) for code, codes in origins.items() if len(codes) == 1}
        rows = [(row["code"], row["description"]) for row in read(found[NACEBEL])]
        yield from foreign(rows, only)
    if KEYWORDS in found:
        ambiguous = read(found[AMBIGUOUS_KEYWORDS]) if AMBIGUOUS_KEYWORDS in found else []
        yield from keywords(read(found[KEYWORDS]), ambiguous)


def find(folder: Path | None, without: list[str]) -> dict[str, Path]:
    """The sources that are there; says which are not."""
    found = {}
    for name, source in SOURCES.items():
        if source.group in without:
            continue
        if paths := sorted(folder.rglob(name)) if folder else []:
            found[name] = paths[0]
        else:
            print(f"left out, not found: {name}\n  {source.what}\n  form: {source.form}", file=sys.stderr)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sources", type=Path, help="the folder of the official files")
    groups = sorted({source.group for source in SOURCES.values()})
    parser.add_argument("--without", nargs="*", default=[], choices=groups, help="sources to leave out")
    parser.add_argument("--output", type=Path, required=True, help="the table to write")
    arguments = parser.parse_args()
    if arguments.sources and not arguments.sources.is_dir():
        parser.error(f"no such folder: {arguments.sources}")
    count = 0
    with arguments.output.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["code", "libelle"])
        for example in examples(find(arguments.sources, arguments.without)):
            writer.writerow(example)
            count += 1
    print(f"{count} rows", file=sys.stderr)


if __name__ == "__main__":
    main()
