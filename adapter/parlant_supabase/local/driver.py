"""The Postgres driver, which only the local stack needs, and which comes with the extra `local`."""

from parlant_supabase import remedies
from parlant_supabase.local.errors import LocalStackError


def require_driver() -> None:
    """Raise unless psycopg can be imported, which the stack's modules do where they use it."""
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        reason = str(error).partition("\n")[0]
        raise LocalStackError(
            f"The local stack needs psycopg ({reason}); run `{remedies.install('local')}`."
        ) from error
