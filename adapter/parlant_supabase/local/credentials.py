"""Keys and passwords of one local stack."""

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jwt

from parlant_supabase.local.service_user import write_private_file

_HOUR = 3600
_TEN_YEARS = 10 * 365 * 24 * _HOUR


@dataclass(frozen=True)
class Credentials:
    """Everything secret; both generations of Supabase API keys are valid at once."""

    jwt_secret: str
    anon_key: str
    service_role_key: str
    publishable_key: str
    secret_key: str
    superuser_password: str
    postgres_password: str
    authenticator_password: str

    @classmethod
    def generate(cls) -> "Credentials":
        """Return new credentials, like no others."""
        jwt_secret = secrets.token_urlsafe(48)
        return cls(
            jwt_secret=jwt_secret,
            anon_key=_sign_api_key(jwt_secret, "anon"),
            service_role_key=_sign_api_key(jwt_secret, "service_role"),
            publishable_key=f"sb_publishable_{secrets.token_urlsafe(24)}",
            secret_key=f"sb_secret_{secrets.token_urlsafe(24)}",
            superuser_password=secrets.token_hex(16),
            postgres_password=secrets.token_hex(16),
            authenticator_password=secrets.token_hex(16),
        )

    @classmethod
    def load(cls, path: Path) -> "Credentials":
        """Read what save() wrote."""
        return cls(**json.loads(path.read_text("utf-8")))

    def save(self, path: Path) -> None:
        """Write the credentials to a file that only its owner may read."""
        write_private_file(path, json.dumps(asdict(self), indent=2) + "\n")

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return a JWT with these claims, valid for an hour unless they say otherwise."""
        now = int(time.time())
        return jwt.encode(
            {"iat": now, "exp": now + _HOUR, **claims}, self.jwt_secret, algorithm="HS256"
        )


def _sign_api_key(jwt_secret: str, role: str) -> str:
    now = int(time.time())
    claims = {"iss": "supabase", "role": role, "iat": now, "exp": now + _TEN_YEARS}
    return jwt.encode(claims, jwt_secret, algorithm="HS256")
