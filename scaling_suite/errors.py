"""What can go wrong while a workload is prepared or run: one root, leaves with a sentence each."""


class WorkloadError(Exception):
    """The workload asked for cannot be made; the message says what was found, expected, and what to do."""


class SizeError(WorkloadError):
    """A size such as '10MB' was expected and something else was given."""


class SourceError(WorkloadError):
    """The source of a corpus is missing, unreadable, or too small for the rung asked."""


class BehaviourFileError(WorkloadError):
    """A behaviours file does not hold what its format asks for."""


class OutputError(WorkloadError):
    """A file that is asked for cannot be written."""


class BrainError(WorkloadError):
    """A brain that cannot be opened, or asked."""


class PeerError(WorkloadError):
    """A trainer that is compared cannot be installed, or fails."""
