"""Peers: other trainers, side by side with melvin on one text, each in a process and an environment of its own.

`registry` names them, `scripts/` holds one small trainer each, `measured` runs one and says what it cost, `comparison`
runs them in turn and adds up.
"""
