"""Gold, metrics, solvers and reports: how good each part is, and against what."""
