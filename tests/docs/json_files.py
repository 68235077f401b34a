"""Makes the folder of JSON files that an application has which was started three times.

python -m tests.docs.json_files FOLDER
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from parlant.core.loggers import LogLevel, TracingLogger
from parlant.core.tracer import LocalTracer

from tests.cli.test_import_json_files import run_application


def main() -> None:
    """Make the folder, and two files of stores that are not imported."""
    folder = Path(sys.argv[1])
    folder.mkdir()
    logger = TracingLogger(LocalTracer(), LogLevel.WARNING)
    for start in range(3):
        asyncio.run(run_application(folder, logger, start))
    for other in ("agents.json", "tags.json"):
        (folder / other).write_text("{}")


if __name__ == "__main__":
    main()
