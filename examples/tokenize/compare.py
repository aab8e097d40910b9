#!/usr/bin/env python3
"""Compares the rows that `tokenize` wrote with what Python's `tokenizers` gives, id for id.

    cargo run --release -p tokenize && python3 examples/tokenize/compare.py

compares what the demonstration wrote. For anything else, name all three:

    compare.py --parquet tokens.parquet --tokenizer tokenizer.json --text FILE_OR_FOLDER...

It reads the text itself and asks for a row for each line that is neither blank nor bad, in order,
with the right file and line number: run it where `tokenize` was run, since the rows name their files
as they were named then. It makes a virtual environment for the packages it needs, the
first time. Exits with 0 where all is the same, else with 1.
"""

import argparse
import functools
import gzip
import itertools
import json
import os
import pathlib
import subprocess
import sys
import venv
import zlib

# `tokenizers` of the version that Cargo.lock has.
PACKAGES = ["tokenizers==0.23.2", "pyarrow==26.0.1", "zstandard"]
HERE = pathlib.Path(__file__).resolve().parent
BATCH = 1000


def in_own_environment():
    """Runs this script again under the environment's Python, unless it is that already."""
    folder = HERE / ".venv"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if pathlib.Path(sys.prefix) == folder:
        return
    stamp = folder / "packages.txt"
    if not stamp.exists() or stamp.read_text().split() != PACKAGES:
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        stamp.write_text("\n".join(PACKAGES))
    sys.exit(subprocess.run([python, __file__, *sys.argv[1:]]).returncode)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--parquet", default="tokens.parquet")
    parser.add_argument("--tokenizer", default=str(HERE / "data" / "tokenizer.json"))
    parser.add_argument("--text", nargs="+", default=[str(HERE / "data" / "text")])
    parser.add_argument("--field", help="the text is JSONL, under this key")
    parser.add_argument("--limit", type=int, help="documents that were asked for")
    return parser.parse_args()


def files(names):
    for name in names:
        if os.path.isdir(name):
            found = []
            for at, folders, inside in os.walk(name):
                # Hidden ones are not read.
                folders[:] = [folder for folder in folders if not folder.startswith(".")]
                found += [os.path.join(at, file) for file in inside if not file.startswith(".")]
            yield from sorted(found, key=os.fsencode)
        else:
            yield name


def lines(name):
    if name.endswith(".zst"):
        import zstandard

        opened = zstandard.open(name, "rb")
    else:
        opened = (gzip.open if name.endswith(".gz") else open)(name, "rb")
    with opened as file:
        yield from enumerate(file, 1)


def documents(names, field):
    """(file, line, text) for each document; the text is None where the line is bad."""
    for name in files(names):
        for number, line in lines(name):
            if not line.strip(b" \t\n\r\f"):
                continue
            try:
                text = line.removesuffix(b"\n").removesuffix(b"\r").decode()
                if number == 1:
                    text = text.removeprefix("\ufeff")
                if field is not None:
                    text = json.loads(text)[field]
                    text.encode()
            except (ValueError, LookupError, TypeError, AttributeError):
                text = None
            yield name, number, text


def written(parquet):
    import pyarrow.parquet

    for batch in pyarrow.parquet.ParquetFile(parquet).iter_batches(BATCH):
        columns = [batch.column(name) for name in ("file", "line", "ids")]
        yield from zip(*(column.to_pylist() for column in columns))


def expected(args):
    import tokenizers

    tokenizer = tokenizers.Tokenizer.from_file(args.tokenizer)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    wanted = itertools.islice(documents(args.text, args.field), args.limit)
    wanted = (document for document in wanted if document[2] is not None)
    while batch := list(itertools.islice(wanted, BATCH)):
        encodings = tokenizer.encode_batch_fast([text for _, _, text in batch])
        for (name, number, _), encoding in zip(batch, encodings):
            yield name, number, encoding.ids


@functools.cache
def same_file(one, other):
    return os.path.exists(one) and os.path.samefile(one, other)


def compare(args):
    rows = tokens = crc = 0
    for ours, theirs in itertools.zip_longest(written(args.parquet), expected(args)):
        if ours is None:
            return f"no row for {theirs[0]}:{theirs[1]}"
        if theirs is None:
            return f"a row too many: {ours[0]}:{ours[1]}"
        if not same_file(ours[0], theirs[0]) or ours[1] != theirs[1]:
            return f"row {rows} is of {ours[0]}:{ours[1]}, not of {theirs[0]}:{theirs[1]}"
        if ours[2] != theirs[2]:
            return f"{ours[0]}:{ours[1]}:\n  written   {ours[2]}\n  tokenizers {theirs[2]}"
        rows += 1
        tokens += len(ours[2])
        crc = zlib.crc32(b"".join(id.to_bytes(4, "little") for id in ours[2]), crc)
    print(f"the same: {rows} rows, {tokens} tokens, crc32 of the ids {crc}")
    return None


def main():
    in_own_environment()
    if difference := compare(arguments()):
        sys.exit(difference)


if __name__ == "__main__":
    main()
