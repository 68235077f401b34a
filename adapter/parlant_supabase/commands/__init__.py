"""The commands of `parlant-supabase`, beside those of the local stack."""
