#!/usr/bin/env python3
"""mtask beside Python's ways to do the same: real text, a real tokenizer, one line an item.

    python3 benches/side_by_side/run.py

Fetches what it needs, builds mtask's program, runs every setting in turn, and prints a table and
verdicts. Exits with 0 where all of them hold, else with 1. Measure on a machine that does nothing
else.
"""

import argparse
import pathlib
import subprocess
import sys

import prepare
from others import Others
from report import Report
from settings import SETTINGS, run


def at_least_one(given):
    number = int(given)
    if number < 1:
        raise argparse.ArgumentTypeError("give at least 1")
    return number


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=at_least_one, default=5, help="[default: 5]")
    parser.add_argument("--lines", type=at_least_one, default=50_000, help="[default: 50000]")
    parser.add_argument("--deb", type=pathlib.Path, help="the package to take the text from")
    parser.add_argument("--out", type=pathlib.Path, help="a file for the report, besides")
    return parser.parse_args()


def build():
    # The profile that the tokenizers crate states for itself, which a program that depends on it has to repeat.
    link_time = ["--config", 'profile.release.lto="fat"']
    command = ["cargo", "build", "--release", "--locked", "-p", "mtask-side-by-side", *link_time]
    if subprocess.run(command, cwd=prepare.ROOT).returncode != 0:
        sys.exit("mtask's program was not built: see above")
    return prepare.TARGET / "release" / "mtask-side-by-side"


def main():
    args = arguments()
    prepared = prepare.prepare(args.deb)
    if args.lines > prepared.lines:
        sys.exit(f"the text has {prepared.lines:,} lines: ask for fewer by --lines")
    binary = build()

    results = {setting.name: [] for setting in SETTINGS}
    others = Others()
    for number in range(1, args.rounds + 1):
        for turn in range(max(setting.times for setting in SETTINGS)):
            for setting in SETTINGS:
                if turn < setting.times:
                    print(f"round {number} of {args.rounds}: {setting.name}", file=sys.stderr)
                    results[setting.name].append(run(setting, prepared, binary, args.lines))
    report = Report(prepared, args.lines, results, others.share())
    text = "\n".join(report.markdown()) + "\n"
    print(text, end="")
    if args.out:
        args.out.write_text(text)
    sys.exit(0 if all(holds for _, holds in report.verdicts()) else 1)


if __name__ == "__main__":
    main()
