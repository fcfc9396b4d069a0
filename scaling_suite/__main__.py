"""`python -m scaling_suite`: the workload's commands."""

from scaling_suite.cli import main

if __name__ == "__main__":
    main()
