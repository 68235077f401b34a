"""Several real servers on one project."""
