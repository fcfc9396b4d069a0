"""`python -m harness`."""

from harness.cli import main
from harness.console import open_all_streams

if __name__ == "__main__":
    open_all_streams()
    main()
