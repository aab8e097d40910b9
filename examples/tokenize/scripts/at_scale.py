#!/usr/bin/env python3
"""Runs `tokenize` over a large text and prints a table: seconds, peak memory, the output's hash.

    cargo build --release -p tokenize && python3 examples/tokenize/scripts/at_scale.py

The text is put together from what a developer's machine has: the documentation and sources of the
Rust toolchain, and of the crates in Cargo's registry. It is read plain and as .gz, by 1, 2 and 8
workers; then by a run that is killed at random moments, ten times, and continued each time. All of
them have to write the same bytes, and no run may need more memory than --max-rss. A run over half
of the text shows that memory does not follow the input. Unix only: the peak of a process that has
ended is asked of the kernel.
"""

import argparse
import gzip
import hashlib
import multiprocessing
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent
KINDS = {".html", ".md", ".rs", ".txt", ".toml", ".c", ".h", ".json"}


def arguments():
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", default=str(target / "release" / "tokenize"))
    parser.add_argument("--tokenizer", default=str(HERE / "data" / "tokenizer.json"))
    parser.add_argument("--text", nargs="*", help="folders to gather the text from")
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2, 8])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--max-rss", type=int, default=300, help="in MB")
    parser.add_argument("--folder", help="where to work; removed afterwards [default: a new one]")
    return parser.parse_args()


def folders():
    sysroot = subprocess.run(
        ["rustc", "--print", "sysroot"], check=True, capture_output=True, text=True, cwd=ROOT
    ).stdout.strip()
    cargo = pathlib.Path(os.environ.get("CARGO_HOME", pathlib.Path.home() / ".cargo"))
    return [sysroot, str(cargo / "registry" / "src")]


def gather(sources, to, size):
    """Concatenates text files, in the order of their paths, until there is enough."""
    written = 0
    for source in sources:
        for at, inside, names in os.walk(source):
            inside.sort()
            for name in sorted(names):
                path = pathlib.Path(at, name)
                if path.suffix not in KINDS or path.is_symlink():
                    continue
                content = path.read_bytes()
                try:
                    content.decode()
                except UnicodeDecodeError:
                    continue
                to.write(content if content.endswith(b"\n") else content + b"\n")
                written += len(content)
                if written >= size:
                    return written
    sys.exit(f"only {written >> 20} MB of text in {', '.join(sources)}: name more with --text")


class Runs:
    """Runs of the program, told in a table."""

    def __init__(self, args):
        self.args = args
        self.wrong = set()

    def start(self, folder, *more):
        args = ["--tokenizer", os.path.abspath(self.args.tokenizer), "--output", "out.parquet"]
        # The same name in each folder, since the rows name it. The first bytes tell gzip from text.
        return subprocess.Popen(
            [os.path.abspath(self.args.program), "text", *args, *map(str, more)],
            cwd=folder,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self, child):
        """Waits; gives the exit code, what was said and the peak of memory in MB."""
        said = child.stderr.read()
        child.stderr.close()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        # In kilobytes on Linux, in bytes on macOS.
        peak = usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
        return child.returncode, said, peak

    def whole(self, folder, workers, expected=None):
        """A run to the end; gives the output's hash and the seconds it took."""
        start = time.monotonic()
        code, said, peak = self.end(self.start(folder, "--workers", workers))
        seconds = time.monotonic() - start
        return self.tell(folder, f"{workers} workers", code, said, seconds, peak, expected), seconds

    def killed(self, folder, took, expected):
        """A run that is killed at random moments, and continued each time."""
        start = time.monotonic()
        kills, highest = 0, 0
        for _ in range(self.args.kills):
            child = self.start(folder, "--resume", "--force")
            time.sleep(random.uniform(0, 1.5 * took / self.args.kills))
            if os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                break
            child.kill()
            highest = max(highest, self.end(child)[2])
            kills += 1
        else:
            child = self.start(folder, "--resume", "--force")
        code, said, peak = self.end(child)
        seconds = time.monotonic() - start
        label = f"killed {kills} times"
        self.tell(folder, label, code, said, seconds, max(peak, highest), expected)

    def tell(self, folder, label, code, said, seconds, peak, expected):
        # 1 is for bad lines: one over the limit of bytes is bad, and real text has some.
        if code not in (0, 1):
            sys.exit(f"{folder.name}, {label}: exit code {code}\n{said}")
        output = folder / "out.parquet"
        with output.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        output.unlink()
        wrong = ["other bytes"] if expected not in (None, found) else []
        wrong += ["too much memory"] if peak > self.args.max_rss else []
        self.wrong.update(wrong)
        counts = next(line for line in said.splitlines() if " tokens, " in line)
        counts = counts.removeprefix("tokenize: ").rpartition(" in ")[0]
        cells = f"{folder.name}, {label}", f"{seconds:.1f}", f"{peak:.0f}", found[:16], counts
        print("| " + " | ".join([*cells, *map(str.upper, wrong)]) + " |", flush=True)
        return found


def prepare(args, folder):
    """Makes plain/text, gz/text and half/text."""
    plain, packed, half = (folder / name / "text" for name in ("plain", "gz", "half"))
    for path in (plain, packed, half):
        path.parent.mkdir(parents=True, exist_ok=True)
    with plain.open("wb") as to:
        size = gather(args.text or folders(), to, args.megabytes << 20)
    with plain.open("rb") as text, gzip.open(packed, "wb", compresslevel=1) as to:
        shutil.copyfileobj(text, to, 1 << 20)
    with plain.open("rb") as text, half.open("wb") as to:
        to.write(text.read(size // 2))


def main():
    args = arguments()
    runs = Runs(args)
    folder = pathlib.Path(args.folder or tempfile.mkdtemp(prefix="tokenize-"))
    # In a process of its own: a child's peak, as the kernel counts it, begins with its parent's.
    preparing = multiprocessing.Process(target=prepare, args=(args, folder))
    preparing.start()
    preparing.join()
    if preparing.exitcode != 0:
        sys.exit(preparing.exitcode)
    folders_of = {name: folder / name for name in ("plain", "gz", "half")}
    sizes = ((folders_of[name] / "text").stat().st_size / 1e6 for name in ("plain", "gz"))
    print("{:.0f} MB of text, {:.0f} MB as .gz\n".format(*sizes))
    print("| run | seconds | MB peak | sha256 | summary |\n|---|---|---|---|---|", flush=True)

    expected, took = None, {}
    for name in ("plain", "gz"):
        for workers in args.workers:
            found, took[name] = runs.whole(folders_of[name], workers, expected)
            expected = expected or found
    runs.whole(folders_of["half"], args.workers[-1])
    for name in ("plain", "gz"):
        runs.killed(folders_of[name], took[name], expected)
    shutil.rmtree(folder)
    if runs.wrong:
        sys.exit(f"\nNOT as it should be: {', '.join(sorted(runs.wrong))}")
    print("\nthe same bytes in every run over the whole text, and no run over the memory limit")


if __name__ == "__main__":
    main()
