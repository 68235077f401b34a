"""The storages that documents are imported from, one module each."""
