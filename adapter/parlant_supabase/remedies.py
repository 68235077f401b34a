"""Composes the commands that messages tell people to run, so that each works when pasted."""

from __future__ import annotations

import json
import shlex
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

_NAME = "parlant-supabase"

DEFAULT_DATA_DIRECTORY = Path(".parlant-supabase")
"""Where the local stack keeps its data unless told otherwise."""

PUSH = "npx supabase db push --remote"
"""Applies the project's migrations. Without `--remote` the CLI means a database on this machine."""


def deploy(schema: str = "public") -> str:
    """Bring the installed package's SQL into the project, run in the project's folder."""
    option = "" if schema == "public" else f" --schema {schema}"
    return f"{_NAME} init{option} && {PUSH}"


def install(extra: str) -> str:
    """Install the package's extra from where the package was installed from."""
    source = _source()
    if source is None:
        return f'pip install "{_NAME}[{extra}]"'
    if source.is_remote:
        return f'pip install "{_NAME}[{extra}] @ {source.location}"'
    option = "--editable " if source.is_editable else ""
    return f"pip install {option}{_quoted(f'{source.location}[{extra}]')}"


def upgrade() -> str:
    """A sentence on how to get a newer version from where the package was installed from."""
    source = _source()
    if source is None:
        return f"Run `pip install --upgrade {_NAME}`."
    if source.is_remote:
        return f'Run `pip install --upgrade "{_NAME} @ {source.location}"`.'
    option = "--editable " if source.is_editable else ""
    location = _quoted(source.location)
    if (Path(source.location) / ".git").exists():
        return f"Run `git -C {location} pull && pip install --upgrade {option}{location}`."
    return f"Install a newer {_NAME}; this one is from {source.location}."


def local(command: str, data_directory: Path) -> str:
    """Run a command of `parlant-supabase local` for the stack in the directory."""
    option = ""
    if data_directory.absolute() != DEFAULT_DATA_DIRECTORY.absolute():
        option = f" --data-dir {_quoted(str(data_directory))}"
    return f"{_NAME} local {command}{option}"


class _Source:
    """What the package was installed from, where that was no package index."""

    def __init__(self, location: str, *, is_remote: bool, is_editable: bool) -> None:
        self.location = location
        self.is_remote = is_remote
        self.is_editable = is_editable


def _source() -> _Source | None:
    """Read what pip noted (PEP 610); None if it took the package from an index."""
    try:
        noted = distribution(_NAME).read_text("direct_url.json")
        content = json.loads(noted or "null")
    except (PackageNotFoundError, ValueError):
        return None
    if content is None:
        return None
    url: str = content["url"]
    if "vcs_info" in content:
        return _Source(f"{content['vcs_info']['vcs']}+{url}", is_remote=True, is_editable=False)
    if not url.startswith("file:"):
        return _Source(url, is_remote=True, is_editable=False)
    path = url2pathname(urlsplit(url).path)
    editable = bool(content.get("dir_info", {}).get("editable"))
    return _Source(path, is_remote=False, is_editable=editable)


def _quoted(text: str) -> str:
    # Double quotes, which every shell knows, unless something in the text has a meaning in them.
    plain = not any(character in text for character in '"$`\\!')
    return f'"{text}"' if plain and shlex.quote(text) != text else shlex.quote(text)
