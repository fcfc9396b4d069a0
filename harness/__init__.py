"""Diagnostics for learners: walk a trainer up a ladder of sizes, find where it breaks, and say why.

Two halves, one wire. The orchestrating half (`cli`, `commands`, `ladder`, `verdict`, `report`) never imports
numpy or a learner. It starts `launcher`, a small process, which starts `worker` processes; only a worker
imports what is measured.
"""

__version__ = "0.1.0"
