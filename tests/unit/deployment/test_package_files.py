"""Where the files are that come with the package: in a checkout, and where it is installed."""

from __future__ import annotations

from pathlib import Path

import pytest
from parlant_supabase.deployment import package_files
from parlant_supabase.deployment.errors import DeploymentError
from parlant_supabase.deployment.package_files import checkout_root, find_project


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package's folder, in a folder as a checkout has it."""
    folder = tmp_path / "adapter" / "parlant_supabase"
    folder.mkdir(parents=True)
    monkeypatch.setattr(package_files, "PACKAGE_DIRECTORY", folder)
    return folder


def make_project(folder: Path) -> None:
    (folder / "supabase").mkdir()
    (folder / "supabase" / "config.toml").touch()


def test_that_a_checkout_is_told_by_its_files(package: Path, tmp_path: Path) -> None:
    assert checkout_root() is None

    (tmp_path / "package.json").touch()

    assert checkout_root() == tmp_path


def test_that_another_folder_is_no_checkout(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "package.json").touch()
    elsewhere = tmp_path / "site-packages" / "parlant_supabase"
    monkeypatch.setattr(package_files, "PACKAGE_DIRECTORY", elsewhere)

    assert checkout_root() is None


def test_that_a_checkouts_project_comes_first(package: Path, tmp_path: Path) -> None:
    make_project(package)
    make_project(tmp_path)
    assert find_project() == package

    (tmp_path / "package.json").touch()

    assert find_project() == tmp_path


def test_that_an_incomplete_installation_is_said(package: Path) -> None:
    (package / "supabase").mkdir()

    with pytest.raises(DeploymentError) as refused:
        find_project()

    path = package / "supabase" / "config.toml"
    assert str(refused.value) == f"This installation lacks {path}; reinstall parlant-supabase."
