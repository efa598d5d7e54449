"""A model points at the lines that bear a claim out or speak against it; code checks the lines and does the counting.

A pointer holds only if its lines are one to three of the candidate's own, in the part that was shown. Among the
sentences stands one that was planted and that nobody said or did: an answer that finds it in the transcript was not
read from the transcript, and nothing of it is taken. Claims with a count and claims in quotation marks are settled by
code alone and are not shown.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from pipeline.answering import Asker, Form, closed, parse, request_for
from pipeline.claims.claim import Claim, State
from pipeline.claims.retold import count_in, quote_in
from pipeline.errors import AnswerError, EndpointError, RunStopError, VerbatimError
from pipeline.hashing import content_hash
from pipeline.ports import AnyLLM
from pipeline.prompting import PromptTemplate
from pipeline.records import Chunk, Line, ModelCall, ModelRequest, Role
from pipeline.redact import Redactor
from pipeline.talk import Talk

PLANTED = (
    "Juggled three oranges while naming the capitals of Africa.",
    "Sang the second verse of a sea shanty in Norwegian.",
    "Repaired the interviewer's bicycle with a paper clip.",
    "Read out a recipe for plum dumplings from start to end.",
)
EXAMPLE = ("1 supports 12-13", "2 contradicts 40", "3 none", "4 no-claim")  # of the prompt; small models repeat it
MOST = 40  # sentences in one request
MAX_LINES = 3
_POINTER = re.compile(
    r"([0-9]{1,3}) (supports|contradicts) ([0-9]{1,6})(?:-([0-9]{1,6}))?|([0-9]{1,3}) (none|no-claim)"
)


class HeldAnswer(Form):
    """All that a model can say: one short string a sentence."""

    held: list[str]


class Pointed(NamedTuple):
    """What a model's look came to: claims by sentence, counts for a summary, the calls, and what went wrong."""

    claims: list[Claim]
    summary: dict[str, Any]
    calls: list[ModelCall]
    fault: VerbatimError | None


class _Page(NamedTuple):
    """One request: lines of a chunk, and sentences by number; `planted` is the number of the planted one."""

    chunk: Chunk
    sentences: dict[int, tuple[int, int]]
    planted: int
    text: str


class _Said(NamedTuple):
    state: str  # supports, contradicts, none or no-claim
    first: int = 0
    last: int = 0
    request_hash: str = ""


def answer_schema() -> dict[str, Any]:
    """The closed form of an answer."""
    pattern = "^[0-9]{1,3} ((supports|contradicts) [0-9]{1,6}(-[0-9]{1,6})?|none|no-claim)$"
    piece = {"type": "string", "pattern": pattern}
    return closed(held={"type": "array", "items": piece, "maxItems": MOST + 1})


