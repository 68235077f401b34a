"""Fetch the local stack's programs, boot it, deploy to it and end it."""

from __future__ import annotations

import sys

from parlant_supabase.deployment.package_files import find_project
from parlant_supabase.local import LocalStack, LocalStackError


def main() -> None:
    """Boot once; what fails is one sentence."""
    try:
        with LocalStack.temporary() as stack:
            stack.deploy(find_project())
    except LocalStackError as error:
        sys.exit(f"Error: {error}")
    print("The local stack boots, and `supabase db push` deploys to it.")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nInterrupted.")
