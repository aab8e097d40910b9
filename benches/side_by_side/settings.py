"""What is run side by side, and how one of them is run."""

import dataclasses
import os
import pathlib
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
WORKERS = 2
TIMEOUT = 900

MTASK_ONE, MTASK_TWO, SERIAL = "mtask, 1 worker", "mtask, 2 workers", "Python, one process"


@dataclasses.dataclass
class Setting:
    name: str
    # A program under `python/`, or none for mtask's.
    program: str | None
    options: list
    # In one round. The quick ones more often, since their ratio is judged to a tenth.
    times: int = 1


def mtask(name, *options):
    return Setting(name, None, list(options), times=3)


SETTINGS = [
    mtask(MTASK_ONE, "--workers", "1"),
    mtask(MTASK_TWO),
    mtask(f"{MTASK_TWO}, unordered", "--unordered"),
    Setting(SERIAL, "serial.py", []),
    Setting("mtasklite, threads", "with_mtasklite.py", ["--threads"]),
    Setting("mtasklite, processes", "with_mtasklite.py", []),
    Setting(
        "mtasklite, processes, unordered, chunks of 100",
        "with_mtasklite.py",
        ["--unordered", "--chunk", "100"],
    ),
    Setting("mpire `imap`, its own chunks", "with_mpire.py", []),
    Setting("mpire `imap`, chunks of 100", "with_mpire.py", ["--chunk", "100"]),
    Setting("`Pool.imap`, chunks of 1", "with_pool.py", ["--chunk", "1"]),
    Setting("`Pool.imap`, chunks of 100", "with_pool.py", ["--chunk", "100"]),
    Setting("`ProcessPoolExecutor.map`, chunks of 1", "with_executor.py", ["--chunk", "1"]),
    Setting("`ProcessPoolExecutor.map`, chunks of 100", "with_executor.py", ["--chunk", "100"]),
]


@dataclasses.dataclass
class Figures:
    seconds: float
    lines: int
    tokens: int
    crc32: int
    # Only mtask tells it.
    after_building: float | None = None

    @classmethod
    def parse(cls, line):
        said = dict(pair.split("=") for pair in line.split())
        types = {"seconds": float, "after_building": float}
        return cls(**{name: types.get(name, int)(value) for name, value in said.items()})


def run(setting, prepared, binary, lines):
    """One run in a process of its own; ends this program where it fails."""
    if setting.program is None:
        program = [binary]
    else:
        program = [prepared.python, HERE / "python" / setting.program]
    command = [*program, prepared.tokenizer, prepared.text, "--lines", str(lines)]
    if "--workers" not in setting.options and setting.name != SERIAL:
        command += ["--workers", str(WORKERS)]
    command = [str(part) for part in [*command, *setting.options]]
    # Parallelism inside the tokenizer would be a second one beside that of the workers.
    environment = os.environ | {"TOKENIZERS_PARALLELISM": "false"}
    # In a session of its own, so that its workers can be ended with it.
    started = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = started.communicate(timeout=TIMEOUT)
    except BaseException as error:
        os.killpg(started.pid, signal.SIGKILL)
        if isinstance(error, subprocess.TimeoutExpired):
            sys.exit(f"{setting.name} was not done after {TIMEOUT} s: {' '.join(command)}")
        raise
    if started.returncode != 0:
        sys.exit(f"{setting.name} failed: {' '.join(command)}\n{err.strip()}")
    return Figures.parse(out)
