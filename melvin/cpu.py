"""Choose numpy's sort for this processor, before numpy is imported.

Counting is sorting. numpy's AVX-512 sort stores through a compress instruction that AMD processors run in microcode:
measured on an EPYC with numpy 2.4, 10 M 6-gram keys cost 72 ns each with AVX-512 and 16 ns with AVX2. So there numpy is
asked, by its own environment variable, to leave AVX-512 out. What is computed does not depend on it. A user's own
setting is left alone.
"""

import os
import sys
from importlib import metadata
from pathlib import Path

VARIABLE = "NPY_DISABLE_CPU_FEATURES"
FLAG_BY_FEATURE = {
    "X86_V4": "avx512vl",
    "AVX512_ICL": "avx512_vbmi2",
    "AVX512_SPR": "avx512_fp16",
}  # numpy's names since 2.4, and the processor flag without which numpy would warn that there is nothing to leave out


def prefer_fast_sort(cpuinfo: Path = Path("/proc/cpuinfo")) -> None:
    """Set the variable on AMD processors with AVX-512; does nothing once numpy is imported, or on other systems."""
    if "numpy" in sys.modules or VARIABLE in os.environ or not cpuinfo.exists():
        return
    if tuple(int(part) for part in metadata.version("numpy").split(".")[:2]) < (2, 4):
        return
    text = cpuinfo.read_text(errors="replace")
    flags = next((line.split() for line in text.splitlines() if line.startswith("flags")), [])
    if "AuthenticAMD" in text and "avx512vl" in flags:
        os.environ[VARIABLE] = " ".join(name for name, flag in FLAG_BY_FEATURE.items() if flag in flags)
