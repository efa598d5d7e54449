"""The feedback linter: it reads what an interviewer wrote, points at gut feel and asks for the observation.

It judges sentences, never the candidate, and it rewrites nothing. Offline, deterministic, standard library only.
"""
