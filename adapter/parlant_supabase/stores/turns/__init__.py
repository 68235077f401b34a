"""What keeps turns apart and alive: across sessions, servers and restarts."""
