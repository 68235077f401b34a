"""What a client meets at the gateway: keys, roles, limits."""

from __future__ import annotations

import time

import httpx
import pytest
from parlant_supabase.local import LocalStack

from .conftest import Request

_USER = "9b2f4c1e-6d0a-4a57-9a53-0c1f0e8b7a11"


@pytest.mark.parametrize(
    ("key", "role"),
    [
        ("anon_key", "anon"),
        ("publishable_key", "anon"),
        ("service_role_key", "service_role"),
        ("secret_key", "service_role"),
    ],
)
@pytest.mark.parametrize("as_bearer_token", [False, True])
def test_that_each_key_acts_as_its_role(
    scratch_stack: LocalStack, call: Request, key: str, role: str, as_bearer_token: bool
) -> None:
    value = getattr(scratch_stack, key)
    headers = {"apikey": value}
    if as_bearer_token:
        # As supabase-py sends them, the new keys, which are no JWTs, included.
        headers["Authorization"] = f"Bearer {value}"

    response = call("session_facts", headers)

    assert response.status_code == 200
    assert response.json()["role"] == role


def test_that_a_request_without_a_key_is_refused(call: Request) -> None:
    response = call("session_facts", {})

    assert response.status_code == 401
    assert response.headers["content-type"] == "application/json"
    assert response.json()["message"] == "No API key found in request"


@pytest.mark.parametrize("key", ["wrong", "sb_secret_wrong", "sb_publishable_wrong"])
def test_that_an_unknown_key_is_refused(scratch_stack: LocalStack, call: Request, key: str) -> None:
    token = f"Bearer {scratch_stack.service_role_key}"

    response = call("session_facts", {"apikey": key, "Authorization": token})

    assert response.status_code == 401
    assert response.json()["message"] == "Invalid API key"


def test_that_a_key_signed_with_another_secret_is_refused(call: Request) -> None:
    with LocalStack.temporary() as other:
        response = call("session_facts", {"apikey": other.service_role_key})

    assert response.status_code == 401


@pytest.mark.parametrize("key", ["anon_key", "publishable_key"])
def test_that_a_users_token_is_handed_on(
    scratch_stack: LocalStack, call: Request, key: str
) -> None:
    token = scratch_stack.sign({"sub": _USER, "role": "authenticated"})

    response = call(
        "session_facts",
        {"apikey": getattr(scratch_stack, key), "Authorization": f"Bearer {token}"},
    )

    facts = response.json()
    assert facts["role"] == "authenticated"
    assert facts["claimed_role"] == "authenticated"
    assert facts["user"] == _USER


def test_that_an_expired_token_is_refused(scratch_stack: LocalStack, call: Request) -> None:
    token = scratch_stack.sign({"role": "authenticated", "exp": int(time.time()) - 3600})

    response = call(
        "session_facts",
        {"apikey": scratch_stack.anon_key, "Authorization": f"Bearer {token}"},
    )

    assert response.status_code == 401
    assert response.json()["message"] == "JWT expired"


def test_that_a_result_set_is_cut_at_a_thousand_rows(
    scratch_stack: LocalStack, call: Request
) -> None:
    response = call("numbers", {"apikey": scratch_stack.secret_key}, count=1500)

    assert len(response.json()) == 1000


@pytest.mark.parametrize(
    ("role", "statement_timeout"),
    [("anon", "3s"), ("authenticated", "8s"), ("service_role", "8s")],
)
def test_that_each_role_has_the_hosted_timeouts(
    scratch_stack: LocalStack, call: Request, role: str, statement_timeout: str
) -> None:
    token = scratch_stack.sign({"role": role})

    facts = call(
        "session_facts",
        {"apikey": scratch_stack.anon_key, "Authorization": f"Bearer {token}"},
    ).json()

    assert facts["role"] == role
    assert facts["statement_timeout"] == statement_timeout
    assert facts["lock_timeout"] == "8s"


def test_that_a_slow_statement_of_anon_is_cancelled(
    scratch_stack: LocalStack, call: Request
) -> None:
    response = call("nap", {"apikey": scratch_stack.anon_key}, seconds=20)

    assert response.status_code == 500
    assert response.json()["code"] == "57014"


def test_that_large_bodies_pass(scratch_stack: LocalStack, call: Request) -> None:
    response = call("session_facts", {"apikey": scratch_stack.secret_key}, filler="x" * 20_000_000)

    # PostgREST has read it, and knows no function with such an argument.
    assert response.json()["code"] == "PGRST202"


def test_that_other_paths_are_answered_in_json(scratch_stack: LocalStack) -> None:
    response = httpx.get(f"{scratch_stack.url}/auth/v1/health", timeout=60)

    assert response.status_code == 404
    assert "/rest/v1/" in response.json()["message"]


def test_that_postgrest_is_reachable_without_the_gateway(scratch_stack: LocalStack) -> None:
    response = httpx.post(f"{scratch_stack.rest_url}/rpc/session_facts", json={}, timeout=60)

    assert response.json()["role"] == "anon"
