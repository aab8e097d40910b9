#!/usr/bin/env python3
"""Compares two builds of `mtask-bench`, in pairs: for each case both are run one after the other, in turns of who is
first, and the median of the ratios is shown (above 1: the second one takes longer), with its quartiles.

    git worktree add ../old REVISION
    (cd ../old && cargo build --release -p mtask-bench)
    cargo build --release -p mtask-bench
    python3 benches/pairs.py ../old/target/release/mtask-bench target/release/mtask-bench

Nothing else should run meanwhile.
"""

import argparse
import re
import statistics
import subprocess

# So many items each, about half a second; and what is compared.
CASES = {
    "tiny": (10_000_000, "ns"),
    "micro": (600_000, "ns"),
    "twenty": (40_000, "ns"),
    "skewed": (40_000, "ns"),
    "lines": (400_000, "ns"),
    "sleeping-16": (4_000, "ns"),
    "stalled_first": (200_000, "seconds"),
    "blocked_source-2": (100, "ms"),
    "blocked_source-1": (100, "ms"),
}


def measured(program, case, items, figure, turns):
    command = [program, "--child", case, "mtask", str(items), str(turns)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    found = re.search(rf"\b{figure}=([\d.]+)", run.stdout)
    if not found:
        raise SystemExit(f"{case}: no figure `{figure}` in {run.stdout!r}")
    return float(found[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("cases", nargs="*", default=list(CASES))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--turns", type=int, default=230, help="of the spinning loop, for a microsecond of an item")
    args = parser.parse_intermixed_args()
    print("| case | figure | old | new | new ÷ old, median | quartiles |\n|---|---|--:|--:|--:|--:|")
    for case in args.cases:
        items, figure = CASES[case]
        old, new = [], []
        for round_ in range(args.rounds):
            both = [(args.old, old), (args.new, new)]
            for program, figures in both if round_ % 2 == 0 else reversed(both):
                figures.append(measured(program, case, items, figure, args.turns))
        ratios = sorted(after / before for before, after in zip(old, new))
        low, middle, high = statistics.quantiles(ratios, n=4)
        row = [case, figure, f"{statistics.median(old):.4g}", f"{statistics.median(new):.4g}"]
        print("|", " | ".join(row + [f"{middle:.3f}", f"{low:.3f} to {high:.3f}"]), "|", flush=True)


if __name__ == "__main__":
    main()
