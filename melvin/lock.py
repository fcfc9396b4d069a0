"""One writer: while a training runs it holds the lock of its brain, and another one is refused.

The lock is an flock on a file beside the brain. The kernel lets go of it when its holder dies, however it dies, so a
lock file that was left behind is never in the way. Readers take no lock: a brain file is replaced, never changed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from melvin.errors import LockedError, SaveError


class Lock:
    """Held from entry to exit of the `with` block.

    Raises
    ------
    LockedError : another process holds it; the message names the process
    SaveError : the path is that of a folder, or the folder of the brain cannot be written
    """

    def __init__(self, brain: Path) -> None:
        if not brain.name:
            raise SaveError(f"{brain} is a folder: name a brain file")
        self._brain = brain
        self._path = brain.with_name(f".{brain.name}.lock")
        self._descriptor = -1

    def __enter__(self) -> Lock:
        try:
            while not self._take():
                pass
        except OSError as error:
            raise SaveError(
                f"cannot write beside {self._brain}: {error.strerror}: make the folder writable, or name another path"
            ) from error
        return self

    def _take(self) -> bool:
        """True when it is ours; False when its file was removed meanwhile by one who let go, and it is to try again."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not self._path.exists() or not os.path.samestat(os.fstat(descriptor), self._path.stat()):
                os.close(descriptor)
                return False
            os.ftruncate(descriptor, 0)
            os.write(descriptor, b"%d\n" % os.getpid())
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).strip().decode("ascii", "replace")
            os.close(descriptor)
            raise LockedError(
                f"another training (process {holder or 'unknown'}) is writing {self._brain}: "
                "wait for it, or name another path"
            ) from None
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return True

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # the folder may be gone, or not ours any more
            self._path.unlink()
        os.close(self._descriptor)
