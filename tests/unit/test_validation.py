"""Wrong arguments are refused where they are passed, with a sentence."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from parlant_supabase import ConfigurationError
from parlant_supabase.validation import check_days, check_prefix, check_seconds, check_type


def refusal(check: Callable[..., None], *arguments: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        check(*arguments)
    return str(caught.value)


class Item:
    pass


@pytest.mark.parametrize(
    ("value", "expected", "message"),
    [
        (1, str, "x must be a str, got an int. Pass it."),
        ("secret", int, "x must be an int, got a str. Pass it."),
        (None, Item, "x must be an Item, got None. Pass it."),
        (Item(), dict, "x must be a dict, got an Item. Pass it."),
    ],
)
def test_that_another_type_is_refused_without_the_value(
    value: Any, expected: type, message: str
) -> None:
    assert refusal(check_type, "x", value, expected, "Pass it.") == message


def test_that_the_right_type_is_accepted() -> None:
    check_type("x", True, int, "Pass it.")


@pytest.mark.parametrize("value", [1, 0.001, 60.0, 10**9])
def test_that_seconds_are_accepted(value: float) -> None:
    check_seconds("timeout", value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (True, "timeout must be a number, got a bool."),
        ("60", "timeout must be a number, got a str."),
        (None, "timeout must be a number, got None."),
        (0, "timeout must be positive and finite, got 0."),
        (-1.5, "timeout must be positive and finite, got -1.5."),
        (math.inf, "timeout must be positive and finite, got inf."),
        (math.nan, "timeout must be positive and finite, got nan."),
    ],
)
def test_that_a_time_that_cannot_pass_is_refused(value: Any, message: str) -> None:
    assert refusal(check_seconds, "timeout", value) == f"{message} Pass seconds, such as 60.0."


def test_that_days_are_a_number_too() -> None:
    check_days("keep_days", 0.5)

    remedy = "Pass days, such as 90."
    assert refusal(check_days, "keep_days", "90") == (
        f"keep_days must be a number, got a str. {remedy}"
    )
    assert refusal(check_days, "keep_days", 0) == (
        f"keep_days must be positive and finite, got 0. {remedy}"
    )


def test_that_a_prefix_is_accepted() -> None:
    check_prefix("table_prefix", "a")


def test_that_what_is_no_prefix_is_refused() -> None:
    remedy = "Name one such as parlant_sessions_, or leave it out."
    assert refusal(check_prefix, "table_prefix", "") == f"table_prefix is empty. {remedy}"
    assert refusal(check_prefix, "table_prefix", 1) == (
        f"table_prefix must be a str, got an int. {remedy}"
    )
    assert refusal(check_prefix, "p", "", "acme_") == (
        "p is empty. Name one such as acme_, or leave it out."
    )
