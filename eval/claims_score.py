"""The task `claims`: sentences of feedback about gold interviews, held against what the interview holds.

Each sentence has a gold state: supported or contradicted (with the candidate's turns that show it, or by a count),
none_found (never said), or no_claim (a judgement, or about the writer). A support counts only when its lines lie in one
of those turns. eval/gold/CLAIMS.md has the policy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from pydantic import ValidationError

from eval.dataset import GOLD, GoldError, Sample
from eval.matching import Case
from eval.metrics.interval import Count
from eval.results import Item, TaskResult, measured
from pipeline.claims import Claim, Shown, is_claim
from pipeline.claims.search import Search
from pipeline.records import Record


class GoldClaim(Record):
    """A sentence, the interview it is about, and what the interview says to it."""

    id: str
    about: str
    text: str
    state: Literal["supported", "contradicted", "none_found", "no_claim"]
    kind: Literal["act", "count"]
    turns: tuple[int, ...]


class Held(NamedTuple):
    """A sentence, what was said of it, and the turns that were pointed at."""

    gold: GoldClaim
    state: str
    turns: frozenset[int]

    @property
    def right(self) -> bool:
        """The state, and for an act the place too."""
        placed = self.gold.kind == "count" or not self.gold.turns or bool(self.turns & set(self.gold.turns))
        return self.state == self.gold.state and placed


def load_claims(split: str) -> list[GoldClaim]:
    """The sentences of a split. Raises GoldError with file and line."""
    path = GOLD / f"claims_{split}.jsonl"
    found = []
    for number, row in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            found.append(GoldClaim.model_validate_json(row))
        except ValidationError as error:
            raise GoldError(f"{path.name}, line {number}: {error.error_count()} faults.") from None
    return found


def hold(gold: Sequence[GoldClaim], cases: Sequence[Case]) -> list[Held]:
    """Every sentence against its interview, with the evidence that the solver found there."""
    known = {case.sample.id: (case.sample, _search(case)) for case in cases}
    unknown = {claim.about for claim in gold} - known.keys()
    if unknown:
        raise GoldError(f"no interview is called {', '.join(sorted(unknown))}.")
    return [held_by_search(claim, *known[claim.about]) for claim in gold]


def _search(case: Case) -> Search:
    shown = [
        Shown(signal=row.signal, first_line=row.first_line, last_line=row.last_line, prompted_by=row.prompted_by)
        for row in case.verified.evidence
    ]
    return Search(case.sample.lines, case.sample.roles, shown)


def held_by_search(gold: GoldClaim, sample: Sample, search: Search) -> Held:
    """One sentence against its interview, offline."""
    if not is_claim(gold.text):
        return Held(gold, "no_claim", frozenset())
    found = search.look(gold.text)
    return Held(gold, found.state, turns_of(found, sample))


def turns_of(claim: Claim, sample: Sample) -> frozenset[int]:
    """The gold turns of the lines that a claim points at."""
    if claim.first_line is None or claim.last_line is None:
        return frozenset()
    return frozenset(sample.turn_of(line) for line in sample.lines[claim.first_line - 1 : claim.last_line])


Test = Callable[[Held], bool]
# Metric -> what counts as good, among what.
METRICS: dict[str, tuple[Test, Test]] = {
    "support_recall": (lambda h: h.right, lambda h: h.gold.state == "supported" and h.gold.kind == "act"),
    "support_precision": (lambda h: h.right, lambda h: h.state == "supported" and h.gold.kind == "act"),
    "false_support_none": (lambda h: h.state == "supported", lambda h: h.gold.state == "none_found"),
    "false_support_contradicted": (
        lambda h: h.state == "supported",
        lambda h: h.gold.state == "contradicted" and h.gold.kind == "act",
    ),
    "contradiction_precision": (lambda h: h.right, lambda h: h.state == "contradicted" and h.gold.kind == "act"),
    "contradiction_recall": (lambda h: h.right, lambda h: h.gold.state == "contradicted" and h.gold.kind == "act"),
    "count_accuracy": (lambda h: h.right, lambda h: h.gold.kind == "count"),
    "claim_recall": (lambda h: h.state != "no_claim", lambda h: h.gold.state != "no_claim"),
    "judgement_passed_over": (lambda h: h.state == "no_claim", lambda h: h.gold.state == "no_claim"),
    "state_accuracy": (lambda h: h.state == h.gold.state, lambda _: True),
}


def claims_result(held: Sequence[Held], solver: str, split: str) -> TaskResult:
    """The figures by interview, and every sentence that was not held as the gold says."""
    return measured("claims", solver, split, counted(held), [_item(row) for row in held])


def counted(held: Sequence[Held]) -> dict[str, dict[str, Count]]:
    """Metric -> interview -> (good, all)."""
    return {
        metric: {
            name: (
                sum(good(row) and among(row) for row in held if row.gold.about == name),
                sum(among(row) for row in held if row.gold.about == name),
            )
            for name in sorted({row.gold.about for row in held})
        }
        for metric, (good, among) in METRICS.items()
    }


def _item(row: Held) -> Item:
    where = f" in turn {', '.join(map(str, sorted(row.turns)))}" if row.turns else ""
    return Item(
        item=row.gold.id,
        document=row.gold.about,
        state="right" if row.right else "wrong",
        detail=f"{row.gold.state}, held to be {row.state}{where}",
        quote=row.gold.text,
    )
