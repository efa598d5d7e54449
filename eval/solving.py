"""A solver at work on gold interviews: extract, verify, cover, as the pipeline does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import anyio

from eval.dataset import Sample
from eval.matching import Case
from pipeline.coverage import cover
from pipeline.ports import Extractor
from pipeline.verify import verify

Progress = Callable[[str, int, int], None]


def solve(extractor: Extractor, samples: Sequence[Sample], progress: Progress | None = None) -> list[Case]:
    """One case a sample, in order."""
    cases = []
    for done, sample in enumerate(samples):
        if progress:
            progress(sample.id, done, len(samples))
        cases.append(anyio.run(_solve_one, extractor, sample))
    return cases


async def _solve_one(extractor: Extractor, sample: Sample) -> Case:
    extraction = await extractor.extract(sample.id, sample.lines, sample.roles, sample.chunks, sample.rubric)
    transcript = sample.transcript.transcript_hash
    verified = verify(transcript, sample.lines, sample.roles, sample.chunks, sample.rubric, extraction)
    coverage = cover(sample.rubric, sample.lines, sample.roles, verified.evidence, verified.probes)
    return Case(sample, extraction, verified, coverage)
