"""Checks, in order, what can keep an agent from working with a Supabase project."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from parlant_supabase import remedies
from parlant_supabase.deployment.migrations import DEFAULT_SCHEMA, migrations_for
from parlant_supabase.diagnosis.connection_checks import (
    check_latency,
    check_reachability,
    check_refusal,
    check_version,
)
from parlant_supabase.diagnosis.database_checks import (
    check_caches,
    check_clock,
    check_failed_documents,
    check_indexes,
    check_privileges,
    check_row_level_security,
    check_tables,
    check_views,
)
from parlant_supabase.diagnosis.findings import Finding, complete
from parlant_supabase.diagnosis.settings_checks import check_environment, check_key, check_url
from parlant_supabase.errors import (
    ConfigurationError,
    NotDeployedError,
    PermissionDeniedError,
    SupabaseAdapterError,
)
from parlant_supabase.rpc.client import RpcClient
from parlant_supabase.rpc.functions import DESCRIBE_CACHES, DIAGNOSE, GET_VERSION
from parlant_supabase.rpc.replies import CollectionDiagnosis
from parlant_supabase.settings import ConnectionSettings
from parlant_supabase.stores.parlant_stores import parlant_stores

Report = Callable[[str], None]

_TIMEOUT_S = 10.0
_ROUND_TRIPS = 5

_SECTION = re.compile(r"^-- >>> sql/(\S+)\n(.*?)^-- <<<\n", re.MULTILINE | re.DOTALL)
_GRANT = re.compile(r"^grant execute on function\s+\w+\.(\w+)\(", re.MULTILINE)


@dataclass(frozen=True)
class Diagnosis:
    """What the checks came to.

    Attributes:
        findings: Of every check at least one.
        collections: What parlant_diagnose() says of each collection; none if it could not be asked.
    """

    findings: Sequence[Finding]
    collections: Sequence[CollectionDiagnosis]

    @property
    def is_ready(self) -> bool:
        """Whether there is no error."""
        return all(finding.status != "error" for finding in self.findings)


async def diagnose(report: Report) -> Diagnosis:
    """Checks the environment of this process and the project that it names.

    Args:
        report: Is told what is being done, as it can take seconds.
    """
    url = os.environ.get("SUPABASE_URL", "").strip()
    key = os.environ.get("SUPABASE_KEY", "").strip()
    findings = [check_environment(os.environ, Path())]
    if url:
        findings.append(check_url(url))
    if key:
        findings.append(check_key(key, url, datetime.now(timezone.utc)))
    # A key that looks wrong still shows whether the project answers.
    if any(each.status == "error" and each.check != "key" for each in findings):
        return Diagnosis(complete(findings), [])
    try:
        settings = ConnectionSettings.from_environment()
    except ConfigurationError:
        return Diagnosis(complete(findings), [])

    async with RpcClient(settings, timeout=_TIMEOUT_S) as rpc:
        return await _diagnose_project(rpc, settings, findings, report)


async def _diagnose_project(
    rpc: RpcClient, settings: ConnectionSettings, findings: list[Finding], report: Report
) -> Diagnosis:
    host = urlsplit(settings.url).netloc.rpartition("@")[2]
    option = "" if settings.schema == DEFAULT_SCHEMA else f" --schema {settings.schema}"
    deploy = remedies.deploy(settings.schema)
    deploy_again = (
        f"Run what `parlant-supabase init --print{option}` prints in the dashboard's SQL editor."
    )

    report("Reaching the project")
    try:
        deployed = await rpc.call(GET_VERSION, {}, "reaching the project")
    except SupabaseAdapterError as error:
        findings.append(check_reachability(host, error))
        refusal = check_refusal(error, settings.schema, deploy, deploy_again)
        if refusal is not None:
            findings = _with_refusal(findings, refusal)
        return Diagnosis(complete(findings), [])
    findings.append(check_reachability(host, None))

    report("Measuring round trips")
    findings.append(check_latency([await _round_trip(rpc) for _ in range(_ROUND_TRIPS)]))
    version = check_version(deployed, deploy)
    findings.append(version)
    if version.status == "error":
        return Diagnosis(complete(findings), [])

    report("Examining the database")
    functions, indexes = needed_functions(), await _requested_indexes()
    sent_at = time.time()
    try:
        facts = await rpc.call(
            DIAGNOSE,
            {"p_functions": functions, "p_indexes": indexes},
            "examining the database",
        )
        received_at = time.time()
        caches = await rpc.call(DESCRIBE_CACHES, {}, "looking at the caches")
    except (NotDeployedError, PermissionDeniedError) as error:
        findings.append(
            Finding(
                "privileges", "error", f"The database cannot be examined: {error}", (deploy_again,)
            )
        )
        return Diagnosis(complete(findings), [])
    findings += [
        *check_privileges(facts, deploy_again),
        *check_row_level_security(facts),
        *check_tables(facts),
        check_failed_documents(facts),
        *check_indexes(facts),
        *check_views(facts),
        *check_caches(caches["caches"]),
        check_clock(facts, sent_at, received_at),
    ]
    return Diagnosis(complete(findings), facts["collections"])


def needed_functions() -> list[str]:
    """The functions that the package's migrations let its caller execute."""
    deployed = {
        section[1]: section[2]
        for migration in migrations_for(DEFAULT_SCHEMA)
        for section in _SECTION.finditer(migration.text)
    }
    return sorted({name for text in deployed.values() for name in _GRANT.findall(text)})


async def _requested_indexes() -> dict[str, list[dict[str, Any]]]:
    """The indexes that Parlant's stores ask for, by collection, as the database takes them."""
    return {
        collection: [
            {
                "fields": [[field, direction.name.lower()] for field, direction in index.fields],
                "unique": index.unique,
            }
            for index in indexes
        ]
        for store in await parlant_stores()
        for collection, indexes in store.indexes.items()
    }


async def _round_trip(rpc: RpcClient) -> float:
    """How many seconds one call takes."""
    started = time.perf_counter()
    await rpc.call(GET_VERSION, {}, "measuring a round trip")
    return time.perf_counter() - started


def _with_refusal(findings: Sequence[Finding], refusal: Finding) -> list[Finding]:
    """The findings with what the project's refusal says, unless the key's look has said more."""
    key_is_wrong = any(each.check == "key" and each.status == "error" for each in findings)
    if key_is_wrong and refusal.check in ("key", "privileges"):
        return list(findings)
    return [*(each for each in findings if each.check != refusal.check), refusal]
