"""The versions of the package and of the SQL that it needs."""

from __future__ import annotations

__version__ = "0.1.0"

SQL_VERSION = 1
"""The version of the SQL that this adapter was written for, as parlant_get_version() tells it."""
