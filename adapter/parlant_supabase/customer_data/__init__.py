"""A customer's data: handing it over, erasing it, and letting it expire. Knows no terminal."""
