"""The retrospective: what the interviews said, what happened, and whether we can know yet."""
