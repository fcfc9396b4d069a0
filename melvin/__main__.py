"""`python -m melvin`."""

from melvin import signals
from melvin.cli import main

signals.hear_ctrl_c()
main()
