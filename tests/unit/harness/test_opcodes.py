"""What is counted of Python is exact."""

import sys

from harness.opcodes import count_opcodes


def add_up(times):
    total = 0
    for number in range(times):
        total += number
    return total


def counted(work):
    """The second count: see `count_opcodes`."""
    count_opcodes(work)
    return count_opcodes(work)


def test_the_same_work_takes_the_same_opcodes_and_each_round_as_many():
    some, more, most = (counted(lambda n=n: add_up(n)) for n in (1_000, 2_000, 3_000))
    assert some == counted(lambda n=1_000: add_up(n))
    assert most - more == more - some > 3_000


def test_what_functions_call_counts_too():
    assert counted(lambda: [add_up(100) for _ in range(10)]) > 10 * counted(lambda: add_up(100)) - 100


def test_who_traced_before_traces_on():
    def tracer(*_):
        return None

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        count_opcodes(lambda: add_up(10))
        assert sys.gettrace() is tracer
    finally:
        sys.settrace(before)
