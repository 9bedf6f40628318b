"""Texts to train on and to ask about, made here so that the tests need no data.

Everything follows from the seeds in this file.
"""

import csv
import random
from pathlib import Path

FRENCH = """
coiffure domicile boulangerie pâtisserie restauration rapide vente détail gros
vêtements chaussures électricité plomberie chauffage maçonnerie peinture
bâtiment menuiserie charpente couverture nettoyage bureaux jardins espaces
verts conseil gestion entreprises informatique logiciels programmation
développement sites internet formation adultes enseignement sportif cours
musique théâtre spectacle photographie publicité marketing études marché
transport marchandises voyageurs taxi livraison repas ambulant marchés
location meublée appartements immobilier agence syndic promotion culture
céréales vignes élevage bovins ovins volailles apiculture pêche bois sciage
fabrication meubles bijoux savons bougies artisanat réparation automobiles
cycles mécanique carrosserie garage dépannage soins esthétiques beauté massage
bien-être infirmier médecin kinésithérapie aide personnes âgées garde enfants
association œuvre sociale traduction rédaction édition journalisme vidéo
production films architecture ingénierie géomètre contrôle technique sécurité
gardiennage import export négoce produits alimentaires boissons bar café hôtel
chambre hôtes camping traiteur épicerie fleuriste librairie pharmacie optique
à de la le les et en pour l' d' aux sur avec sans non
""".split()

ENGLISH = """
retail sale wholesale manufacture repair maintenance installation rental
leasing services management consultancy software development publishing
printing dairy farming growing vegetables fishing mining quarrying metal
plastic rubber glass furniture clothing footwear jewellery toys instruments
medical dental veterinary hospital nursing education driving school sports
fitness theatre museum library gambling hairdressing laundry funeral travel
agency hotel restaurant catering pub taxi freight haulage warehouse postal
courier broadcasting telecommunications bank insurance pension broker estate
agent letting legal accounting audit architect engineering testing research
advertising photography translation security cleaning landscaping packaging
call centre charity religious political union the of and for other except
""".split()

OTHER_SCRIPTS = {
    "greek": "κομμωτήριο αρτοποιείο εστιατόριο λιανική πώληση ενδυμάτων κατασκευή "
    "επίπλων ΞΕΝΟΔΟΧΕΙΟ μεταφορές και του της".split(),
    "cyrillic": "парикмахерская пекарня ресторан розничная торговля одеждой ремонт "
    "автомобилей СТРОИТЕЛЬСТВО програмування їжа ў и для".split(),
    "arabic": "حلاقة مخبز مطعم بيع بالتجزئة ملابس إصلاح سيارات بناء تعليم في من".split(),
    "hebrew": "מספרה מאפייה מסעדה מכירה של בגדים תיקון".split(),
    "devanagari": "नाई बेकरी रेस्तरां खुदरा बिक्री कपड़े मरम्मत".split(),
    "thai": "ร้านตัดผม เบเกอรี่ ร้านอาหาร ขายปลีก".split(),
    "cjk": "理髪店 パン屋 レストラン 衣料品 小売業 理发 面包店 餐馆 零售 服装 修理 미용실 빵집 식당 소매".split(),
    "emoji": "💇 🥖 🍽️ 👩‍🔧 🇫🇷 ✂️ 🏗️ ☕ 🚕 👨‍👩‍👧‍👦".split(),
    # The same words composed, decomposed, and with marks piled up.
    "combining": "e\u0301lectricite\u0301 électricité a\u0300 c\u0327a o\u0302\u0323 "
    "z\u0300\u0301\u0302\u0303\u0304 ﬁn ｆｕｌｌ Å Å".split(),
}

SPACES = [b" ", b"  ", b"\t", b"\v", b"\f", b"\r", b"\0", b" \t "]
FEATURES = ["liasse_type_", "activ_nat_et_", "activ_surf_et_", "evenement_type_"]


def misspell(rng, word):
    """One letter doubled, dropped, swapped or in another case."""
    if len(word) < 2:
        return word
    i = rng.randrange(len(word) - 1)
    change = rng.randrange(5)
    if change == 0:
        return word[:i] + word[i] + word[i:]
    if change == 1:
        return word[:i] + word[i + 1 :]
    if change == 2:
        return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    if change == 3:
        return word.upper()
    return word.capitalize()


def sentence(rng, words, low=1, high=14):
    chosen = []
    for _ in range(rng.randint(low, high)):
        word = rng.choice(words)
        if rng.random() < 0.2:
            word = misspell(rng, word)
        if rng.random() < 0.05:
            word += rng.choice([",", ".", ";", "/", "(s)", "'", "-", "…", " 24h/24", "2€"])
        chosen.append(word)
    return " ".join(chosen)


def declaration(rng, words):
    """As a coder writes a line: text, then the categorical features."""
    values = [rng.choice(["A", "I", "NaN"]), rng.choice(["01", "04", "NaN"])]
    values += [rng.choice(["1", "2", "NaN"]), rng.choice(["01P", "01M", "NaN"])]
    features = " ".join(f"{name}{value}" for name, value in zip(FEATURES, values))
    return f"{sentence(rng, words)} {features}"


