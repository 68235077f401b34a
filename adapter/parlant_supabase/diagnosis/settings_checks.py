"""What can be told of the settings without asking anybody."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import jwt

from parlant_supabase.diagnosis.findings import Finding
from parlant_supabase.errors import ConfigurationError
from parlant_supabase.settings import ConnectionSettings, mistaken_for_key

_OTHER_NAMES_OF_THE_KEY = (
    "SUPABASE_SERVICE_ROLE_KEY",
    "SUPABASE_SERVICE_KEY",
    "SUPABASE_SECRET_KEY",
)
_HOSTED = re.compile(r"(?P<project>[a-z0-9]{20})\.supabase\.co")
_LOOPBACK = re.compile(r"localhost|127\.[0-9.]+|::1")
_EXAMPLE_URL = "https://your-project.supabase.co"
_SET_KEY = (
    "Set SUPABASE_KEY to the secret or service_role key of this project "
    "(dashboard: Settings, API keys)."
)


def check_environment(environment: Mapping[str, str], folder: Path) -> Finding:
    """Whether the variables are set that the adapter reads.

    Args:
        environment: The environment variables.
        folder: Where a file .env may be that nobody has loaded.
    """
    missing = [
        name for name in ("SUPABASE_URL", "SUPABASE_KEY") if not environment.get(name, "").strip()
    ]
    if not missing:
        schema = environment.get("SUPABASE_SCHEMA", "").strip()
        return Finding(
            "environment",
            "ok",
            "SUPABASE_URL and SUPABASE_KEY are set; "
            + (f"SUPABASE_SCHEMA is {schema}." if schema else "the schema is public."),
        )

    remedies = []
    if "SUPABASE_URL" in missing:
        remedies.append(
            f"Set SUPABASE_URL to the project's URL, such as {_EXAMPLE_URL} "
            "(dashboard: Settings, API)."
        )
    if "SUPABASE_KEY" in missing:
        other = next((name for name in _OTHER_NAMES_OF_THE_KEY if environment.get(name)), None)
        remedies.append(
            f'{other} is set, but SUPABASE_KEY is read: export SUPABASE_KEY="${other}"'
            if other
            else _SET_KEY
        )
    if (folder / ".env").is_file():
        remedies.append("If they stand in .env, load it: set -a; . ./.env; set +a")
    verb = "is" if len(missing) == 1 else "are"
    return Finding(
        "environment", "error", f"{' and '.join(missing)} {verb} not set.", tuple(remedies)
    )


def check_url(url: str) -> Finding:
    """Whether the URL has the form of a project's.

    What stands in a URL is repeated only where it can hold no password.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return _wrong_url("is not a URL.", _EXAMPLE_URL)

    if parts.scheme in ("postgres", "postgresql"):
        return _wrong_url("is the address of the database, not of the project's API.", _EXAMPLE_URL)
    if host.endswith("supabase.com"):
        project = re.search(r"/project/([a-z0-9]{20})(?:/|$)", parts.path)
        return _wrong_url(
            "is a page of the dashboard.",
            f"https://{project[1]}.supabase.co" if project else _EXAMPLE_URL,
        )
    if "://" not in url:
        scheme = "http" if _LOOPBACK.match(url) else "https"
        plain = re.fullmatch(r"[A-Za-z0-9.:-]+/*", url)
        return _wrong_url(
            "does not say how to connect.",
            f"{scheme}://{url.rstrip('/')}" if plain else _EXAMPLE_URL,
        )
    if parts.path.rstrip("/").endswith("/rest/v1"):
        return _wrong_url("goes too far: /rest/v1 is added to it.", _without_path(parts))
    try:
        ConnectionSettings.resolve({"url": url, "key": "any"})
    except ConfigurationError:
        return _wrong_url("is not a URL.", _EXAMPLE_URL)
    if parts.scheme == "http" and not _LOOPBACK.fullmatch(host):
        return Finding(
            "URL",
            "warning",
            f"SUPABASE_URL ({host}) has http://, so the key and all documents travel unencrypted.",
            ("Use https://.",),
        )
    return Finding("URL", "ok", f"SUPABASE_URL is {_without_path(parts)}.")


def check_key(key: str, url: str, now: datetime) -> Finding:
    """Which kind of key it is, for which role and project, and whether it has expired.

    Only the database can tell whether it is the right one.
    """
    if mistaken := mistaken_for_key(key):
        return _wrong_key(f"SUPABASE_KEY is {mistaken}.")
    try:
        ConnectionSettings.resolve({"url": _EXAMPLE_URL, "key": key})
    except ConfigurationError:
        return Finding(
            "key",
            "error",
            "SUPABASE_KEY holds white space or characters that no key has.",
            ("Copy it again (dashboard: Settings, API keys).",),
        )
    if key.startswith("sb_secret_"):
        return Finding("key", "ok", "SUPABASE_KEY is a secret key.")
    if key.startswith("sb_publishable_"):
        return _wrong_key("SUPABASE_KEY is a publishable key, which may do nothing here.")
    try:
        claims = jwt.decode(key, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return Finding(
            "key",
            "warning",
            "SUPABASE_KEY is neither a secret key (sb_secret_…) nor a JWT.",
            (_SET_KEY,),
        )
    return _check_claims(claims, url, now)


def _check_claims(claims: Mapping[str, object], url: str, now: datetime) -> Finding:
    role = claims.get("role")
    if role in ("anon", "authenticated", None):
        described = f"for the role {role}" if role else "without a role"
        return _wrong_key(f"SUPABASE_KEY is a key {described}, which may do nothing here.")

    expires = claims.get("exp")
    if isinstance(expires, (int, float)) and expires <= now.timestamp():
        day = datetime.fromtimestamp(expires, timezone.utc).date()
        return _wrong_key(f"SUPABASE_KEY expired on {day}.")

    project = _HOSTED.fullmatch(urlsplit(url).hostname or "") if "://" in url else None
    key_project = claims.get("ref")
    if project and isinstance(key_project, str) and key_project != project["project"]:
        return _wrong_key(
            f"SUPABASE_KEY is of the project {key_project}, "
            f"SUPABASE_URL of the project {project['project']}."
        )
    if role != "service_role":
        return Finding(
            "key",
            "warning",
            f"SUPABASE_KEY is a key for the role {role}, which may do what you have granted it.",
            (_SET_KEY,),
        )
    return Finding("key", "ok", "SUPABASE_KEY is a service_role key.")


def _without_path(parts: SplitResult) -> str:
    # Without what a URL may have before the host, which is secret.
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _wrong_url(what: str, right: str) -> Finding:
    return Finding("URL", "error", f"SUPABASE_URL {what}", (f"Set SUPABASE_URL={right}",))


def _wrong_key(what: str) -> Finding:
    return Finding("key", "error", what, (_SET_KEY,))
