"""What can go wrong, each with one sentence for the person at the keyboard. Caught once, in `cli`."""

from typing import ClassVar

from harness.exit_codes import ExitCode


class HarnessError(Exception):
    """Root of everything that the harness raises on purpose."""

    exit_code: ClassVar[ExitCode] = ExitCode.USAGE


class SubjectError(HarnessError):
    """What should be measured is not named in a form that is known, or cannot be found."""


class SubjectMissing(SubjectError):
    """A Python subject cannot be imported, or its module has no such class: only its worker finds out."""


class BaselineError(HarnessError):
    """What a candidate should be held against is not there, or does not run."""

    exit_code = ExitCode.BASELINE


class WorkloadFailed(HarnessError):
    """The text of a rung could not be made."""


class LauncherError(HarnessError):
    """The process that starts workers is gone, or said something that is not understood."""

    exit_code = ExitCode.INTERNAL_ERROR


class ReportError(HarnessError):
    """A report cannot be read: not there, damaged, or of a version that this harness does not know."""


class OutputError(HarnessError):
    """The folder for the results cannot be written."""


class Interrupted(HarnessError):
    """A person or a service asked the harness to stop."""

    exit_code = ExitCode.INTERRUPTED

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"stopped by signal {signal_number}")
        self.signal_number = signal_number
