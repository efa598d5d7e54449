"""Recording to verified evidence: pure stages in layers, effects in `adapters`, wiring in `runner`."""
