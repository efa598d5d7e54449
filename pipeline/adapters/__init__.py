"""The only importers of the packages that reach outside: media, Whisper, model endpoints, DuckDB."""
