"""Finds the files that come with the package: its Supabase project and its npm manifest."""

from __future__ import annotations

from pathlib import Path

from parlant_supabase.deployment.errors import DeploymentError

PACKAGE_DIRECTORY = Path(__file__).resolve().parents[1]


def checkout_root() -> Path | None:
    """Returns the repository's root when this package runs from a checkout, else None."""
    root = PACKAGE_DIRECTORY.parents[1]
    is_checkout = PACKAGE_DIRECTORY.parent.name == "adapter" and (root / "package.json").is_file()
    return root if is_checkout else None


def find_project() -> Path:
    """Returns the folder that holds `supabase/`: a checkout's root, else the installed package.

    Raises:
        DeploymentError: The installation is incomplete.
    """
    project = checkout_root() or PACKAGE_DIRECTORY
    if not (project / "supabase" / "config.toml").is_file():
        raise DeploymentError(
            f"This installation lacks {project / 'supabase' / 'config.toml'}; reinstall "
            "parlant-supabase."
        )
    return project
