"""Unit tests run without the local stack and without its driver of Postgres."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def stack() -> None:
    """Fails a test that asks for the stack, directly or through another fixture."""
    pytest.fail("a unit test has no stack; move the test to the folder of what it tests")
