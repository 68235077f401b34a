"""Runs a program of this folder in a process of its own, on an empty disk."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from parlant_supabase.deployment.package_files import find_project
from parlant_supabase.local import LocalStack


async def run_program(module: str, *arguments: str, stack: LocalStack, home: Path) -> str:
    """What a program prints.

    Args:
        module: The program.
        arguments: What it is given.
        stack: The project.
        home: Its PARLANT_HOME, which need not exist.
    """
    log = home.with_suffix(".log")
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, *arguments),
            cwd=find_project(),
            env={
                **os.environ,
                "PARLANT_HOME": str(home),
                "SUPABASE_URL": stack.url,
                "SUPABASE_KEY": stack.service_role_key,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
        try:
            output, _ = await asyncio.wait_for(process.communicate(), 240)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    return log.read_text() + output.decode()
