"""Where the Supabase project is and with which key to use it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from parlant_supabase.errors import ConfigurationError
from parlant_supabase.validation import check_type

_ENVIRONMENT = {"url": "SUPABASE_URL", "key": "SUPABASE_KEY", "schema": "SUPABASE_SCHEMA"}
_DEFAULT_SCHEMA = "public"


@dataclass(frozen=True)
class ConnectionSettings:
    """URL, key and schema of a Supabase project.

    Attributes:
        url: The project's URL, such as https://your-project.supabase.co.
        key: The secret or service_role key.
        schema: The schema that the SQL was deployed to.
    """

    url: str
    key: str = field(repr=False)
    schema: str = _DEFAULT_SCHEMA

    @classmethod
    def resolve(cls, params: Mapping[str, Any] | None) -> ConnectionSettings:
        """Settings from `url`, `key` and `schema`, and from the environment for what is missing.

        Raises:
            ConfigurationError: A setting is missing or cannot be right.
        """
        if params is not None:
            check_type(
                "connection_params",
                params,
                Mapping,
                'Pass a dict such as {"url": …, "key": …}, or set SUPABASE_URL and SUPABASE_KEY.',
            )
        given = dict(params or {})
        unknown = sorted(given.keys() - _ENVIRONMENT.keys())
        if unknown:
            raise ConfigurationError(
                f"unknown connection parameter {unknown[0]!r}. "
                "The parameters are url, key and schema."
            )
        return cls._with_environment(given, takes_arguments=True)

    @classmethod
    def from_environment(cls) -> ConnectionSettings:
        """Settings from the environment alone, as on the command line.

        Raises:
            ConfigurationError: A setting is missing or cannot be right.
        """
        return cls._with_environment({}, takes_arguments=False)

    @classmethod
    def _with_environment(
        cls, given: Mapping[str, Any], *, takes_arguments: bool
    ) -> ConnectionSettings:
        values = {
            name: given.get(name) or os.environ.get(variable, "").strip()
            for name, variable in _ENVIRONMENT.items()
        }
        for name in ("url", "key"):
            if not values[name]:
                or_pass = (
                    f", or pass connection_params={{{name!r}: ...}}" if takes_arguments else ""
                )
                raise ConfigurationError(
                    f"the {name} of the Supabase project is missing. Set {_ENVIRONMENT[name]}"
                    f"{or_pass}; the dashboard shows it under Settings, API."
                )
        for name, value in values.items():
            if not isinstance(value, str):
                raise ConfigurationError(
                    f"connection parameter {name!r} must be a string, got {type(value).__name__}."
                )
        if not _is_url(values["url"]):
            raise ConfigurationError(
                "SUPABASE_URL is not a URL. It looks like https://your-project.supabase.co."
            )
        if not values["key"].isascii() or any(character.isspace() for character in values["key"]):
            raise ConfigurationError(
                "SUPABASE_KEY holds white space or characters that no key has. Copy it again."
            )
        if mistaken := mistaken_for_key(values["key"]):
            raise ConfigurationError(
                f"SUPABASE_KEY is {mistaken}. Set it to the project's secret or service_role key; "
                "the dashboard shows it under Settings, API."
            )
        if not values["schema"].isascii() or not values["schema"].isprintable():
            raise ConfigurationError(
                "SUPABASE_SCHEMA holds characters that cannot be sent as a schema's name. "
                "Leave it out unless you deployed the SQL to a schema other than public."
            )
        return cls(values["url"], values["key"], values["schema"] or _DEFAULT_SCHEMA)


def mistaken_for_key(key: str) -> str | None:
    """What a key is that has the form of something else; None if it may be a project's key."""
    if "://" in key:
        return "a URL"
    if key.startswith("sbp_"):
        return "an access token of your account, not a project's key"
    return None


def _is_url(text: str) -> bool:
    if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", text):
        return False
    try:
        parts = urlsplit(text)
        # Reading the port checks it.
        return parts.hostname is not None and parts.port != 0
    except ValueError:
        return False
