"""What the Python programs share: one line an item, ids out, one clock."""

import argparse
import itertools
import pathlib
import struct
import sys
import time
import zlib

import tokenizers


class Tokenize:
    """The worker: built where it runs, with a tokenizer of its own."""

    def __init__(self, json):
        self.tokenizer = tokenizers.Tokenizer.from_buffer(json)
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()

    def __call__(self, line):
        # One line at a time, by the call that leaves out the offsets: it does what mtask's side
        # does, and is the faster one.
        return self.tokenizer.encode_batch_fast([line])[0].ids


def build(json):
    """The initializer of a process, for the pools whose workers are functions."""
    global tokenize
    tokenize = Tokenize(json)


def call(line):
    return tokenize(line)


def parser(description):
    made = argparse.ArgumentParser(description=description)
    made.add_argument("tokenizer", type=pathlib.Path)
    made.add_argument("text", type=pathlib.Path)
    made.add_argument("--lines", type=int, default=50_000)
    made.add_argument("--workers", type=int, default=2)
    return made


def measure(args, results_of):
    """Times `results_of(json, lines)`, an iterator, from its start to its last result.

    Starting processes and building tokenizers is in it; ending the processes is not.
    """
    json = args.tokenizer.read_bytes()
    lines = args.text.read_bytes().decode().split("\n")[: args.lines]
    if len(lines) < args.lines or not lines[-1]:
        sys.exit(f"{args.text} has fewer than {args.lines} lines: ask for fewer by --lines")

    start = time.perf_counter()
    results = results_of(json, lines)
    done = list(itertools.islice(results, len(lines)))
    seconds = time.perf_counter() - start
    for _ in results:
        sys.exit("there are more results than lines")

    if getattr(args, "unordered", False):
        done = [ids for _, ids in sorted(done)]
    tokens = crc = 0
    for ids in done:
        tokens += len(ids)
        crc = zlib.crc32(struct.pack(f"<{len(ids)}I", *ids), crc)
    print(f"seconds={seconds:.4f} lines={len(done)} tokens={tokens} crc32={crc}")
