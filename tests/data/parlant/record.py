"""Records the JSON files that each minor version of Parlant writes; run before a release.

    python tests/data/parlant/record.py [VERSION ...]

For each version it makes an environment with that Parlant alone (some 700 MB, by `uv`), runs
`conversation.py` in it, and keeps the three files of the stores under VERSION/ beside this file.
The versions are the newest patch of each minor version: all patches of a minor version, 3.0.0 to
3.3.2, write documents of the same versions.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

VERSIONS = ["3.0.4", "3.1.2", "3.2.2", "3.3.2"]
STORES = ["sessions.json", "customers.json", "context_variables.json"]
_HERE = Path(__file__).parent


def record(version: str, folder: Path) -> None:
    """Records the files of one version."""
    environment, home = folder / "environment", folder / "parlant-data"
    home.mkdir()
    subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, environment], check=True)
    python = environment / "bin" / "python"
    subprocess.run(
        ["uv", "pip", "install", "--quiet", "--python", python, f"parlant=={version}"], check=True
    )
    subprocess.run(
        [python, _HERE / "conversation.py", *map(str, free_ports(2))],
        check=True,
        cwd=folder,
        env={**os.environ, "PARLANT_HOME": str(home)},
    )
    target = _HERE / version
    target.mkdir(exist_ok=True)
    for name in STORES:
        text = (home / name).read_text("utf-8")
        if str(folder) in text or str(Path.home()) in text:
            raise SystemExit(f"{name} of Parlant {version} holds a path of this machine.")
        shutil.copyfile(home / name, target / name)
        documents = {
            (collection, document.get("version"))
            for collection, documents in json.loads(text).items()
            for document in documents
        }
        print(version, name, sorted(documents))


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nothing listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def main() -> None:
    for version in sys.argv[1:] or VERSIONS:
        with tempfile.TemporaryDirectory() as folder:
            record(version, Path(folder))


if __name__ == "__main__":
    main()
