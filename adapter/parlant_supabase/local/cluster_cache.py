"""Keeps clusters that a project was deployed to, so that a temporary stack starts from a copy."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from parlant_supabase.local.data_directory import DataDirectory
from parlant_supabase.local.packages import Programs, cache_directory, exclusive

# Each takes 60 MB: one for each branch that is worked on, and for each version of Postgres.
_MOST_KEPT = 4

_DIGEST_LENGTH = 16


def copy_cluster(
    data: DataDirectory, project: Path, programs: Programs, make: Callable[[DataDirectory], None]
) -> None:
    """Fill an empty data directory with a cluster that the project was deployed to.

    The copies of one cluster have its credentials, which is why only stacks that end with the
    process that started them are made so.

    Args:
        data: The prepared directory of the new stack.
        project: The folder with the folder `supabase`.
        programs: What runs the cluster.
        make: Boots a stack in the directory that it is given, deploys to it and ends it. Called
            if there is no cluster of this project, this code and this Postgres.
    """
    root = cache_directory() / "clusters"
    root.mkdir(mode=0o755, parents=True, exist_ok=True)
    kept = root / _digest(project, programs)
    with exclusive(root):
        if not kept.exists():
            _make_room(root)
            # Under another name until it is complete, so that a killed process leaves no half.
            unfinished = DataDirectory(root / f"unfinished-{os.getpid()}")
            make(unfinished)
            if kept.name != _digest(project, programs):
                # A migration was edited meanwhile, so the name may belong to another cluster.
                data.start_from(unfinished)
                shutil.rmtree(unfinished.path)
                return
            unfinished.path.rename(kept)
        os.utime(kept)
        data.start_from(DataDirectory(kept))


def _digest(project: Path, programs: Programs) -> str:
    """Return what differs as soon as another cluster would be made."""
    digest = hashlib.sha256(f"{os.geteuid()} {programs.postgres.resolve()}".encode())
    digest.update(str(programs.postgres.stat().st_mtime_ns).encode())
    own = Path(__file__).parent
    for folder, patterns in (
        (own, ("*.py", "sql/*.sql")),
        (project / "supabase", ("config.toml", "migrations/*.sql")),
    ):
        for path in _files(folder, patterns):
            digest.update(f"\0{path.relative_to(folder)}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:_DIGEST_LENGTH]


def _files(folder: Path, patterns: Iterable[str]) -> list[Path]:
    return sorted(path for pattern in patterns for path in folder.glob(pattern))


def _make_room(root: Path) -> None:
    """Delete what was left unfinished, and the clusters that were not used for longest."""
    newest_first = sorted(root.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    finished = [path for path in newest_first if not path.name.startswith("unfinished-")]
    for path in {*newest_first} - {*finished[: _MOST_KEPT - 1]}:
        shutil.rmtree(path)
