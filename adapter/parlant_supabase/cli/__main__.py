"""`python -m parlant_supabase.cli`: the same as `parlant-supabase`."""

from parlant_supabase.cli.app import main

main()
