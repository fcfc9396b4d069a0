"""The stages of a rung, in the order in which they run; every report uses these names.

`parse`, `count` and `consolidate` repeat once per block or generation; the other stages happen once.
"""

STAGES = ("read", "parse", "count", "consolidate", "save", "load", "verify", "query", "resume")
