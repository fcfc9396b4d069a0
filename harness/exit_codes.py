"""What the exit code of `python -m harness` says. Scripts depend on these; they never change meaning."""

from enum import IntEnum


class ExitCode(IntEnum):
    """One number per outcome; the worst one wins where several apply."""

    OK = 0
    INTERNAL_ERROR = 1
    USAGE = 2
    REGRESSION = 3  # of a candidate behind its base; of the harness itself, a canary that it missed
    BREAK = 4  # broke below the rung that was required (by default: anywhere on the ladder)
    LOSSY = 5  # what was saved is not what was loaded
    INCONCLUSIVE = 6  # noise, or too little evidence
    BASELINE = 7  # what a candidate should be held against is missing, or does not run
    LEAK = 8  # of a subject that is else well
    INTERRUPTED = 130  # Ctrl-C, SIGTERM or SIGHUP: the partial report is written
