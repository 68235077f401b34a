"""What `doctor` tells of the settings without asking anybody."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import jwt
import pytest
from parlant_supabase.diagnosis.settings_checks import check_environment, check_key, check_url

PROJECT = "abcdefghijklmnopqrst"
URL = f"https://{PROJECT}.supabase.co"
NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)
NEXT_YEAR = int(datetime(2027, 6, 1, tzinfo=timezone.utc).timestamp())


def key(**claims: object) -> str:
    return jwt.encode({"exp": NEXT_YEAR, **claims}, "secret" * 8, algorithm="HS256")


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        (f"{PROJECT}.supabase.co", f"Set SUPABASE_URL={URL}"),
        ("127.0.0.1:54321/", "Set SUPABASE_URL=http://127.0.0.1:54321"),
        ("localhost:54321", "Set SUPABASE_URL=http://localhost:54321"),
        (f"{URL}/rest/v1", f"Set SUPABASE_URL={URL}"),
        (f"{URL}/rest/v1/", f"Set SUPABASE_URL={URL}"),
        (
            f"https://supabase.com/dashboard/project/{PROJECT}/settings/api",
            f"Set SUPABASE_URL={URL}",
        ),
        (
            f"postgresql://postgres:hunter2@db.{PROJECT}.supabase.co:5432/postgres",
            "Set SUPABASE_URL=https://your-project.supabase.co",
        ),
        ("user:hunter2@somewhere", "Set SUPABASE_URL=https://your-project.supabase.co"),
        ("https://", "Set SUPABASE_URL=https://your-project.supabase.co"),
        ("https://[", "Set SUPABASE_URL=https://your-project.supabase.co"),
        ("ftp://somewhere", "Set SUPABASE_URL=https://your-project.supabase.co"),
    ],
)
def test_that_a_wrong_url_comes_with_the_right_one(url: str, remedy: str) -> None:
    finding = check_url(url)

    assert finding.status == "error"
    assert finding.remedies == (remedy,)
    assert "hunter2" not in finding.text


def test_that_a_right_url_is_shown_without_what_is_secret_in_it() -> None:
    finding = check_url(f"https://user:hunter2@{PROJECT}.supabase.co/")

    assert finding.status == "ok"
    assert URL in finding.text
    assert "hunter2" not in finding.text


@pytest.mark.parametrize("url", ["http://127.0.0.1:54321", "http://localhost", "http://[::1]:1"])
def test_that_this_machine_needs_no_encryption(url: str) -> None:
    assert check_url(url).status == "ok"


def test_that_another_machine_does() -> None:
    finding = check_url("http://supabase.example.org")

    assert finding.status == "warning"
    assert "unencrypted" in finding.text


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        (f"sb_publishable_{'x' * 20}", "publishable"),
        (f"sbp_{'x' * 20}", "access token"),
        (key(role="anon"), "role anon"),
        (key(role="authenticated"), "role authenticated"),
        (key(), "without a role"),
        (key(role="service_role", exp=int(NOW.timestamp()) - 1), "expired on 2026-05-31"),
        (key(role="service_role", ref="z" * 20), f"of the project {'z' * 20}"),
        ("sb_secret_ x", "white space"),
        ("sb_secret_é", "characters that no key has"),
    ],
)
def test_that_a_wrong_key_is_told_by_its_look(secret: str, words: str) -> None:
    finding = check_key(secret, URL, NOW)

    assert finding.status == "error"
    assert words in finding.text
    assert "dashboard: Settings, API keys" in finding.remedies[0]
    assert secret not in finding.text


@pytest.mark.parametrize(
    "secret",
    [
        f"sb_secret_{'x' * 20}",
        key(role="service_role"),
        key(role="service_role", ref=PROJECT),
    ],
)
def test_that_a_key_that_looks_right_is_ok(secret: str) -> None:
    assert check_key(secret, URL, NOW).status == "ok"


@pytest.mark.parametrize("secret", ["hunter2", key(role="my_role")])
def test_that_of_another_key_only_the_project_can_tell(secret: str) -> None:
    assert check_key(secret, URL, NOW).status == "warning"


def test_that_variables_that_are_missing_are_named(tmp_path: Path) -> None:
    finding = check_environment({"SUPABASE_KEY": " "}, tmp_path)

    assert finding.status == "error"
    assert "SUPABASE_URL and SUPABASE_KEY are not set" in finding.text
    assert len(finding.remedies) == 2


def test_that_the_key_under_another_name_is_found(tmp_path: Path) -> None:
    finding = check_environment(
        {"SUPABASE_URL": URL, "SUPABASE_SERVICE_ROLE_KEY": "hunter2"}, tmp_path
    )

    assert finding.text == "SUPABASE_KEY is not set."
    assert "SUPABASE_SERVICE_ROLE_KEY" in finding.remedies[0]
    assert "hunter2" not in str(finding)


def test_that_a_file_that_nobody_loaded_is_pointed_to(tmp_path: Path) -> None:
    (tmp_path / ".env").touch()

    assert any("set -a; . ./.env" in remedy for remedy in check_environment({}, tmp_path).remedies)
