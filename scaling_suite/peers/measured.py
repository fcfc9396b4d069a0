"""Measured: run one command and write what it cost. Run as a script: RESULT COMMAND...

A small process of its own: a child that is started by a large one reports the large one's peak memory as its own. What
the child waited for counts with it, and so do its threads.
"""

import json
import os
import sys
import time
from pathlib import Path

KIB = 1024


def run(command: list[str]) -> dict[str, float | int]:
    """Run a command to its end. -> exit_code, cpu_s, wall_s, peak_rss_bytes"""
    begun = time.monotonic()
    _, status, usage = os.wait4(os.posix_spawn(command[0], command, os.environ), 0)
    return {
        "exit_code": os.waitstatus_to_exitcode(status),
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "wall_s": time.monotonic() - begun,
        "peak_rss_bytes": usage.ru_maxrss * KIB,
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(run(sys.argv[2:])))
