"""Where a command writes its output: to a file, whole or not at all, or to standard output."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from parlant_supabase.cli.errors import CommandError
from parlant_supabase.errors import SupabaseAdapterError


@contextmanager
def output_to(path: Path | None) -> Iterator[BinaryIO]:
    """A file that takes the place of what is there, as `replacing` does, or standard output.

    Raises:
        CommandError: It cannot be written.
    """
    if path is None:
        yield sys.stdout.buffer
    else:
        with replacing(path) as file:
            yield file


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of what is there once it is written to its end.

    Raises:
        CommandError: It cannot be written.
    """
    if path.exists() and not path.is_file():
        raise CommandError(f"{path} is no file; leave out --output to write to standard output.")
    try:
        # Conversations are in it, so it is readable for its owner alone.
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with open(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except SupabaseAdapterError:
        # Some of these are OSErrors, too.
        raise
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from None
