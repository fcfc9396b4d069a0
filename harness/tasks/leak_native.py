"""Who asked for native memory that stays: allocations by stack (memray), down to C where symbols tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.stacks import Frame, shown_paths
from harness.tasks.frames import Growth, of_subject, sites

UNKNOWN = "<unknown>"  # memray's word for what has no symbol
Stack = tuple[tuple[str, str, int], ...]  # function, file, line; the innermost first


def profile_native(epoch: Callable[[], None], epochs: int, package: str, folder: Path, capture: Path) -> dict[str, Any]:
    """What `epochs` + 1 epochs leave, minus what one leaves: what is only replaced each time cancels out.

    folder : for the records; capture : where that of the longer run is kept, if it shows a place
    """
    try:
        from memray import FileDestination, FileReader, Tracker
    except ImportError as error:
        return {"problem": f"memray cannot be imported ({error}): install it to be told where native memory is taken"}

    def record(path: Path, times: int) -> tuple[Counter[Stack], Counter[Stack]]:
        with Tracker(destination=FileDestination(path, overwrite=True), native_traces=True):
            for _ in range(times):
                epoch()
        sizes: Counter[Stack] = Counter()
        blocks: Counter[Stack] = Counter()
        with FileReader(path) as reader:
            native = reader.metadata.has_native_traces
            for left in reader.get_leaked_allocation_records(merge_threads=True):
                stack = tuple(left.hybrid_stack_trace() if native else left.stack_trace())
                sizes[stack] += left.size
                blocks[stack] += left.n_allocations
        return sizes, blocks

    whole = folder / "whole.bin"
    sizes_before, blocks_before = record(folder / "first.bin", 1)
    sizes, blocks = record(whole, epochs + 1)
    shown = shown_paths()
    grown = of_subject(
        Growth(_frames(stack, shown), size - sizes_before[stack], blocks[stack] - blocks_before[stack])
        for stack, size in sizes.items()
    )
    found = sites(grown, package, epochs)
    if found:
        whole.replace(capture)
    return {
        "bytes_per_epoch": sum(growth.bytes for growth in grown) / epochs,
        "sites": found,
        "file": capture.name if found else None,
    }


def _frames(stack: Stack, shown: Callable[[str], str]) -> list[Frame]:
    """The innermost frame last, without those that nothing is known of."""
    return [
        Frame(function, shown(file), line)
        for function, file, line in reversed(stack)
        if (function, file) != (UNKNOWN, UNKNOWN)
    ]
