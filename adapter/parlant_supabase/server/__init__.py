"""What an agent needs around its stores: what its server starts with, and how turns are taken."""