def noise(rng, length):
    """Random bytes of one of several kinds, without a line feed."""
    kind = rng.randrange(4)
    if kind == 0:
        drawn = (rng.randrange(256) for _ in range(length))
    elif kind == 1:
        drawn = (rng.randrange(128, 256) for _ in range(length))
    elif kind == 2:
        drawn = (rng.choice(b"\0\r\t\v\f <>/s_abel\x80\xbf\xc3\xe2\xff") for _ in range(length))
    else:
        # Broken UTF-8: valid text with bytes lost or changed.
        text = bytearray(sentence(rng, FRENCH + OTHER_SCRIPTS["greek"]).encode()[:length])
        for _ in range(1 + len(text) // 8):
            if text:
                text[rng.randrange(len(text))] = rng.randrange(256)
        drawn = text
    return bytes(byte for byte in drawn if byte != 0x0A)


def tricky(rng, labels):
    """Tokens that the format gives a meaning to, in every place."""
    tokens = [
        b"</s>", b"</s", b"<s>", b"__label__", b"__label__x", b"__label", b"__label__ x",
        b"x__label__", b"<", b">", b"<>", b"\xe2", b"\x80", b"\xc3\xa9",
        rng.choice(labels).encode(), rng.choice(labels).encode() + b"x",
    ]
    parts = []
    for _ in range(rng.randint(1, 9)):
        if rng.random() < 0.55:
            parts.append(rng.choice(tokens))
        else:
            parts.append(rng.choice(FRENCH + ENGLISH).encode())
        parts.append(rng.choice(SPACES))
    if rng.random() < 0.5:
        parts.pop()
    return b"".join(parts)


def long_line(rng, i):
    """Long words, long lines, and long runs of one token."""
    kind = i % 5
    if kind == 0:
        return rng.choice(FRENCH).encode() * rng.randint(100, 900)
    if kind == 1:
        return sentence(rng, FRENCH + ENGLISH, 800, 2200).encode()
    if kind == 2:
        return (rng.choice(FRENCH) + " ").encode() * rng.randint(500, 2000)
    if kind == 3:
        return bytes(0x80 + rng.randrange(64) for _ in range(rng.randint(500, 4000)))
    return rng.choice(SPACES) * rng.randint(100, 5000) + str(rng.random()).encode()


def real_lines(shared, count):
    """Descriptions from the shared data, where it is there."""
    rng = random.Random(7)
    found = []
    for name in ["uk-sic/train.csv", "guichet-unique/guichet-labelled.csv"]:
        path = Path(shared) / "data" / name if shared else None
        if path and path.is_file():
            with path.open(newline="", encoding="utf-8") as file:
                rows = [row["description"] for row in csv.DictReader(file)]
            found += [row.replace("\n", " ").encode() for row in rng.sample(rows, min(count, len(rows)))]
    return found


def questions(labels, shared):
    """At least 10,000 distinct lines, none with a line feed."""
    rng = random.Random(2024)
    blank = [b"", b" ", b"\0", b"\r", b"\t\v\f", b"   \0\0  ", b"</s>", b" </s> ", b"<", b"\xff"]
    lines = dict.fromkeys(blank)

    def draw(count, make):
        target = len(lines) + count
        while len(lines) < target:
            lines.setdefault(make())

    draw(1600, lambda: sentence(rng, FRENCH).encode())
    draw(1600, lambda: declaration(rng, FRENCH).encode())
    draw(2000, lambda: sentence(rng, ENGLISH).encode())
    for words in OTHER_SCRIPTS.values():
        draw(200, lambda: sentence(rng, words, 1, 9).encode())
    everything = FRENCH + ENGLISH + [word for words in OTHER_SCRIPTS.values() for word in words]
    draw(500, lambda: sentence(rng, everything).encode())
    draw(1700, lambda: noise(rng, rng.randint(1, 70)))
    draw(900, lambda: tricky(rng, labels))
    numbers = iter(range(60))
    draw(40, lambda: long_line(rng, next(numbers)))
    for line in real_lines(shared, 1000):
        lines.setdefault(line)
    lines = list(lines)
    assert len(lines) >= 10_000 and not any(b"\n" in line for line in lines)
    return lines


def label_names(count):
    """Codes with a prefix, in the form of the nomenclature's."""
    return [f"__label__{101 + 7 * i:04d}{'ABCDZ'[i % 5]}" for i in range(count)]


def training_lines(label_count, line_count, seed, prefix="__label__"):
    """Labelled lines: a label has words of its own, drawn more often."""
    rng = random.Random(seed)
    labels = [prefix + name.removeprefix("__label__") for name in label_names(label_count)]
    everything = FRENCH + ENGLISH + [word for words in OTHER_SCRIPTS.values() for word in words]
    favourites = {label: rng.sample(everything, 6) for label in labels}
    lines = []
    for i in range(line_count):
        # Every label once, then the first ones more often, as real codes are.
        pick = i if i < label_count else int(label_count * rng.random() ** 2)
        label = labels[pick]
        tokens = [label.encode()]
        if rng.random() < 0.05:
            tokens.append(rng.choice(labels).encode())
        for _ in range(rng.randint(2, 9)):
            source = favourites[label] if rng.random() < 0.6 else everything
            tokens.append(rng.choice(source).encode())
        if rng.random() < 0.08:
            # Words that are no UTF-8 are words like others.
            tokens.append(bytes(rng.randrange(128, 256) for _ in range(2)))
        tokens.append(f"{FEATURES[i % 4]}{i % 3}".encode())
        lines.append(b" ".join(tokens))
    return lines
