"""The table of a side-by-side, and its verdicts."""

import os
import platform
import statistics

from others import TOO_MUCH
from settings import MTASK_ONE, MTASK_TWO, SERIAL, SETTINGS

# Of the first 50,000 lines of the reference text.
KNOWN_LINES, KNOWN_TOKENS, KNOWN_CRC32 = 50_000, 910_913, 1529261962


class Report:
    def __init__(self, prepared, lines, results, others):
        """`results` has the figures of every run, by the name of the setting."""
        self.prepared, self.lines, self.results = prepared, lines, results
        self.others = others
        self.seconds = {
            name: statistics.median(run.seconds for run in runs) for name, runs in results.items()
        }
        if prepared.is_reference and lines == KNOWN_LINES:
            self.expected = KNOWN_TOKENS, KNOWN_CRC32
            self.expected_from = "known for this text"
        else:
            serial = results[SERIAL][0]
            self.expected = serial.tokens, serial.crc32
            self.expected_from = "from Python's serial run, since none is known for this text"
            if prepared.is_reference:
                self.expected_from = (
                    f"from Python's serial run: the known one is of {KNOWN_LINES:,} lines"
                )

    def same(self, name):
        wanted = (self.lines, *self.expected)
        return all((run.lines, run.tokens, run.crc32) == wanted for run in self.results[name])

    def after_building(self, name):
        runs = [run.after_building for run in self.results[name]]
        return None if None in runs else statistics.median(runs)

    def table(self):
        yield (
            "| Setting | seconds, median (least to most) | without building | lines a second "
            "| of one Python process | mtask, 2 workers, against it | same ids |"
        )
        yield "|---|---|---|---|---|---|---|"
        for name, runs in self.results.items():
            seconds, every = self.seconds[name], [run.seconds for run in runs]
            after = self.after_building(name)
            cells = [
                name,
                f"{seconds:.2f} ({min(every):.2f} to {max(every):.2f})",
                "" if after is None else f"{after:.2f}",
                f"{self.lines / seconds:,.0f}",
                f"{self.seconds[SERIAL] / seconds:.2f}",
                f"{seconds / self.seconds[MTASK_TWO]:.2f} ×",
                "yes" if self.same(name) else "**NO**",
            ]
            yield f"| {' | '.join(cells)} |"

    def verdicts(self):
        """(what was asked, whether it is so) for each."""
        scaling = self.after_building(MTASK_ONE) / self.after_building(MTASK_TWO)
        text = f"mtask: 2 workers are {scaling:.2f} × as fast as 1, without building; wanted: 1.9"
        yield text, scaling >= 1.9

        processes = [name for name in self.results if name.startswith("mtasklite, processes")]
        fastest = min(processes, key=self.seconds.get)
        ratio = self.seconds[fastest] / self.seconds[MTASK_TWO]
        text = f"mtask is {ratio:.2f} × as fast as mtasklite's processes at their best; wanted: 5"
        yield f"{text} (`{fastest}`)", ratio >= 5

        python = [setting.name for setting in SETTINGS if setting.program is not None]
        best = min(python, key=self.seconds.get)
        ratio = self.seconds[best] / self.seconds[MTASK_TWO]
        yield f"mtask is {ratio:.2f} × as fast as the best of Python; wanted: over 1 ({best})", (
            ratio > 1
        )

        tokens, crc32 = self.expected
        text = f"the same ids everywhere: {tokens:,} tokens, crc32 {crc32} ({self.expected_from})"
        yield text, all(map(self.same, self.results))

    def markdown(self):
        yield "# mtask beside Python"
        yield ""
        yield f"- Text: {self.prepared.about_text}; its first {self.lines:,} lines."
        packages = ", ".join(self.prepared.packages)
        yield f"- Python {platform.python_version()}, {packages}."
        runs = {name: len(runs) for name, runs in self.results.items()}
        counts = f"runs of each setting: {min(runs.values())}, of mtask {runs[MTASK_TWO]}"
        yield f"- {os.cpu_count()} cores; {counts}; all interleaved."
        yield f"- Other programs took {self.others:.0%} of the machine meanwhile."
        if self.others > TOO_MUCH:
            yield "- **The machine was busy with something else: times and ratios decide nothing.**"
        yield ""
        yield from self.table()
        yield ""
        for text, holds in self.verdicts():
            yield f"- {'PASS' if holds else 'FAIL'}: {text}"
