"""Variants of the extraction prompt, compared: `python -m eval.variants` prints what each sends and how well it did.

A variant is a template (pointing at lines, or copying text), with or without few-shots, asked per pillar or jointly.
Sizes need no model. Figures come from answers that a model gave once to three interviews of the dev half, kept in
eval/gold/answers and replayed through the production parser and verifier; another model is measured by
`verbatim eval extract --solver model`, with the same options, and `verbatim eval diff` between two runs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, cast

from eval.answer_tokens import counters
from eval.batch import AnswerFile, RequestFile
from eval.dataset import GOLD, RUBRIC, Sample, load_split
from eval.pointing import extract_result
from eval.solving import solve
from pipeline.extract import ModelExtractor, read_example, render_examples
from pipeline.ports import LLM, AnyLLM, Extractor
from pipeline.prompting import load_examples, load_rubric, load_template
from pipeline.records import Chunk, Extraction, Line, Role
from pipeline.rubric import Pillar, Rubric

ANSWERS = GOLD / "answers"
ANSWERED = ("g02", "g05", "g08")  # a design, a staff-level design and live coding
SHOWN = ("span_precision", "span_recall", "must_find_recall", "pillar_accuracy", "label_f1", "distractor_rate")


class Variant(NamedTuple):
    """How the model is asked."""

    template: str = "extract"
    examples: bool = True
    joint: bool = False

    @property
    def name(self) -> str:
        """For tables."""
        form = {"extract": "pointing", "quote": "quoting"}.get(self.template, self.template)
        shots = "few-shots" if self.examples else "no few-shots"
        return f"{form}, {shots}, {'joint' if self.joint else 'per pillar'}"

    @property
    def answers(self) -> Path:
        """Where a model's answers to this variant are kept, if there are any."""
        return ANSWERS / f"{self.name.replace(', ', '_').replace(' ', '-')}.jsonl"


VARIANTS = (
    Variant(),
    Variant(examples=False),
    Variant(joint=True),
    Variant(template="quote"),
    Variant(template="quote", examples=False),
)


def pointing_with(llm: LLM, variant: Variant) -> Extractor:
    """The production extractor around any LLM, asked in the variant's way."""
    template = load_template(variant.template)
    tables = load_examples(template.examples) if template.examples and variant.examples else []
    shown = render_examples([read_example(table) for table in tables], load_rubric(RUBRIC), template.answer)
    inner = ModelExtractor(llm, template, shown)
    return JointExtractor(inner) if variant.joint else inner


def model_of(extractor: Extractor) -> AnyLLM | None:
    """The LLM that an extractor asks, if it asks one."""
    inner = extractor.inner if isinstance(extractor, JointExtractor) else extractor
    return cast(AnyLLM, inner.llm) if isinstance(inner, ModelExtractor) else None


class JointExtractor:
    """Asks about all pillars in one request a chunk, and gives each draft back to its signal's pillar."""

    def __init__(self, inner: ModelExtractor) -> None:
        self.inner = inner
        self.name = "joint"
        self.model = inner.model

    def fingerprint(self, rubric: Rubric) -> str:
        """The inner extractor's, over the joint pillar."""
        return self.inner.fingerprint(_joint(rubric))

    async def extract(
        self, interview_id: str, lines: Sequence[Line], roles: dict[str, Role], chunks: Sequence[Chunk], rubric: Rubric
    ) -> Extraction:
        """Evidence under its own pillar; a joint answer cannot say which pillar a probe asks about, so none is kept."""
        found = await self.inner.extract(interview_id, lines, roles, chunks, _joint(rubric))
        drafts = [d.model_copy(update={"pillar": rubric.pillar_of.get(d.signal, d.pillar)}) for d in found.drafts]
        return found.model_copy(update={"drafts": tuple(drafts), "probes": ()})


def _joint(rubric: Rubric) -> Rubric:
    first = rubric.pillars[0]
    everything = Pillar(
        id="all",
        title="All pillars",
        looks_for=" ".join(pillar.looks_for for pillar in rubric.pillars),
        anchors=first.anchors,
        signals=tuple(signal for pillar in rubric.pillars for signal in pillar.signals),
    )
    return rubric.model_copy(update={"pillars": (everything,)})


def table(samples: Sequence[Sample]) -> list[str]:
    """Requests and characters sent for an hour of interview, as rows of Markdown."""
    rows = [
        "| variant | requests an hour | thousand characters an hour | of it the same in each request |",
        "|---|---|---|---|",
    ]
    hours = sum(sample.hours for sample in samples)
    for variant in VARIANTS:
        llm = RequestFile("sizes")
        solve(pointing_with(llm, variant), samples)
        sent = [json.dumps(request.messages) for request in llm.requests.values()]
        system = sum(len(request.messages[0]["content"]) for request in llm.requests.values())
        total = sum(len(text) for text in sent)
        rows.append(f"| {variant.name} | {len(sent) / hours:.0f} | {total / hours / 1000:.0f} | {system / total:.0%} |")
    return rows


def figures(samples: Sequence[Sample]) -> list[str]:
    """How well a model's kept answers did, and how long they are for each accepted piece, as rows of Markdown.

    Raises AnswerError when a request has changed since they were given.
    """
    ways = counters(server=False)
    rows = [f"| variant | {' | '.join([*SHOWN, *ways])} |", f"|---|{'---|' * (len(SHOWN) + len(ways))}"]
    asked = [sample for sample in samples if sample.id in ANSWERED]
    for variant in VARIANTS:
        if not variant.answers.is_file():
            continue
        llm = AnswerFile(variant.answers, "batch")
        cases = solve(pointing_with(llm, variant), asked)
        result = extract_result(cases, [], "batch", "dev")
        found = [result.figure(name) for name in SHOWN]
        cells = [f"{f.value:.3f} [{f.low:.3f}, {f.high:.3f}]" if f and f.value is not None else "" for f in found]
        pieces = sum(len(case.verified.evidence) for case in cases)
        cells += [
            f"{sum(count(str(row['text'])) for row in llm.answers.values()) / pieces:.0f}" for count in ways.values()
        ]
        rows.append(f"| {variant.name} | {' | '.join(cells)} |")
    return rows


if __name__ == "__main__":
    dev = load_split("dev")
    print("\n".join([*table(dev), "", *figures(dev)]))
