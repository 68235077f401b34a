"""Keeps what a server computes at its start in the Supabase project: evaluations and embeddings."""
