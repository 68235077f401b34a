"""What the first replies of a project, or their absence, say about the connection to it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from parlant_supabase import remedies
from parlant_supabase.deployment.migrations import DEFAULT_SCHEMA
from parlant_supabase.diagnosis.findings import Finding
from parlant_supabase.errors import (
    AuthenticationError,
    NotDeployedError,
    PermissionDeniedError,
    SchemaNotExposedError,
    SupabaseAdapterError,
    UnavailableError,
    UnexpectedReplyError,
)
from parlant_supabase.rpc.replies import VersionReply
from parlant_supabase.versions import SQL_VERSION

_SLOW_ROUND_TRIP_S = 0.15


def check_reachability(host: str, error: SupabaseAdapterError | None) -> Finding:
    """Whether a project's API answers.

    Args:
        host: Host and port of the project.
        error: What the first call raised, if it did.
    """
    if error is None or isinstance(error, _ANSWERS):
        return Finding("reachability", "ok", f"{host} answers.")
    if isinstance(error, UnavailableError):
        return Finding(
            "reachability",
            "error",
            f"{host} answers that it cannot serve requests ({error.code}).",
            ("Try again in a moment; see the project's status in the dashboard if it persists.",),
        )
    if isinstance(error, UnexpectedReplyError):
        return Finding(
            "reachability",
            "error",
            f"What answers at {host} is not a Supabase project.",
            ("Correct SUPABASE_URL; it looks like https://your-project.supabase.co.",),
        )
    return Finding(
        "reachability",
        "error",
        f"Nothing answers at {host} ({error.__cause__ or 'no answer in time'}).",
        (
            "Correct SUPABASE_URL, or look at the network.",
            "If the project is paused, resume it in the dashboard.",
        ),
    )


def check_refusal(
    error: SupabaseAdapterError, schema: str, deploy: str, deploy_again: str
) -> Finding | None:
    """Why a project that answers has refused the first call.

    Args:
        error: What the call raised.
        schema: The schema that it was made in.
        deploy: What deploys the SQL.
        deploy_again: What restores functions and their grants.
    """
    if isinstance(error, AuthenticationError):
        return Finding(
            "key",
            "error",
            "The project refuses SUPABASE_KEY as wrong or expired.",
            ("Copy the secret or service_role key of this very project again.",),
        )
    if isinstance(error, SchemaNotExposedError):
        remedy = f"Expose it (dashboard: Settings, API, Exposed schemas): {schema}"
        return Finding(
            "SQL version",
            "error",
            f"The API does not expose the schema {schema}.",
            (remedy,)
            if schema == DEFAULT_SCHEMA
            else (remedy, "Or, if the SQL was deployed to public: unset SUPABASE_SCHEMA"),
        )
    if isinstance(error, NotDeployedError):
        return Finding(
            "SQL version",
            "error",
            f"The functions of parlant-supabase are not in the schema {schema}.",
            (
                f"Deploy them: {deploy}",
                f"If that says that the database is up to date: {deploy_again}",
                "Or, if they are in another schema, set SUPABASE_SCHEMA to it.",
            ),
        )
    if isinstance(error, PermissionDeniedError):
        return Finding(
            "privileges",
            "error",
            "SUPABASE_KEY may not call the functions of parlant-supabase.",
            ("If it is a secret or service_role key, the grants are gone:", deploy_again),
        )
    return None


def check_latency(seconds: Sequence[float]) -> Finding:
    """Whether round trips are short enough for conversations.

    Args:
        seconds: How long each of a few round trips took.
    """
    middle = median(seconds)
    text = f"A round trip takes {middle * 1000:,.0f} ms (median of {len(seconds)})."
    if middle <= _SLOW_ROUND_TRIP_S:
        return Finding("latency", "ok", text)
    return Finding(
        "latency",
        "warning",
        text,
        (
            "A turn of a conversation makes many requests one after another: run the agent in the "
            "project's region.",
        ),
    )


def check_version(deployed: VersionReply, deploy: str) -> Finding:
    """Whether the deployed SQL is one that this adapter works with.

    Args:
        deployed: The reply of parlant_get_version().
        deploy: What deploys the SQL.
    """
    version = deployed["sql_version"]
    if version < SQL_VERSION:
        return Finding(
            "SQL version",
            "error",
            f"Version {version} of the SQL is deployed, this adapter needs {SQL_VERSION}.",
            (f"Deploy what is new: {deploy}",),
        )
    if deployed["compatible_since"] > SQL_VERSION:
        return Finding(
            "SQL version",
            "error",
            f"Version {version} of the SQL is deployed, too new for this adapter (version "
            f"{SQL_VERSION}).",
            (remedies.upgrade(),),
        )
    return Finding("SQL version", "ok", f"Version {version} is deployed.")


_ANSWERS = (AuthenticationError, SchemaNotExposedError, NotDeployedError, PermissionDeniedError)
