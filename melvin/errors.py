"""What can go wrong, one leaf a cause. The command line catches `MelvinError` once and prints its sentence."""


class MelvinError(Exception):
    """Root of everything the learner raises on purpose."""


class InputError(MelvinError):
    """A corpus, line or setting that cannot be learnt from as given."""


class BrainFileError(MelvinError):
    """A brain file that cannot be used; the message names the file and the section."""


class NotABrainError(BrainFileError):
    """The file is something else, or empty."""


class TruncatedBrainError(BrainFileError):
    """The file ends before its last section does, or goes on after it."""


class DamagedBrainError(BrainFileError):
    """A checksum or a structure does not hold."""


class NewerBrainError(BrainFileError):
    """The file was written by a later schema than this program knows."""


class SaveError(MelvinError):
    """The brain could not be written; what stood at the path before is untouched."""


class OutputError(MelvinError):
    """A result could not be printed."""


class ResumeError(MelvinError):
    """A training cannot go on: its input or its settings are not those that it began with."""


class LockedError(MelvinError):
    """Another training is writing the same brain."""
