"""Unit tests run without the local stack and without its driver of Postgres."""

from __future__ import annotations

import os
import sys

import pytest

if "MUTANT_UNDER_TEST" in os.environ:
    # mutmut puts a function of its own around each, so recursion needs more frames there.
    sys.setrecursionlimit(4 * sys.getrecursionlimit())


@pytest.fixture(scope="session")
def stack() -> None:
    """Fails a test that asks for the stack, directly or through another fixture."""
    pytest.fail("a unit test has no stack; move the test to the folder of what it tests")
