"""The task `claims` for a model: it is asked about the labelled sentences as `verbatim claims --llm` asks it.

Sentences with a count or a quotation are settled by code, as they are there. Answers may come from an endpoint or a
file; those of one capable model to both halves are kept in eval/gold/answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import anyio

from eval.batch import RequestFile
from eval.claims_score import GoldClaim, Held, held_by_search, load_claims, turns_of
from eval.dataset import Sample
from pipeline.claims.model import Pointing
from pipeline.claims.search import Search
from pipeline.ports import AnyLLM
from pipeline.prompting import load_template
from pipeline.redact import Redactor


class Asked(NamedTuple):
    """The sentences about one interview, as one piece of feedback with a sentence a line."""

    sample: Sample
    gold: list[GoldClaim]
    places: list[tuple[int, int]]
    pointing: Pointing


def asked(split: str, samples: Sequence[Sample]) -> Iterator[Asked]:
    """What is asked about each interview."""
    gold, template = load_claims(split), load_template("claims")
    for sample in samples:
        own = [claim for claim in gold if claim.about == sample.id]
        places, at = [], 0
        for claim in own:
            places.append((at, at + len(claim.text)))
            at += len(claim.text) + 1
        text = "\n".join(claim.text for claim in own)
        shown = Redactor(active=False)
        pointing = Pointing(template, text, places, sample.lines, sample.roles, sample.chunks, shown)
        yield Asked(sample, own, places, pointing)


def write_requests(requests: RequestFile, split: str, samples: Sequence[Sample]) -> None:
    """Keep every request that the model would get."""
    for one in asked(split, samples):
        for page in one.pointing.pages:
            requests.keep(one.pointing.request(requests, page))


def held_by_model(llm: AnyLLM, split: str, samples: Sequence[Sample]) -> list[Held]:
    """What the model makes of every sentence. Raises what ended an interview's questions without an answer."""
    return anyio.run(_held, llm, list(asked(split, samples)))


async def _held(llm: AnyLLM, interviews: Sequence[Asked]) -> list[Held]:
    held: list[Held] = []
    try:
        for one in interviews:
            found = await one.pointing.ask(llm)
            if found.fault is not None:
                raise found.fault
            claims = {claim.start: claim for claim in found.claims}
            search = Search(one.sample.lines, one.sample.roles, [])
            for place, gold in zip(one.places, one.gold, strict=True):
                if place not in one.pointing.sentences:
                    held.append(held_by_search(gold, one.sample, search))
                elif (claim := claims.get(place[0])) is None:
                    held.append(Held(gold, "no_claim", frozenset()))
                else:
                    held.append(Held(gold, claim.state, turns_of(claim, one.sample)))
    finally:
        close = getattr(llm, "aclose", None)
        if close is not None:
            await close()
    return held
