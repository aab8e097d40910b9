"""How much of the machine other programs took while something was measured. Linux only."""

import os
import pathlib
import time

# Over this share of all cores' time, the figures say more of the others than of the settings.
TOO_MUCH = 0.05


class Others:
    def __init__(self):
        self.start = time.monotonic()
        self.busy, self.own = busy(), own()

    def share(self):
        """Since this was made, of the time of all cores; its own programs have to have ended."""
        seconds = (time.monotonic() - self.start) * os.cpu_count()
        return max(0.0, (busy() - self.busy - (own() - self.own)) / seconds)


def busy():
    """Seconds that all cores together have worked."""
    fields = pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9]
    user, nice, system, _idle, _wait, irq, softirq, steal = map(int, fields)
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def own():
    """Seconds that this program and those it has run have worked."""
    return sum(os.times()[:4])
