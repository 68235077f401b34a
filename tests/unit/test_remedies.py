"""The commands in messages name what the package was installed from, and can be pasted."""

from __future__ import annotations

import json
import shlex
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest
from parlant_supabase import remedies


class Installed:
    """A distribution of which pip noted this origin."""

    def __init__(self, origin: str | None) -> None:
        self._origin = origin

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return self._origin


@pytest.fixture
def installed_from(monkeypatch: pytest.MonkeyPatch) -> Any:
    def installed_from(**origin: Any) -> None:
        noted = Installed(json.dumps(origin) if origin else None)
        monkeypatch.setattr(remedies, "distribution", lambda name: noted)

    return installed_from


def test_that_a_package_of_an_index_is_named(installed_from: Any) -> None:
    installed_from()

    assert remedies.install("local") == 'pip install "parlant-supabase[local]"'
    assert remedies.upgrade() == "Run `pip install --upgrade parlant-supabase`."


def test_that_a_package_that_was_not_installed_is_taken_from_the_index(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def distribution(name: str) -> Installed:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(remedies, "distribution", distribution)

    assert remedies.install("local") == 'pip install "parlant-supabase[local]"'


def test_that_a_folder_is_named_with_its_extra(installed_from: Any, tmp_path: Path) -> None:
    folder = tmp_path / "my checkout"
    folder.mkdir()
    installed_from(url=folder.as_uri(), dir_info={})

    assert shlex.split(remedies.install("local")) == ["pip", "install", f"{folder}[local]"]
    assert remedies.upgrade() == f"Install a newer parlant-supabase; this one is from {folder}."


def test_that_a_checkout_is_pulled_first(installed_from: Any, tmp_path: Path) -> None:
    folder = tmp_path / "my checkout"
    (folder / ".git").mkdir(parents=True)
    installed_from(url=folder.as_uri(), dir_info={})

    command = remedies.upgrade().removeprefix("Run `").removesuffix("`.")
    assert shlex.split(command) == [
        *("git", "-C", str(folder), "pull", "&&"),
        *("pip", "install", "--upgrade", str(folder)),
    ]


def test_that_an_editable_installation_stays_one(installed_from: Any, tmp_path: Path) -> None:
    (tmp_path / ".git").touch()
    installed_from(url=tmp_path.as_uri(), dir_info={"editable": True})

    assert remedies.install("mongodb") == f'pip install --editable "{tmp_path}[mongodb]"'
    assert f"pip install --upgrade --editable {tmp_path}`." in remedies.upgrade()


def test_that_a_wheel_is_named_with_its_extra(installed_from: Any) -> None:
    installed_from(url="file:///tmp/parlant_supabase-0.1.0-py3-none-any.whl", archive_info={})

    assert remedies.install("local") == (
        'pip install "/tmp/parlant_supabase-0.1.0-py3-none-any.whl[local]"'
    )


def test_that_a_repository_is_named_with_its_extra(installed_from: Any) -> None:
    installed_from(url="https://example.com/x.git", vcs_info={"vcs": "git", "commit_id": "1"})

    assert remedies.install("local") == (
        'pip install "parlant-supabase[local] @ git+https://example.com/x.git"'
    )
    assert remedies.upgrade() == (
        'Run `pip install --upgrade "parlant-supabase @ git+https://example.com/x.git"`.'
    )


def test_that_a_downloaded_file_is_named_with_its_extra(installed_from: Any) -> None:
    installed_from(url="https://example.com/x.whl", archive_info={})

    assert remedies.install("local") == (
        'pip install "parlant-supabase[local] @ https://example.com/x.whl"'
    )


@pytest.mark.parametrize("name", ['a"b', "a$b", "a`b", "a b", "a\\b", "a!b"])
def test_that_any_folder_can_be_pasted(installed_from: Any, tmp_path: Path, name: str) -> None:
    installed_from(url=(tmp_path / name).as_uri(), dir_info={})

    assert shlex.split(remedies.install("local"))[-1] == f"{tmp_path / name}[local]"
    assert shlex.split(remedies.local("stop", tmp_path / name))[-1] == str(tmp_path / name)


def test_that_a_schema_is_named_where_it_is_another() -> None:
    push = "npx supabase db push --remote"
    assert remedies.deploy() == f"parlant-supabase init && {push}"
    assert remedies.deploy("agents") == f"parlant-supabase init --schema agents && {push}"


def test_that_the_stacks_folder_is_named_where_it_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    for usual in (Path(".parlant-supabase"), tmp_path / ".parlant-supabase"):
        assert remedies.local("start", usual) == "parlant-supabase local start"
    assert remedies.local("env", Path("data")) == "parlant-supabase local env --data-dir data"
