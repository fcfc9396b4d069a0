"""Faults, swept: at every point where a save, a load or a training can be hit, what is left on the disk is judged."""
