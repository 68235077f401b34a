"""Postgres, PostgREST, a gateway and the Supabase CLI on this machine, without Docker."""

from .errors import LocalStackError
from .stack import LocalStack, StackDatabase, SupervisedDatabase

__all__ = ["LocalStack", "LocalStackError", "StackDatabase", "SupervisedDatabase"]