class Pointing:
    """A model's look at one piece of feedback and one interview."""

    def __init__(
        self,
        template: PromptTemplate,
        text: str,
        sentences: Sequence[tuple[int, int]],
        lines: Sequence[Line],
        roles: Mapping[str, Role],
        chunks: Sequence[Chunk],
        redactor: Redactor,
    ) -> None:
        self.template, self.text, self.lines, self.roles = template, text, lines, roles
        self.redactor = redactor
        self.talk = Talk(lines, dict(roles), redactor)
        self.sentences = [(a, b) for a, b in sentences if not (count_in(text[a:b]) or quote_in(text[a:b]))]
        self.pages = [page for chunk in chunks for page in self._pages(chunk)]

    def _pages(self, chunk: Chunk) -> list[_Page]:
        return [self._page(chunk, self.sentences[at : at + MOST]) for at in range(0, len(self.sentences), MOST)]

    def _page(self, chunk: Chunk, sentences: Sequence[tuple[int, int]]) -> _Page:
        """Sentences numbered from 1; place and wording of the planted one follow from the words."""
        shown = [" ".join(self.redactor.redact(self.text[a:b]).text.split()) for a, b in sentences]
        lot = int(content_hash(chunk.chunk, shown), 16)
        planted = lot % (len(shown) + 1) + 1
        rows = [*shown[: planted - 1], PLANTED[lot // 997 % len(PLANTED)], *shown[planted - 1 :]]
        numbers = [n for n in range(1, len(rows) + 1) if n != planted]
        text = "\n".join(f"{n} {row}" for n, row in enumerate(rows, start=1))
        return _Page(chunk, dict(zip(numbers, sentences, strict=True)), planted, text)

    def messages(self, page: _Page) -> list[dict[str, str]]:
        """What is sent for a page: the lines first, so that servers reuse the common prefix."""
        shown = self.talk.show(page.chunk.first_line, page.chunk.last_line)
        return self.template.render(lines=shown, sentences=page.text)

    def request(self, llm: AnyLLM, page: _Page) -> ModelRequest:
        """The request for a page."""
        return request_for(llm, answer_schema(), self.messages(page))

    async def ask(self, llm: AnyLLM) -> Pointed:
        """Ask about every page. What an endpoint or a model does wrong is in `fault`, never raised."""
        import anyio

        asker = Asker(llm, llm.turn_down)
        dropped: Counter[str] = Counter()
        said: list[dict[int, _Said] | None] = [None] * len(self.pages)
        faults: list[VerbatimError] = []

        async def work(at: int) -> None:
            page = self.pages[at]
            request = self.request(llm, page)
            try:
                said[at] = await asker.read(request, await asker.complete(request), self._reader(page, dropped))
            except (AnswerError, EndpointError) as error:
                faults.append(error)
                if isinstance(error, RunStopError):
                    group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            for at in range(len(self.pages)):
                group.start_soon(work, at)
        return self._pointed(llm.model, said, dropped, asker.calls, faults)

    def _reader(self, page: _Page, dropped: Counter[str]) -> Callable[[str, str], dict[int, _Said]]:
        """Reads an answer to a page; pointers that do not hold are counted in `dropped`."""

        def read(text: str, request_hash: str) -> dict[int, _Said]:
            found: dict[int, _Said] = {}
            faults: Counter[str] = Counter()
            held = parse(HeldAnswer, text, request_hash).held
            if tuple(held[: len(EXAMPLE)]) == EXAMPLE:
                raise AnswerError(f"request {request_hash}: held: that is the example")
            for i, piece in enumerate(held):
                match = _POINTER.fullmatch(piece)
                if match is None:
                    raise AnswerError(f"request {request_hash}: held.{i}: not of the form 1 supports 12-13")
                number = int(match[1] or match[5])
                if number == page.planted:
                    if match[2]:
                        raise AnswerError(f"request {request_hash}: held.{i}: those lines do not say that")
                    continue
                said = self._said(page, match, request_hash)
                if number not in page.sentences or number in found:
                    faults["unknown_sentence" if number not in page.sentences else "said_twice"] += 1
                elif said is None:
                    faults["not_the_candidates_lines"] += 1
                else:
                    found[number] = said
            if not (found or faults["not_the_candidates_lines"]):
                raise AnswerError(f"request {request_hash}: held: none of the sentences shown is in it")
            dropped.update(faults)
            return found

        return read

    def _said(self, page: _Page, match: re.Match[str], request_hash: str) -> _Said | None:
        """One pointer, checked: the candidate's own lines, in the part that was shown."""
        if match[6]:
            return _Said(match[6], request_hash=request_hash)
        first, last = int(match[3]), int(match[4] or match[3])
        inside = page.chunk.first_line <= first <= last <= page.chunk.last_line and last - first < MAX_LINES
        own = inside and all(self.roles.get(self.lines[n - 1].speaker) == "candidate" for n in range(first, last + 1))
        return _Said(match[2], first, last, request_hash) if own else None

    def _pointed(
        self,
        model: str,
        said: Sequence[dict[int, _Said] | None],
        dropped: Counter[str],
        calls: list[ModelCall],
        faults: Sequence[VerbatimError],
    ) -> Pointed:
        """Answers of all parts of the interview put together, by sentence."""
        by_place: dict[tuple[int, int], list[_Said]] = {place: [] for place in self.sentences}
        for page, found in zip(self.pages, said, strict=True):
            for number, one in (found or {}).items():
                by_place[page.sentences[number]].append(one)
        answered = sum(found is not None for found in said)
        whole = answered == len(self.pages)
        parts = len({page.chunk.chunk for page in self.pages})
        rows = (_claim(place, own, model, parts) for place, own in by_place.items())
        claims = [row for row in rows if row is not None]
        summary = {
            "state": "used" if whole else "partly" if answered else "failed",
            "name": model,
            "pages": len(self.pages),
            "answered": answered,
            "from_disk": sum(call.cached for call in calls),
            "sentences": len(self.sentences),
            "no_claim": sum({one.state for one in own} == {"no-claim"} for own in by_place.values()),
            "unanswered": sum(not own for own in by_place.values()),
            "dropped": dict(sorted(dropped.items())),
        }
        return Pointed(claims, summary, calls, faults[0] if faults else None)


def _claim(place: tuple[int, int], said: Sequence[_Said], model: str, parts: int) -> Claim | None:
    """One sentence's row: the first support, else the first contradiction, else that none was found.

    No row when the model took it for no claim or said nothing, nor when it found nothing in one part of the interview
    and said nothing about another.
    """
    order = ("supports", "contradicts", "none")
    claims = [one for one in said if one.state in order]
    if not claims:
        return None
    one = min(claims, key=lambda s: (order.index(s.state), s.first))
    if one.state == "none" and len(said) < parts:
        return None
    states: dict[str, State] = {"supports": "supported", "contradicts": "contradicted", "none": "none_found"}
    details = {
        "supports": "a model points at these lines for it",
        "contradicts": "a model points at these lines against it",
        "none": "a model found no line for or against it",
    }
    return Claim(
        claim=0,
        start=place[0],
        end=place[1],
        state=states[one.state],
        first_line=one.first or None,
        last_line=one.last or None,
        detail=details[one.state],
        source="model",
        model=model,
        request_hash=one.request_hash,
    )


def beside(offline: Sequence[Claim], pointed: Sequence[Claim]) -> list[Claim]:
    """Both views, sentence by sentence, numbered alike; the offline one stands first."""
    rows = sorted((*offline, *pointed), key=lambda c: (c.start, c.source != "offline"))
    numbers = {start: n for n, start in enumerate(dict.fromkeys(row.start for row in rows), start=1)}
    return [row.model_copy(update={"claim": numbers[row.start]}) for row in rows]
