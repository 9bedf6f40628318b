"""Asks a model package through MLflow, as one would in Python.

    python pyfunc_answers.py MODEL QUESTIONS

MODEL is what `mlflow.pyfunc.load_model` takes. QUESTIONS is a file of JSON: `texts` to clean, `rows`
(objects: a declaration each, null where a value is missing) to code, `k` codes each. Prints one
JSON object: `cleaned`, and `rows`, each with `codes`, `probabilities` and `ic`.
"""

import json
import sys
from pathlib import Path

import mlflow.pyfunc
import pandas


def same(table, other):
    pandas.testing.assert_frame_equal(table, other, check_exact=True)


def main():
    path, questions = sys.argv[1:]
    questions = json.loads(Path(questions).read_text(encoding="utf-8"))
    model = mlflow.pyfunc.load_model(path)
    # MLflow 2.10 has no `get_raw_model`.
    raw = model._model_impl
    text, k = raw.text_feature, questions["k"]
    names = [column["name"] for column in model.metadata.get_input_schema().to_dict()]
    assert names == [text, *raw.categorical_features], names
    asked = pandas.DataFrame(questions["rows"], dtype=object)
    asked.index = range(100, 100 + len(asked))
    answered = model.predict(asked, params={"k": k})
    assert list(answered.index) == list(asked.index)
    assert len(answered.columns) == 2 * k + 1

    # Other ways to ask: no parameters, one code, another order of columns; texts alone. Which of
    # codes that are as good comes first may depend on k.
    same(model.predict(asked)[["IC"]], answered[["IC"]])
    same(model.predict(asked[asked.columns[::-1]], params={"k": 1})[["IC"]], answered[["IC"]])
    alone = model.predict(asked[[text]])
    same(raw.predict(asked[text]), alone)
    same(raw.predict(asked[[text]].rename(columns={text: "other"})), alone)
    same(raw.predict(list(asked[text])), alone.reset_index(drop=True))
    nan = float("nan")
    blank = [asked.assign(**{name: value for name in names[1:]}) for value in (None, "", nan)]
    assert all(raw.predict(table).equals(alone) for table in blank)
    assert raw.predict([], {"k": 10**9}).shape[0] == 0
    for wrong in ([1], pandas.DataFrame({"a": ["x"], "b": ["y"]})):
        try:
            raw.predict(wrong)
        except (TypeError, ValueError):
            continue
        raise AssertionError(f"an answer to {wrong}")

    ranks = range(1, k + 1)
    rows = [
        {
            "codes": [row[f"code_{rank}"] for rank in ranks],
            "probabilities": [row[f"probability_{rank}"] for rank in ranks],
            "ic": row["IC"],
        }
        for row in answered.to_dict("records")
    ]
    cleaned = [raw.clean(one) for one in questions["texts"]]
    print(json.dumps({"cleaned": cleaned, "rows": rows}))


if __name__ == "__main__":
    main()
