"""Where this package's own Supabase project (config.toml and migrations) is."""

from pathlib import Path

from .errors import LocalStackError
from .packages import checkout_root


def find_project() -> Path:
    """Return the folder that holds `supabase/`: a checkout's root, else the installed package."""
    project = checkout_root() or Path(__file__).resolve().parents[1]
    if not (project / "supabase" / "config.toml").is_file():
        raise LocalStackError(
            f"This installation lacks {project / 'supabase' / 'config.toml'}; reinstall "
            "parlant-supabase."
        )
    return project
