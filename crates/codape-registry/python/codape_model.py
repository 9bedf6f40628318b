"""Opens a model package of codape in Python, for MLflow's `python_function` flavour.

`codape registry push` puts this module beside the package, so that

    model = mlflow.pyfunc.load_model("models:/NAME/1")
    model.predict(pandas.DataFrame({"libelle": ["Coiffure à domicile"]}), params={"k": 3})

works where fastText's official Python module is installed. It gives a table with one row for each
row of the input, under the same index:

    code_1, probability_1, code_2, probability_2, …, IC

`code_1` is the best code, as in the model's label; IC is the probability of the first code less
that of the second. Steps, lines and answers are those of the program `codape`.

Nothing here runs what a file says: the package is JSON and a file of fastText's.
"""

import importlib
import json
import operator
import re
import unicodedata
from pathlib import Path

FORMAT = 1  # of coder.json
MISSING = "NaN"  # stands for a categorical value that is missing, as at training


def _load_pyfunc(data_path):
    """What MLflow calls: `data_path` is the root of the package."""
    return CodapeModel(data_path)


def _need(module, requirement):
    """Imports a module, or says what to install."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        problem = f"a model of codape needs {module}: pip install '{requirement}'"
        raise ImportError(problem) from error


class Cleaner:
    """A cleaning profile, applied as the crate codape-text does."""

    def __init__(self, profile):
        # Each takes the text, or its tokens where the flag before it is set.
        self._operations = [_operation(i, step) for i, step in enumerate(profile["steps"])]

    def clean(self, text):
        """The cleaned text."""
        tokens = None
        for on_tokens, operation in self._operations:
            if on_tokens and tokens is None:
                tokens = text.split()
            elif not on_tokens and tokens is not None:
                text, tokens = " ".join(tokens), None
            result = operation(tokens if on_tokens else text)
            text, tokens = (result, None) if isinstance(result, str) else (text, result)
        return text if tokens is None else " ".join(tokens)


def _operation(i, step):
    """Whether a step is on tokens, and what it does. One that is not known here is refused."""
    op, rest = step.get("op"), {name: value for name, value in step.items() if name != "op"}
    if op == "transliterate" and rest == {"table": "python-unidecode-1.3.8"}:
        return False, _need("unidecode", "Unidecode==1.3.8").unidecode
    if op == "lowercase" and not rest:
        return False, str.lower
    if op == "replace":
        pattern, text = _pattern(step["pattern"]), step["with"]
        return False, lambda before: pattern.sub(lambda _: text, before)
    if op == "drop_tokens_shorter_than":
        return True, lambda tokens: [token for token in tokens if len(token) >= step["chars"]]
    if op == "collapse_whitespace" and not rest:
        return True, lambda tokens: tokens
    if op == "dedupe_tokens" and rest == {"keep": "first"}:
        return True, lambda tokens: list(dict.fromkeys(tokens))
    if op == "remove_stopwords" and all(isinstance(words, dict) for words in step["lists"]):
        stop = {word for words in step["lists"] for word in words["words"]}
        return True, lambda tokens: [token for token in tokens if not token or token not in stop]
    if op == "stem" and rest == {"algorithm": "nltk-snowball-french"}:
        stem = _need("nltk.stem.snowball", "nltk==3.9.1").FrenchStemmer().stem
        return True, lambda tokens: [stem(token) for token in tokens]
    if op == "join":
        return True, step["with"].join
    raise ValueError(f"steps[{i}] of the cleaning profile is not known here: {step}")


def _pattern(pattern):
    """Compiles a pattern; `$` is the very end of the text, unless `(?m)` says otherwise."""
    if not re.search(r"\(\?[a-zA-Z]*m", pattern):
        # What is escaped, and classes, are left alone.
        parts = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\$", re.DOTALL)
        pattern = parts.sub(lambda part: r"\Z" if part[0] == "$" else part[0], pattern)
    return re.compile(pattern)


class CodapeModel:
    """A model package that answers."""

    def __init__(self, root):
        root = Path(root)
        manifest = _read(root / "coder.json")
        if manifest["format"] != FORMAT:
            found = manifest["format"]
            raise ValueError(f"coder.json has format {found}, this module reads format {FORMAT}")
        self.text_feature = manifest["text_feature"]
        self.categorical_features = manifest["categorical_features"]
        self._prefix = manifest.get("label_prefix", "__label__")
        # This profile spells its stop words out. It is not looked for beside the module, which
        # Python may have loaded for another model.
        spelled_out = root / "python" / "cleaning.json"
        profile = spelled_out if spelled_out.is_file() else root / manifest["cleaning"]
        self._cleaner = Cleaner(_read(profile))
        fasttext = _need("fasttext.FastText", "fasttext==0.9.3")
        # Its own `predict` fails with NumPy 2.
        self._engine = fasttext._FastText(str(root / manifest["model"])).f
        self._labels = len(self._engine.getLabels("strict")[0])

    def get_raw_model(self):
        """This object, from MLflow's wrapper of it."""
        return self

    def clean(self, text):
        """The cleaned text: in one line, whatever the profile lets through."""
        return self._cleaner.clean(text).replace("\n", " ")

    def line(self, text, values):
        """The line that the model sees; `values` are those of the categorical features."""
        line = self.clean(text)
        if len(values) != len(self.categorical_features):
            raise ValueError(f"expected a value for each of {self.categorical_features}")
        for feature, value in zip(self.categorical_features, values):
            value = value or MISSING
            if any(c.isspace() or unicodedata.category(c) == "Cc" for c in value):
                raise ValueError(f"a value of {feature} holds white space or a control character")
            line += f" {feature}_{value}"
        return line

    def predict(self, model_input, params=None):
        """A table of codes, probabilities and IC: see the module.

        model_input: a table with the text's column and those of the categorical features; or a list
        of texts, or a table of one column, where all of these are missing. NaN, None and "" are
        missing values; a text that is missing is an empty one. A column of the features may be left
        out. `params["k"]` is the number of codes, 5 if it is not given; above the number of codes
        that the model knows, all of them. Where the model has less to say, a code is None.
        """
        pandas = _need("pandas", "pandas")
        k = min(operator.index((params or {}).get("k", 5)), self._labels)
        if k < 1:
            raise ValueError("k must be at least 1")
        index, columns = self._columns(pandas, model_input)
        rows = []
        for text, *values in zip(*columns):
            line = self.line(text or "", values)
            # fastText ends a text at the line feed. The IC needs two codes.
            found = self._engine.predict(line + "\n", max(k, 2), 0.0, "strict")
            codes = [(label[len(self._prefix) :], probability) for probability, label in found]
            codes += [(None, 0.0)] * (max(k, 2) - len(codes))
            ic = codes[0][1] - codes[1][1]
            rows.append([*(cell for pair in codes[:k] for cell in pair), ic])
        names = [f"{name}_{rank}" for rank in range(1, k + 1) for name in ("code", "probability")]
        return pandas.DataFrame(rows, columns=[*names, "IC"], index=index)

    def _columns(self, pandas, given):
        """The names of the rows, and the column of each feature; what is missing is None."""
        if not isinstance(given, pandas.DataFrame):
            given = [given] if isinstance(given, str) else given
            given = pandas.DataFrame(pandas.Series(given, dtype=object))
        names = [self.text_feature, *self.categorical_features]
        if self.text_feature not in given.columns:
            if given.shape[1] != 1 or given.columns[0] in names:
                found = list(given.columns)
                raise ValueError(f"the input has no column {self.text_feature}, but {found}")
            given = given.set_axis([self.text_feature], axis=1)
        missing = [None] * len(given)
        columns = [
            [_value(pandas, name, value) for value in given[name]] if name in given else missing
            for name in names
        ]
        return given.index, columns


def _value(pandas, name, value):
    if isinstance(value, str):
        return value or None
    if pandas.isna(value):
        return None
    raise TypeError(f"{name} holds {value!r}: expected a string")


def _read(path):
    return json.loads(path.read_text(encoding="utf-8-sig"))
