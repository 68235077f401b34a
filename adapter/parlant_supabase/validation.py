"""Refuses a wrong argument where it is passed, before anything is opened or sent."""

from __future__ import annotations

import math

from parlant_supabase.errors import ConfigurationError


def check_type(name: str, value: object, expected: type, remedy: str) -> None:
    """Refuses what is of another type.

    Args:
        name: The argument's name.
        value: What was passed.
        expected: What it must be an instance of.
        remedy: What to pass, a sentence.

    Raises:
        ConfigurationError: It is of another type.
    """
    if not isinstance(value, expected):
        raise ConfigurationError(
            f"{name} must be {_article(expected.__name__)}, got {_described(value)}. {remedy}"
        )


def check_seconds(name: str, value: object) -> None:
    """Refuses what is not a time that can pass.

    Raises:
        ConfigurationError: It is not a positive, finite number.
    """
    _check_duration(name, value, "Pass seconds, such as 60.0.")


def check_days(name: str, value: object) -> None:
    """Refuses what is not a number of days.

    Raises:
        ConfigurationError: It is not a positive, finite number.
    """
    _check_duration(name, value, "Pass days, such as 90.")


def _check_duration(name: str, value: object, remedy: str) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ConfigurationError(f"{name} must be a number, got {_described(value)}. {remedy}")
    if not 0 < value < math.inf:
        raise ConfigurationError(f"{name} must be positive and finite, got {value}. {remedy}")


def check_prefix(name: str, value: object, example: str = "parlant_sessions_") -> None:
    """Refuses what no table's name can begin with; the database knows the rest.

    Raises:
        ConfigurationError: It is no string, or empty.
    """
    check_type(name, value, str, f"Name one such as {example}, or leave it out.")
    if not value:
        raise ConfigurationError(f"{name} is empty. Name one such as {example}, or leave it out.")


def _article(name: str) -> str:
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def _described(value: object) -> str:
    # The type alone: what was passed in the wrong place may be a key.
    return "None" if value is None else _article(type(value).__name__)
