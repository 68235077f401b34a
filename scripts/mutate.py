"""Runs mutmut over the parts of the package that tests/unit/ covers, and shows what survives.

    python scripts/mutate.py 'parlant_supabase.rpc.retry.*'

mutmut derives a module's name from its path below src/, so it runs in a folder that shows the
checkout in that layout. It keeps its results there: a second run tries only what has changed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
FOLDER = CHECKOUT / ".mutants"
SHOWN = {"src": "adapter"} | {
    name: name for name in ("demo", "pyproject.toml", "scripts", "sql", "supabase", "tests")
}


def main(names: list[str]) -> int:
    """Runs the mutants whose names match, or all, and prints those that no test noticed."""
    FOLDER.mkdir(exist_ok=True)
    for name, target in SHOWN.items():
        link = FOLDER / name
        if not link.is_symlink():
            link.symlink_to(CHECKOUT / target)
    mutmut = [sys.executable, "-m", "mutmut"]
    subprocess.run([*mutmut, "run", "--max-children", "2", *names], cwd=FOLDER, check=True)
    results = subprocess.run(
        [*mutmut, "results", "--all", "true"],
        cwd=FOLDER,
        check=True,
        capture_output=True,
        text=True,
    )
    outcomes = [line.split(": ") for line in results.stdout.split("\n") if ": " in line]
    tried = [(name.strip(), outcome) for name, outcome in outcomes if outcome != "not checked"]
    for name, outcome in tried:
        if outcome not in {"killed", "timeout"}:
            print(f"{outcome}: {name}")
    killed = sum(outcome in {"killed", "timeout"} for _, outcome in tried)
    print(f"{killed} of {len(tried)} mutants killed; `mutmut show NAME` in {FOLDER.name}/.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
