"""The loop audit: a described interview loop against a checklist, joined with what the database shows."""
