"""Batch coding as it is written in Python: pandas reads, cleans and writes, the
official fastText predicts. It adds the columns that codape adds.

    peer.py PACKAGE TABLE.csv OUT.parquet

Prints the seconds that coding took, the model being loaded before.
"""

import sys
import time
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parent.parent / "service"))
from service import PREFIX, clean, model  # It loads the model of PACKAGE.

K = 5
THRESHOLD = 0.8
CHUNK = 100_000


def coded(frame):
    labels, probabilities = model.predict(clean(frame["libelle"]).tolist(), k=K)
    codes = [[label.removeprefix(PREFIX) for label in row] for row in labels]
    frame["code"] = [row[0] for row in codes]
    frame["probability"] = [float(row[0]) for row in probabilities]
    frame["confidence_index"] = [float(row[0]) - float(row[1]) for row in probabilities]
    frame["decision"] = ["automatic" if ic >= THRESHOLD else "review" for ic in frame["confidence_index"]]
    frame["suggestions"] = [
        [{"code": code, "probability": float(p)} for code, p in zip(names, numbers)]
        for names, numbers in zip(codes, probabilities)
    ]
    return frame


def main():
    table, output = sys.argv[2:4]
    began = time.perf_counter()
    writer = None
    for frame in pd.read_csv(table, dtype=str, chunksize=CHUNK):
        rows = pa.Table.from_pandas(coded(frame), preserve_index=False)
        writer = writer or pq.ParquetWriter(output, rows.schema, compression="zstd")
        writer.write_table(rows)
    writer.close()
    print(time.perf_counter() - began)


if __name__ == "__main__":
    main()
