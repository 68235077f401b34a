"""Postgres, PostgREST, a gateway and the Supabase CLI on this machine, without Docker."""

from parlant_supabase.local.database import StackDatabase, SupervisedDatabase
from parlant_supabase.local.errors import LocalStackError
from parlant_supabase.local.stack import LocalStack

__all__ = ["LocalStack", "LocalStackError", "StackDatabase", "SupervisedDatabase"]
