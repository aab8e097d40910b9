#!/usr/bin/env python3
"""Measures what each further place costs that calls mtask, in a program that is built for release: processor time
of the compiler, bytes of the program, and lines of LLVM's code before it is optimised; and the same of rayon.

Two programs are written for each, with one call and with many. What they differ by is what the further calls cost.
Each call has a closure of its own; items and results are numbers in all of them, or of types of its own too. The
dependencies are built before. At the end stand the functions that most of the lines are of, by name: what could be
moved to where it is compiled once.

    python3 benches/call_sites.py

It exits with 1 where mtask costs more than LIMIT times what rayon does, in time or in bytes.
"""

import argparse
import collections
import os
import pathlib
import re
import resource
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "target/call_sites"
LIMIT = 3

USE = {"mtask": "use mtask::prelude::*;", "rayon": "use rayon::prelude::*;"}
SITE = {
    "mtask": """
    let specs = worker_fn(|x: {item}| {output}(x.0.wrapping_mul({k} + 3))).times(2);
    let items: Vec<{output}> = par_stateful((0..n).map({item}), specs).collect::<Result<_, _>>().unwrap();""",
    "rayon": """
    let items: Vec<{output}> =
        (0..n).into_par_iter().map({item}).map(|x| {output}(x.0.wrapping_mul({k} + 3))).collect();""",
}
# Whether each call has its own, by number.
TYPES = {"the same types": ("In", "Out"), "types of its own": ("In{k}", "Out{k}")}
PROGRAMS = [(crate, types) for types in TYPES for crate in SITE]


def name(crate, types, sites):
    return f"{crate}_{'own' if types == 'types of its own' else 'same'}_{sites}"


def program(crate, types, sites):
    names = [tuple(of.format(k=k) for of in TYPES[types]) for k in range(sites)]
    text = [USE[crate]]
    text += [f"struct {of}(u64);" for of in sorted(set(sum(names, ())))]
    for k, (item, output) in enumerate(names):
        body = SITE[crate].format(k=k, item=item, output=output)
        text.append(f"#[inline(never)]\nfn site{k}(n: u64) -> u64 {{{body}")
        text.append("    items.iter().fold(0, |sum, x| sum ^ x.0)\n}")
    calls = " ^ ".join(f"site{k}(n)" for k in range(sites))
    text.append(f'fn main() {{\n    let n = std::env::args().count() as u64;\n    println!("{{}}", {calls});\n}}\n')
    return "\n".join(text)


def write(many):
    (FOLDER / "src/bin").mkdir(parents=True, exist_ok=True)
    for old in (FOLDER / "src/bin").iterdir():
        old.unlink()
    for crate, types in PROGRAMS:
        for sites in (1, many):
            path = FOLDER / f"src/bin/{name(crate, types, sites)}.rs"
            path.write_text(program(crate, types, sites))
    rayon = re.search(r"^rayon = .*$", (ROOT / "mtask-core/Cargo.toml").read_text(), re.M)[0]
    (FOLDER / "Cargo.toml").write_text(
        f'[workspace]\n[package]\nname = "call_sites"\nedition = "2024"\n[profile.release]\nstrip = true\n'
        f'[dependencies]\nmtask = {{ path = "{ROOT}" }}\n{rayon}\n'
    )
    (FOLDER / "Cargo.lock").write_text((ROOT / "Cargo.lock").read_text())


def cargo(*arguments):
    """Runs cargo, and gives the processor time of all that it started."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = dict(os.environ, CARGO_TARGET_DIR=str(FOLDER / "target"))
    run = subprocess.run(["cargo", *arguments], cwd=FOLDER, env=environment, capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"cargo {' '.join(arguments)} fails:\n{run.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def built(name):
    """Compiles one program alone: seconds of processor time."""
    (FOLDER / f"src/bin/{name}.rs").touch()
    return cargo("build", "--release", "--bin", name)


def lines(name):
    """Lines of code by function, before LLVM has optimised any of it."""
    path = FOLDER / f"{name}.ll"
    cargo("rustc", "--release", "--bin", name, "--",
          f"--emit=llvm-ir={path}", "-Cno-prepopulate-passes", "-Ccodegen-units=1")
    counts = collections.Counter()
    function = comment = None
    for line in path.read_text().splitlines():
        if line.startswith("; Function Attrs"):
            pass
        elif line.startswith("; ") and not function:
            comment = line[2:]
        elif line.startswith("define "):
            function = generic(comment or line)
        elif line.startswith("}"):
            function = comment = None
        if function:
            counts[function] += 1
    path.unlink()
    return counts


def generic(name):
    """The name of a function, the same for each call's types."""
    name = re.sub(r"::h[0-9a-f]{16}$", "", name)
    # What stands deeper in angle brackets is the call's own.
    deepest = 2 if name.startswith("<") else 1
    text, depth = [], 0
    for part in re.split(r"((?<!-)[<>])", name):
        depth -= part == ">"
        if depth <= deepest:
            text.append(part)
        depth += part == "<"
        if part == "<" and depth == deepest + 1:
            text.append("..")
    return "".join(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, default=30, help="calls of the larger program")
    parser.add_argument("--rounds", type=int, default=3, help="builds of each program, of which the quickest counts")
    parser.add_argument("--names", type=int, default=25, help="functions that are listed")
    args = parser.parse_args()
    if args.sites < 2:
        parser.error("--sites: there has to be a further one")
    more = args.sites - 1
    write(args.sites)
    cargo("build", "--release", "--bins")

    costs, named = {}, {}
    for crate, types in PROGRAMS:
        one, many = (name(crate, types, sites) for sites in (1, args.sites))
        seconds = {one: [], many: []}
        for _ in range(args.rounds):
            for of in (one, many):
                seconds[of].append(built(of))
        size = {of: (FOLDER / "target/release" / of).stat().st_size for of in (one, many)}
        counts = lines(many)
        counts.subtract(lines(one))
        costs[crate, types] = (
            (min(seconds[many]) - min(seconds[one])) / more,
            (size[many] - size[one]) / more,
            sum(counts.values()) / more,
        )
        named[crate, types] = counts

    print(f"A further call, of {args.sites}, in release:\n")
    print("| | processor time, s | bytes | lines of LLVM |\n|---|--:|--:|--:|")
    is_over = False
    for types in TYPES:
        for crate in SITE:
            seconds, size, count = costs[crate, types]
            print(f"| {crate}, {types} | {seconds:.2f} | {size:,.0f} | {count:,.0f} |")
        ratios = [ours / theirs for ours, theirs in zip(costs["mtask", types], costs["rayon", types])]
        print("| ratio | " + " | ".join(f"{ratio:.1f}" for ratio in ratios) + " |")
        is_over |= max(ratios[:2]) > LIMIT

    for types in TYPES:
        print(f"\nLines a call of mtask with {types}, by function:\n\n| lines | function |\n|--:|---|")
        for function, count in named["mtask", types].most_common(args.names):
            print(f"| {count / more:.0f} | `{function}` |")
    sys.exit(is_over)


if __name__ == "__main__":
    main()
