"""Feeding: files of any type in, frames on ports out, merged by time. `readers.py` has one reader a type."""

from melvin.feeding.files import Fed, feed

__all__ = ["Fed", "feed"]
