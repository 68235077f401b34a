"""The commands of `parlant-supabase`, one module each.

The only package that imports typer and rich.
"""
