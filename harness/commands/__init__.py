"""The commands of `python -m harness`, one module each: options in, one call, views out."""
