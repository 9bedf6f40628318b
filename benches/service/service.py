"""A service as it is written in Python: FastAPI, pandas for the cleaning, the
official fastText. It answers what codape answers on the same package.

    service.py PACKAGE PORT
"""

import json
import sys
from pathlib import Path

import fasttext
import pandas as pd
import uvicorn
from fastapi import FastAPI
from nltk.stem.snowball import SnowballStemmer
from pydantic import BaseModel
from unidecode import unidecode

PREFIX = "__label__"

package = Path(sys.argv[1])
steps = json.loads((package / "cleaning.json").read_text("utf-8"))["steps"]
model = fasttext.load_model(str(package / "model.bin"))
stemmer = SnowballStemmer("french")
app = FastAPI()


def clean(texts: pd.Series) -> pd.Series:
    for step in steps:
        match step["op"]:
            case "transliterate":
                texts = texts.map(unidecode)
            case "lowercase":
                texts = texts.str.lower()
            case "replace":
                texts = texts.str.replace(step["pattern"], step["with"], regex=True)
            case "collapse_whitespace":
                texts = texts.str.split()
            case "drop_tokens_shorter_than":
                texts = texts.map(lambda words: [w for w in words if len(w) >= step["chars"]])
            case "dedupe_tokens":
                texts = texts.map(lambda words: list(dict.fromkeys(words)))
            case "remove_stopwords":
                stop = {word for words in step["lists"] for word in words["words"]}
                texts = texts.map(lambda words: [w for w in words if w not in stop])
            case "stem":
                texts = texts.map(lambda words: [stemmer.stem(w) for w in words])
            case "join":
                texts = texts.str.join(step["with"])
    return texts


def answers(texts: list[str], k: int, least: float) -> list[dict]:
    frame = pd.DataFrame({"text": texts})
    frame["clean"] = clean(frame["text"])
    labels, probabilities = model.predict(frame["clean"].tolist(), k=max(k, 2))
    result = []
    for names, numbers in zip(labels, probabilities):
        answer = {
            str(rank): {
                "code": name.removeprefix(PREFIX),
                "probabilite": float(number),
                "libelle": None,
            }
            for rank, (name, number) in enumerate(zip(names[:k], numbers), 1)
            if number >= least
        }
        answer["IC"] = float(numbers[0]) - float(numbers[1])
        result.append(answer)
    return result


class Forms(BaseModel):
    text_description: list[str]


@app.get("/predict")
def predict(text_description: str, nb_echos_max: int = 5, prob_min: float = 0.01):
    return answers([text_description], nb_echos_max, prob_min)[0]


@app.post("/predict-batch")
def predict_batch(forms: Forms, nb_echos_max: int = 5, prob_min: float = 0.01):
    return answers(forms.text_description, nb_echos_max, prob_min)


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[2]), log_level="warning")
