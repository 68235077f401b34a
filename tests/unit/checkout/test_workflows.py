"""The forge's workflows try what the package says that it works with, by targets that exist."""

from __future__ import annotations

import json
import re
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.checkout import CHECKOUT

WORKFLOWS = sorted((CHECKOUT / ".github" / "workflows").glob("*.yml"))
HOSTS = re.compile(r"https?://|\b[\w-]+\.(?:com|org|io|dev|net)\b")


def load(path: Path) -> Any:
    return YAML(typ="safe").load(path)


@pytest.fixture
def jobs() -> dict[str, Any]:
    jobs: dict[str, Any] = load(CHECKOUT / ".github" / "workflows" / "check.yml")["jobs"]
    return jobs


@pytest.mark.parametrize("job", ["test", "install"])
def test_that_each_python_of_the_classifiers_is_tried(jobs: dict[str, Any], job: str) -> None:
    prefix = "Programming Language :: Python :: 3."
    classifiers = metadata("parlant-supabase").get_all("Classifier") or []
    supported = [name.rpartition(" ")[2] for name in classifiers if name.startswith(prefix)]

    assert jobs[job]["strategy"]["matrix"]["python"] == supported
    assert len(supported) >= 4


def test_that_both_versions_of_postgres_are_tried(jobs: dict[str, Any]) -> None:
    matrix = jobs["test"]["strategy"]["matrix"]
    tried = [*matrix["postgres"], *(each["postgres"] for each in matrix["include"])]
    pinned = [
        json.loads((CHECKOUT / folder / "package.json").read_text("utf-8"))["dependencies"]
        for folder in (".", "requirements/postgres15")
    ]

    assert tried == [each["embedded-postgres"].partition(".")[0] for each in pinned]


def test_that_every_target_is_in_the_makefile(jobs: dict[str, Any]) -> None:
    matrix = jobs["test"]["strategy"]["matrix"]
    named = {*matrix["target"], *(each["target"] for each in matrix["include"])}
    steps = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    named |= {match[1] for run in steps if (match := re.match(r"make ([\w-]+)", run))}
    targets = re.findall(r"^([\w-]+):", (CHECKOUT / "Makefile").read_text("utf-8"), re.MULTILINE)

    assert {"lint", "test", "test-postgres15", "test-wheel", "build"} <= named
    assert named <= set(targets)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_that_a_workflow_names_no_host_and_writes_only_where_it_must(workflow: Path) -> None:
    assert not HOSTS.findall(workflow.read_text("utf-8"))
    assert load(workflow)["permissions"] == {"contents": "read"}
