#!/usr/bin/env python3
"""Counts the instructions that an item of `tiny` costs, by callgrind: all threads together, the
source and the consumer included. A count does not depend on how busy the machine is, so that it is
what to look at where times are noisy; it says nothing of cache lines on their way, nor of waiting.

Valgrind runs one thread at a time and is some fifty times slower, so that claims are shorter than
they are else: the counts of mtask are too high rather than too low.

    cargo build --release -p mtask-bench && python3 benches/count.py
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PEERS = ["sequential", "mtask", "mtask-unordered", "rayon-vec", "par-map-256", "crossbeam-256", "pariter"]
# What a run costs besides its items is the same in both.
FEW, MANY = 200_000, 600_000


def instructions(program, peer, items):
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--fair-sched=yes"]
    command += [program, "--child", "tiny", peer, str(items), "1000"]
    run = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode != 0 or not found:
        sys.exit(f"valgrind fails with `{peer}`:\n{run.stderr}")
    return int(found[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=ROOT / "target/release/mtask-bench", help="the benchmark, built")
    parser.add_argument("peers", nargs="*", default=PEERS)
    args = parser.parse_args()
    if not shutil.which("valgrind"):
        sys.exit("valgrind is not installed")
    print("| peer | instructions an item |\n|---|--:|")
    for peer in args.peers:
        few, many = (instructions(args.program, peer, items) for items in (FEW, MANY))
        print(f"| {peer} | {(many - few) / (MANY - FEW):.0f} |", flush=True)


if __name__ == "__main__":
    main()
