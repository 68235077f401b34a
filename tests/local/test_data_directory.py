"""What a stack keeps on disk: secrets for its owner alone, and a whole cluster or none."""

from __future__ import annotations

import os
import stat
from dataclasses import fields
from pathlib import Path

import httpx
import pytest
from parlant_supabase.local import LocalStack
from parlant_supabase.local.credentials import Credentials
from parlant_supabase.local.data_directory import DataDirectory


def test_that_every_file_with_a_secret_is_for_its_owner_alone(scratch_stack: LocalStack) -> None:
    directory = scratch_stack.directory
    credentials = Credentials.load(directory / "credentials.json")
    # The keys are signed with it, and the publishable one is no secret.
    secrets = {
        getattr(credentials, field.name).encode()
        for field in fields(credentials)
        if field.name not in ("anon_key", "publishable_key")
    }
    holding = [
        path
        for path in directory.rglob("*")
        if path.is_file() and any(secret in path.read_bytes() for secret in secrets)
    ]

    names = {path.name for path in holding}
    assert {"credentials.json", "postgrest.conf", "nginx.conf"} <= names
    for path in holding:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_that_credentials_are_private_whatever_was_there(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    path.touch(0o644)
    before = os.umask(0)
    try:
        Credentials.generate().save(path)
    finally:
        os.umask(before)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("step", ["_start_postgres", "_make_roles", "initialize", "start_api"])
def test_that_a_first_start_that_was_cut_off_is_made_up_for(
    open_directory: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    data = DataDirectory(open_directory / "stack")

    def be_killed(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(LocalStack, step, be_killed)
        with pytest.raises(KeyboardInterrupt):
            LocalStack.open(data)

    with LocalStack.open(data) as stack:
        headers = {"apikey": stack.anon_key}
        assert httpx.get(f"{stack.url}/rest/v1/", headers=headers).status_code == 200
