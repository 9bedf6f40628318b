"""The official fastText as a peer of the comparison: see `src/worker.rs` for
the commands that it obeys."""

import sys
import time

import fasttext

K = 5


def main():
    with open(sys.argv[2], encoding="utf-8") as file:
        texts = [line for line in file]
    began = time.perf_counter()
    predict = fasttext.load_model(sys.argv[1]).f.predict
    predict(texts[0], K, 0.0, "strict")
    print("ready", time.perf_counter() - began, flush=True)
    for command in sys.stdin:
        command, _, path = command.strip().partition(" ")
        if command == "round":
            began = time.perf_counter()
            for text in texts:
                predict(text, K, 0.0, "strict")
            print(time.perf_counter() - began, flush=True)
        elif command == "answers":
            with open(path, "w", encoding="utf-8") as file:
                for text in texts:
                    found = predict(text, K, 0.0, "strict")
                    file.write("\t".join(f"{label} {p!r}" for p, label in found) + "\n")
            print("written", flush=True)


if __name__ == "__main__":
    main()
