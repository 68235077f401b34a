"""Runs a file of SQL in the database that DATABASE_URL names.

python -m tests.docs.execute_sql FILE
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psycopg


def main() -> None:
    """Run the file, in one transaction."""
    (file,) = sys.argv[1:]
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute(Path(file).read_bytes())


if __name__ == "__main__":
    main()
