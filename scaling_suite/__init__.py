"""The workload: sizes, stages, rungs, a corpus generator and behaviour tables. Nothing here measures."""
