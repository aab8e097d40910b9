#!/usr/bin/env python3
"""What an item costs on its way through two processes: mtask beside procspawn and Python's ways.

    python3 benches/processes/run.py

Builds the program, makes a virtual environment, measures all in turn, and prints a table and verdicts;
the exit code is 0 where all verdicts hold. Some two minutes; measure on a machine that does nothing else.
"""

import argparse
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "side_by_side"))
import prepare  # noqa: E402

KIB_64 = 64 * 1024
# What is measured: work, peer, items.
MEASURED = [
    ("tiny", "mtask", 2_000_000),
    ("alone", "mtask", 2_000_000),
    ("lifespan", "mtask", 2_000_000),
    ("retries", "mtask", 2_000_000),
    ("tiny", "procspawn", 20_000),
    ("tiny", "mtasklite", 5_000),
    ("tiny", "imap-1", 20_000),
    ("tiny", "imap-100", 200_000),
    ("lockstep", "mtask", 50_000),
    ("lockstep", "procspawn", 10_000),
    ("lockstep", "socket", 20_000),
    ("one", "mtask", 50_000),
    ("large", "mtask", 40_000),
    ("large", "procspawn", 5_000),
    ("large", "mtasklite", 2_000),
    ("large", "imap-1", 5_000),
    ("large", "imap-100", 5_000),
]


def build():
    command = ["cargo", "build", "--release", "--locked", "-p", "mtask-bench-processes"]
    if subprocess.run(command, cwd=prepare.ROOT).returncode != 0:
        sys.exit("the program was not built: see above")
    return prepare.TARGET / "release" / "mtask-bench-processes"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="[default: 5]")
    parser.add_argument("--out", type=pathlib.Path, help="a file for the report, besides")
    args = parser.parse_args()
    python, packages = prepare.environment()
    binary = build()
    times = {}
    for count in range(args.rounds):
        for work, peer, items in MEASURED:
            print(f"round {count + 1} of {args.rounds}: {work}, {peer}", file=sys.stderr)
            is_ours = peer in ("mtask", "procspawn", "socket")
            program = [binary] if is_ours else [python, HERE / "peers.py"]
            command = [str(part) for part in [*program, peer, work, items]]
            out = prepare.call(command, "run it by hand to see why")
            times.setdefault((work, peer), []).append(float(out.split()[-1]) / items)
    text, passed = report(times, packages)
    print(text)
    if args.out:
        args.out.write_text(text)
    sys.exit(0 if passed else 1)


def report(times, packages):
    lines = [f"2 workers; {', '.join(packages)}.", ""]
    lines += ["| work | peer | µs an item, median (least to most) | MB/s each way | items |"]
    lines += ["|---|---|--:|--:|--:|"]
    median = {key: statistics.median(values) for key, values in times.items()}
    for work, peer, items in MEASURED:
        values = times[work, peer]
        shown = f"{median[work, peer] * 1e6:.2f} ({min(values) * 1e6:.2f} to {max(values) * 1e6:.2f})"
        rate = f"{KIB_64 / median[work, peer] / 1e6:,.0f}" if work == "large" else ""
        lines.append(f"| {work} | {peer} | {shown} | {rate} | {items:,} |")
    ratio = median["tiny", "mtasklite"] / median["tiny", "mtask"]
    rate = KIB_64 / median["large", "mtask"] / 1e9
    wanted = [
        (median["tiny", "mtask"] <= 0.5e-6, f"tiny: {median['tiny', 'mtask'] * 1e6:.2f} µs an item; wanted: 0.5"),
        (median["lockstep", "mtask"] <= 4e-6, f"lockstep: {median['lockstep', 'mtask'] * 1e6:.2f} µs; wanted: 4"),
        (rate >= 1.5, f"64 KiB: {rate:.2f} GB/s each way; wanted: 1.5"),
        (ratio >= 50, f"tiny: {ratio:.0f} times as fast as mtasklite; wanted: 50"),
    ]
    for work, what in (("alone", "one worker alone"), ("lifespan", "with a lifespan"), ("retries", "with retries")):
        times_plain = median[work, "mtask"] / median["tiny", "mtask"]
        wanted.append((times_plain <= 3, f"{what}: {times_plain:.1f} times the plain row; wanted: 3"))
    lines += [""] + [f"- {'PASS' if holds else 'FAIL'}: {what}" for holds, what in wanted]
    return "\n".join(lines) + "\n", all(holds for holds, _ in wanted)


if __name__ == "__main__":
    main()
