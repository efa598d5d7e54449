"""The one importer of duckdb: a file that is opened late, closed early, and shared by taking turns."""
