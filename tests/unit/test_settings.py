"""Where the project is: from arguments, from the environment, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from parlant_supabase import ConfigurationError
from parlant_supabase.settings import ConnectionSettings, mistaken_for_key

URL = "https://your-project.supabase.co"
KEY = "sb_secret_abc"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("SUPABASE_URL", "SUPABASE_KEY", "SUPABASE_SCHEMA"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def refusal(**params: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        ConnectionSettings.resolve({"url": URL, "key": KEY, **params})
    return str(caught.value)


def test_that_arguments_are_taken() -> None:
    params = {"url": URL, "key": KEY, "schema": "acme"}

    assert ConnectionSettings.resolve(params) == ConnectionSettings(URL, KEY, "acme")


def test_that_the_key_is_not_shown() -> None:
    settings = ConnectionSettings.resolve({"url": URL, "key": KEY})

    assert KEY not in repr(settings)
    assert KEY not in f"{settings}"
    assert repr(settings) == f"ConnectionSettings(url={URL!r}, schema='public')"


@pytest.mark.parametrize("params", [None, {}, {"url": "", "key": None, "schema": ""}])
def test_that_the_environment_gives_what_is_missing(
    environment: pytest.MonkeyPatch, params: dict[str, Any] | None
) -> None:
    environment.setenv("SUPABASE_URL", f" {URL}\n")
    environment.setenv("SUPABASE_KEY", f"{KEY} ")
    assert ConnectionSettings.resolve(params) == ConnectionSettings(URL, KEY, "public")
    assert ConnectionSettings.from_environment() == ConnectionSettings(URL, KEY, "public")

    environment.setenv("SUPABASE_SCHEMA", "acme")
    assert ConnectionSettings.resolve(params).schema == "acme"
    assert ConnectionSettings.resolve({"schema": "mine"}).schema == "mine"


@pytest.mark.parametrize(("name", "variable"), [("url", "SUPABASE_URL"), ("key", "SUPABASE_KEY")])
def test_that_a_missing_setting_says_where_to_get_it(
    environment: pytest.MonkeyPatch, name: str, variable: str
) -> None:
    what = f"the {name} of the Supabase project is missing. Set {variable}"
    assert refusal(**{name: ""}) == (
        f"{what}, or pass connection_params={{{name!r}: ...}}; "
        "the dashboard shows it under Settings, API."
    )

    environment.setenv("SUPABASE_URL", URL)
    environment.setenv("SUPABASE_KEY", KEY)
    environment.delenv(variable)
    with pytest.raises(ConfigurationError) as caught:
        ConnectionSettings.from_environment()
    assert str(caught.value) == f"{what}; the dashboard shows it under Settings, API."


def test_that_other_arguments_are_refused() -> None:
    assert refusal(keys=1, apikey=2) == (
        "unknown connection parameter 'apikey'. The parameters are url, key and schema."
    )
    with pytest.raises(ConfigurationError) as caught:
        ConnectionSettings.resolve(URL)  # type: ignore[arg-type]
    assert str(caught.value) == (
        "connection_params must be a Mapping, got a str. "
        'Pass a dict such as {"url": …, "key": …}, or set SUPABASE_URL and SUPABASE_KEY.'
    )


@pytest.mark.parametrize("name", ["url", "key", "schema"])
def test_that_a_setting_is_a_string(name: str) -> None:
    assert refusal(**{name: 1}) == f"connection parameter {name!r} must be a string, got int."


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:54321",
        "https://x.example/a/path",
        "https://x.example/",
        "https://user:word@x.example:1",
        "https://x.example:65535",
    ],
)
def test_that_a_url_is_accepted(url: str) -> None:
    assert ConnectionSettings.resolve({"url": url, "key": KEY}).url == url


@pytest.mark.parametrize(
    "url",
    [
        "your-project.supabase.co",
        "ftp://x.example",
        "https://",
        "https:///path",
        "https://x.example?a=b",
        "https://x.example/#a",
        "https://x .example",
        "https://x.example/ ",
        " https://x.example",
        "https://[",
        "https://:80",
        "https://x.example:0",
        "https://x.example:65536",
        "https://x.example:port",
        "HTTPS",
    ],
)
def test_that_what_is_no_url_is_refused(url: str) -> None:
    assert refusal(url=url) == (
        "SUPABASE_URL is not a URL. It looks like https://your-project.supabase.co."
    )


@pytest.mark.parametrize("key", ["a b", "a\n", "schlüssel", "a\tb"])
def test_that_a_key_that_cannot_be_one_is_refused_without_being_shown(key: str) -> None:
    message = refusal(key=key)

    assert message == (
        "SUPABASE_KEY holds white space or characters that no key has. Copy it again."
    )


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("https://x.example", "a URL"),
        ("postgres://x", "a URL"),
        ("sbp_abc", "an access token of your account, not a project's key"),
    ],
)
def test_that_something_else_is_not_taken_for_a_key(key: str, what: str) -> None:
    assert mistaken_for_key(key) == what
    assert refusal(key=key) == (
        f"SUPABASE_KEY is {what}. Set it to the project's secret or service_role key; "
        "the dashboard shows it under Settings, API."
    )


@pytest.mark.parametrize("key", ["sb_secret_x", "a-sbp_x", "eyJ.a.b"])
def test_that_any_other_key_may_be_one(key: str) -> None:
    assert mistaken_for_key(key) is None


@pytest.mark.parametrize("schema", ["schëma", "a\nb", "a\x00"])
def test_that_a_schema_that_cannot_be_sent_is_refused(schema: str) -> None:
    assert refusal(schema=schema) == (
        "SUPABASE_SCHEMA holds characters that cannot be sent as a schema's name. "
        "Leave it out unless you deployed the SQL to a schema other than public."
    )
