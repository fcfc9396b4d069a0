"""The commands that are many lines: one module for a group of them, added to the group in `melvin.cli`."""
