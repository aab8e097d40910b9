#!/usr/bin/env python3
"""Runs `mtask.ipynb` from top to bottom in its kernel, evcxr, and looks at what it printed.

    python3 examples/notebook/run.py

It needs cargo and Python 3 with venv. Where there is no `evcxr_jupyter` in PATH, it installs one,
which takes some minutes, the first time. What it makes is under `target/notebook`, with the notebook
as it was run. Exits with 0 where every cell ran and printed what it should.
"""

import itertools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import venv

PACKAGES = ["nbclient==0.11.0", "nbformat==5.11.1"]
KERNEL = "0.22.0"
HERE = pathlib.Path(__file__).resolve().parent
MADE = HERE.parent.parent / "target" / "notebook"
# evcxr builds mtask and all it depends on in the first cell.
SECONDS_A_CELL = 900


def in_own_environment():
    """Runs this script again under the environment's Python, unless it is that already."""
    folder = MADE / "venv"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if pathlib.Path(sys.prefix) == folder:
        return
    stamp = folder / "packages.txt"
    if not stamp.exists() or stamp.read_text().split() != PACKAGES:
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        stamp.write_text("\n".join(PACKAGES))
    sys.exit(subprocess.run([python, __file__, *sys.argv[1:]]).returncode)


def install_kernel():
    """Tells Jupyter of the kernel in a folder of our own, and of no other."""
    kernel = shutil.which("evcxr_jupyter")
    if kernel is None:
        root = MADE / "evcxr"
        kernel = root / "bin" / "evcxr_jupyter"
        # By its lock file: with later versions of what it depends on it may not compile.
        wanted = ["evcxr_jupyter", "--version", KERNEL, "--locked", "--root", str(root)]
        subprocess.run(["cargo", "install", *wanted], check=True)
    os.environ["JUPYTER_PATH"] = str(MADE / "jupyter")
    subprocess.run([kernel, "--install"], check=True, capture_output=True)


def run(notebook):
    import nbclient

    client = nbclient.NotebookClient(
        notebook,
        kernel_name="rust",
        timeout=SECONDS_A_CELL,
        # The path of the dependency is from there.
        resources={"metadata": {"path": str(HERE)}},
    )
    try:
        client.execute()
    except nbclient.exceptions.CellExecutionError as error:
        # The kernel leaves its reply empty, and says what is wrong in the cell's output.
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        wrong = [output.traceback for output in outputs if output.output_type == "error"]
        sys.exit("\n".join([str(error).strip(), *itertools.chain(*wrong)]))


def printed(cell, name):
    return "".join(
        output.text
        for output in cell.outputs
        if output.output_type == "stream" and output.name == name
    )


def drawn_over(text):
    """What a front end shows that draws a line over the one before, where it is told to."""
    lines = []
    for line in text.removesuffix("\n").split("\n"):
        line, up = re.subn("\x1b\\[A", "", line)
        if up:
            del lines[-up:]
        lines.append(line.lstrip("\r").rstrip() + "\n")
    return "".join(lines)


def check(notebook):
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    _, _, bar, errors, panics, stats, short = code

    drawings = printed(bar, "stderr")
    first, *others = drawings.removesuffix("\n").split("\n")
    assert first.startswith("tokenizing ─") and " 0/200 items (0%)" in first, first
    assert len(others) >= 5, drawings
    assert all(line.startswith("\x1b[A\rtokenizing ━") for line in others), drawings
    assert "━╸─" in others[0] and " left" in others[0], others[0]
    last = drawn_over(drawings)
    assert re.fullmatch(r"tokenizing ━+ 200/200 items \(100%\) in .+, 2 errors\n", last), last

    text = printed(errors, "stdout")
    assert re.search(r"item 17: worker \d.*unknown word: cat", text), text
    assert re.search(r"item 117: worker \d.*unknown word: wolf", text), text
    text = printed(panics, "stdout").splitlines()
    assert len(text) == 4 and text[1:3] == ["12", "6"], text
    assert re.fullmatch(r"item [03]: worker \d panicked: .*divide by zero", text[0]), text
    text = printed(stats, "stdout")
    assert re.match("worker +items +errors +restarts", text), text
    assert "\n200 items in " in text, text
    text = printed(short, "stdout")
    assert re.fullmatch(r"\d+ ids, 2 errors, 4 workers\n", text), text
    return drawings, last


def main():
    in_own_environment()
    import nbformat

    install_kernel()
    notebook = nbformat.read(HERE / "mtask.ipynb", as_version=4)
    try:
        run(notebook)
    finally:
        nbformat.write(notebook, MADE / "mtask.ipynb")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            print(printed(cell, "stdout"), end="")
    drawings, last = check(notebook)
    plain = re.sub("\x1b\\[A|\r", "", drawings)
    print(f"the bar, in {plain.count(chr(10))} drawings:\n{plain}", end="")
    print(f"and as it stands where each is drawn over the one before:\n{last}", end="")
    print("every cell ran, and printed what it should")


if __name__ == "__main__":
    main()
