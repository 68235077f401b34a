"""What the tests of states have in common: what `doctor` finds, and how a project is put right."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from parlant.core.loggers import Logger
from parlant_supabase import SupabaseDocumentDatabase
from parlant_supabase.local.database import SupervisedDatabase

from tests.cli.conftest import Invoke, execute, invoke, variables_for

__all__ = ["invoke"]

Findings = Callable[[SupervisedDatabase], list[dict[str, Any]]]
Deploy = Callable[[SupervisedDatabase], None]


@pytest.fixture
def findings(invoke: Invoke) -> Findings:
    """What `doctor` finds that is not ok, apart from how busy this machine is."""

    def find(database: SupervisedDatabase) -> list[dict[str, Any]]:
        report = json.loads(invoke("doctor", "--json", **variables_for(database)).stdout)
        return [
            each
            for each in report["findings"]
            if each["status"] not in ("ok", "skipped") and each["check"] != "latency"
        ]

    return find


@pytest.fixture
def run_init_print(invoke: Invoke) -> Deploy:
    """Runs what `init --print` prints, as the project's owner."""

    def run(database: SupervisedDatabase) -> None:
        execute(database, invoke("init", "--print").stdout)
        database.reload_schema()

    return run


def opened(database: SupervisedDatabase, logger: Logger, prefix: str) -> SupabaseDocumentDatabase:
    """A database of the adapter, to be entered."""
    params = {"url": database.url, "key": database.service_role_key}
    return SupabaseDocumentDatabase(logger, params, table_prefix=prefix)
