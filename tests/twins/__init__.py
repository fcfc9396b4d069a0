"""Slow twins: what each vectorised function computes, written as the obvious loop.

They share no code with `melvin`, only its constants; the property tests hold the one to the other.
"""
