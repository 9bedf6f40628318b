"""What DuckDB and pandas find in an archive of records and in its dashboard's view.

    python tables.py ARCHIVE VIEW THRESHOLD

Prints one JSON object: daily counts and automatic rates, a histogram of the
confidence index, and counts by code at each level.
"""

import json
import sys

import duckdb
import pandas

archive, view, threshold = sys.argv[1], sys.argv[2], float(sys.argv[3])


def rows(query, **parameters):
    return [list(row) for row in duckdb.execute(query, parameters).fetchall()]


records = f"read_parquet('{archive}/date=*/**/*.parquet', hive_partitioning = true)"
flat = f"read_parquet('{view}/date=*/**/*.parquet', hive_partitioning = true)"
found = {
    "daily": rows(
        f"""SELECT date::VARCHAR, count(*), avg((confidence_index >= $threshold)::INT)
            FROM {records} GROUP BY date ORDER BY date""",
        threshold=threshold,
    ),
    "histogram": rows(
        f"""SELECT least(floor(confidence_index * 10)::INT, 9) AS bin, count(*)
            FROM {records} GROUP BY bin ORDER BY bin"""
    ),
    "levels": rows(
        f"""SELECT level, levels[level] AS level_code, count(*)
            FROM {records}, range(1, len(levels) + 1) AS places(level)
            GROUP BY level, level_code ORDER BY level, level_code"""
    ),
    "view_daily": rows(
        f"""SELECT date::VARCHAR, count(*), avg(("Response.IC" >= $threshold)::INT)
            FROM {flat} GROUP BY date ORDER BY date""",
        threshold=threshold,
    ),
    "view_codes": rows(
        f"""SELECT "Response.1.code", count(*), min("Query.libelle")
            FROM {flat} GROUP BY 1 ORDER BY 1"""
    ),
    "variables": rows(f"SELECT DISTINCT variables['nature'] FROM {records}"),
    "sorted": rows(f"SELECT count(DISTINCT id), min(time)::VARCHAR FROM {records}"),
}

frame = pandas.read_parquet(view)
found["pandas"] = {
    "rows": len(frame),
    "automatic": int((frame["Response.IC"] >= threshold).sum()),
    "first": frame["Timestamp"].min().isoformat(),
    "codes": frame["Response.1.code"].value_counts().to_dict(),
    "columns": list(frame.columns),
}
frame = pandas.read_parquet(archive)
found["pandas_records"] = {
    "rows": len(frame),
    "automatic": int((frame["decision"] == "automatic").sum()),
    "suggestions": int(frame["suggestions"].map(len).sum()),
    "types": {name: str(kind) for name, kind in frame.dtypes.items()},
}
print(json.dumps(found))
