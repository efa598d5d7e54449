"""Ask a model to point at lines, and read what it pointed at.

`asking` builds what a model is shown, `reading` takes its answer apart, `examples` proves the few-shots, `extractor`
holds them together. The answer is line numbers and signal ids in a closed form; there is no field in which a quote, a
level or an opinion could come back.
"""

from pipeline.extract.asking import answer_schema
from pipeline.extract.examples import pointer_text, read_example, render_examples
from pipeline.extract.extractor import ModelExtractor

__all__ = ["ModelExtractor", "answer_schema", "pointer_text", "read_example", "render_examples"]
