"""Templates: escaping always on, an unknown name is an error, characters that steer a screen become visible marks."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.plain import plain
from pipeline.review.calls import BASES, LEVELS, STEPS
from pipeline.web.shape import COVERAGE, FLAGS, clock, short_label

HERE = Path(__file__).parent


def make_templates() -> Environment:
    """Jinja for the pages and the packet."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=lambda value: plain(value) if isinstance(value, str) and not hasattr(value, "__html__") else value,
    )
    environment.filters |= {"clock": clock, "label": short_label}
    environment.globals |= {"LEVELS": LEVELS, "STEPS": STEPS, "BASES": BASES, "COVERAGE": COVERAGE, "FLAGS": FLAGS}
    return environment
