"""`python -m melvin`."""

from melvin.cli import main

main()
