"""Shared by all tests: the slow twins are importable as `twins`, examples take their time, and Ctrl-C is heard."""

import signal

from hypothesis import HealthCheck, settings

settings.register_profile(
    "tests", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("tests")


def pytest_configure(config):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has what it runs in the background ignore it
    # A failing example with a graph in it is shown in full, and would be reported as this warning instead.
    config.addinivalue_line("filterwarnings", "ignore:Generating overly large repr")
