"""The package's migrations: rendered for a schema, and copied into a user's project."""
