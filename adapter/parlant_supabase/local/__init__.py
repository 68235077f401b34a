"""Postgres, PostgREST, a gateway and the Supabase CLI on this machine, without Docker."""

from .database import StackDatabase, SupervisedDatabase
from .errors import LocalStackError
from .stack import LocalStack

__all__ = ["LocalStack", "LocalStackError", "StackDatabase", "SupervisedDatabase"]
