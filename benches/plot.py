"""Draws `growth.csv` and `connections.csv` of a folder as `growth.svg`:

    python plot.py FOLDER
"""

import csv
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

LABELS = {
    "labels": "labels",
    "words": "words of a text",
    "megabytes": "size of the model, MB",
    "texts of a call": "texts of a call",
}
COLOURS = ["#1b6ca8", "#d1495b"]


def main():
    folder = Path(sys.argv[1])
    plt.rcParams.update({"font.size": 9, "axes.grid": True, "grid.alpha": 0.3, "svg.hashsalt": "codape"})
    figure, axes = plt.subplots(2, 3, figsize=(11, 6.2), layout="constrained")
    rows = read(folder / "growth.csv")
    for axis, name in zip(axes.flat, LABELS):
        draw_growth(axis, name, [row for row in rows if row["axis"] == name])
    draw_connections(axes[1, 1], axes[1, 2], read(folder / "connections.csv"))
    figure.savefig(folder / "growth.svg", metadata={"Date": None})


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def draw_growth(axis, name, rows):
    for colour, how in zip(COLOURS, dict.fromkeys(row["how"] for row in rows)):
        points = [row for row in rows if row["how"] == how]
        x, y, low, high = ([float(row[key]) for row in points] for key in ("value", "median", "least", "most"))
        axis.plot(x, y, "o-", color=colour, label=how, markersize=3)
        axis.fill_between(x, low, high, color=colour, alpha=0.2)
    axis.set(xscale="log", yscale="log" if name == "words" else "linear", xlabel=LABELS[name], ylabel="µs a text")
    if name != "words":
        axis.set_ylim(bottom=0)
    axis.legend()


def draw_connections(rates, latencies, rows):
    x = [int(row["connections"]) for row in rows]
    rates.plot(x, [float(row["requests a second"]) for row in rows], "o-", color=COLOURS[0], markersize=3)
    rates.set(xscale="log", xlabel="connections", ylabel="requests a second")
    rates.set_ylim(bottom=0)
    for colour, share in zip(COLOURS, ("p50, ms", "p99, ms")):
        latencies.plot(x, [float(row[share]) for row in rows], "o-", color=colour, label=share[:3], markersize=3)
    latencies.set(xscale="log", yscale="log", xlabel="connections", ylabel="latency, ms")
    latencies.legend()


if __name__ == "__main__":
    main()
