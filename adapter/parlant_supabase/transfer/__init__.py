"""Export and import of documents. Knows no terminal."""
