"""Capabilities, measured: one module each, with generated input, a figure, and what guessing would reach."""
