"""Fetch the local stack's programs, boot it with the migrations deployed and end it."""

from __future__ import annotations

import sys

from parlant_supabase.deployment.package_files import find_project
from parlant_supabase.local import LocalStack, LocalStackError


def main() -> None:
    """Boot once; what fails is one sentence."""
    try:
        with LocalStack.temporary_deployed(find_project()):
            pass
    except LocalStackError as error:
        sys.exit(f"Error: {error}")
    print("The local stack boots with the migrations deployed.")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nInterrupted.")
