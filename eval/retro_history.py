"""A made-up hiring history with known truth, as the files that `verbatim import` reads.

People have a standing on each pillar; interviewers see it with noise and their own severity; those with the best panel
are hired; the rating on the job depends on the same standing by a known validity. Nothing here comes from any company.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PILLARS = ("execution_coding", "architecture_tradeoffs", "collaboration_communication", "ownership_debugging")
FORMATS = ("live-coding", "system-design", "pair-programming", "take-home")
LEVELS = np.array(["weak", "ok", "strong"])
RATINGS = np.array(["struggling", "meeting", "exceeding"])
CUTS = (-0.7, 0.6)  # latent standing at which weak becomes ok, and ok strong
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Truth:
    """What a history is drawn from."""

    candidates: int = 200
    interviewers: int = 20
    interviews: int = 4  # per candidate
    pillars_each: int = 4  # pillars an interviewer calls in one interview
    hire_share: float = 0.28
    validity: float = 0.0  # correlation of the job with the pillars' common standing, among all applicants
    severity_sd: float = 0.25  # spread of ordinary interviewers, in latent standard deviations
    harsh: int = 0  # how many interviewers reject nine of ten
    halo: float = 0.25  # an interviewer's own impression of a person, shared by all pillars of the interview
    noise: float = 0.7
    double_share: float = 0.15  # interviews that a second person reads too
    roles: tuple[str, ...] = ("backend",)
    groups: tuple[str, ...] = ("a", "b")
    left_share: float = 0.1
    missing_share: float = 0.1
    tied: bool = False  # interviewers keep to one format


@dataclass(frozen=True)
class Numbers:
    """A history as arrays, before it has names and files: C candidates, I interviews, P pillars each, H hires."""

    truth: Truth
    severity: Floats  # per interviewer
    candidate: Ints  # (I,)
    person: Ints  # (I,) interviewer
    form: Ints  # (I,) format
    asked: Ints  # (I, P) pillars called
    level: Ints  # (I, P) 0 weak, 1 ok, 2 strong
    no: Flags  # (I,) votes
    cut: float  # what a candidate must show for a yes
    second: Ints  # which of the I x P calls somebody else made too
    reader: Ints  # who
    again: Ints  # and what they called
    question: Ints  # (I,)
    group: Ints  # (C,)
    staff: Ints  # (H,) candidates hired
    rating: Ints  # (H,) 0 struggling, 1 meeting, 2 exceeding
    left: Flags  # (H,)
    reason: NDArray[np.str_]  # (H,) why they left
    recorded: Flags  # (H,) whether anything was written down
    months: Ints  # (H,)


def numbers(truth: Truth, seed: int | list[int]) -> Numbers:
    """One history as arrays. The same truth and seed give the same history."""
    rng = np.random.default_rng(seed)
    people, rounds = truth.candidates, truth.interviews
    common = rng.normal(size=people)
    standing = 0.7 * common[:, None] + 0.7 * rng.normal(size=(people, len(PILLARS)))
    severity = rng.normal(0, truth.severity_sd, truth.interviewers)
    severity[: truth.harsh] = 1.4  # rejects about nine in ten where the others reject four
    person = _assign(truth, rng).ravel()
    candidate, count = np.repeat(np.arange(people), rounds), people * rounds
    halo = truth.halo * rng.normal(size=count)
    asked = np.argsort(rng.random((count, len(PILLARS))), axis=1)[:, : truth.pillars_each]
    seen = np.take_along_axis(standing[candidate], asked, 1)
    seen = seen - severity[person][:, None] + halo[:, None] + truth.noise * rng.normal(size=seen.shape)
    level = np.digitize(seen, CUTS)
    overall = seen.mean(1) + 0.2 * rng.normal(size=count)
    cut = _cut(overall[person >= truth.harsh], 0.40)
    panel = level.reshape(people, -1).mean(1) + 0.1 * rng.normal(size=people)
    staff = np.sort(np.argsort(-panel, kind="stable")[: round(people * truth.hire_share)])
    group = rng.choice(len(truth.groups), people)
    second = np.flatnonzero(np.repeat(rng.random(count) < truth.double_share, asked.shape[1]))
    flat = second // asked.shape[1]
    reader = (person[flat] + 1 + rng.integers(0, max(1, truth.interviewers - 1), count)[flat]) % truth.interviewers
    again = standing[candidate[flat], asked.ravel()[second]] - severity[reader]
    again = np.digitize(again + truth.noise * rng.normal(size=len(second)), CUTS)
    question = np.tile(np.arange(rounds) % len(FORMATS), people) + 4 * rng.integers(0, 6, count)
    job = truth.validity * common[staff] + np.sqrt(1 - truth.validity**2) * rng.normal(size=len(staff))
    fate = rng.random(len(staff))
    left = fate < truth.left_share
    reason = np.full(len(staff), "", "<U11")
    reason[left] = rng.choice(["performance", "voluntary", "unknown"], left.sum())
    return Numbers(
        truth, severity, candidate, person, question % 4, asked, level, overall < cut, cut, second, reader, again,
        question, group, staff, np.digitize(job, [-0.8, 0.6]), left, reason, fate < 1 - truth.missing_share,
        rng.integers(6, 13, len(staff)),
    )  # fmt: skip


def _cut(values: Floats, share: float) -> float:
    return float(np.quantile(values, share)) if len(values) else 0.0


def _assign(truth: Truth, rng: np.random.Generator) -> NDArray[np.int64]:
    """Distinct interviewers for each candidate, every interviewer about equally often."""
    pools = [np.arange(truth.interviewers)] * truth.interviews
    if truth.tied and truth.interviewers >= 2 * truth.interviews:
        pools = np.array_split(np.arange(truth.interviewers), truth.interviews)
    columns = [rng.permutation(np.resize(pool, truth.candidates)) for pool in pools]
    who = np.column_stack(columns)
    if not truth.tied and truth.interviewers > truth.interviews:
        for row in np.flatnonzero((np.diff(np.sort(who, 1)) == 0).any(1)):
            who[row] = rng.choice(truth.interviewers, truth.interviews, replace=False)
    return who.astype(np.int64)


@dataclass
class History:
    """Tables by kind (column -> array), and what is true behind them."""

    truth: Truth
    tables: dict[str, dict[str, NDArray[np.str_]]] = field(default_factory=dict)
    severity: Floats = field(default_factory=lambda: np.zeros(0))
    reject_rate: Floats = field(default_factory=lambda: np.zeros(0))
    harsh: tuple[str, ...] = ()

    def write(self, folder: Path) -> list[Path]:
        """One CSV file a kind."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for kind, columns in self.tables.items():
            path = folder / f"{kind}.csv"
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(columns)
                writer.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))
            paths.append(path)
        return paths


def _ids(prefix: str, numbers: NDArray[np.int64]) -> NDArray[np.str_]:
    return np.array([f"{prefix}-{number:06d}" for number in numbers.tolist()], dtype=np.str_)


def draw(truth: Truth, seed: int) -> History:
    """One history as tables. The same truth and seed give the same history."""
    drawn = numbers(truth, seed)
    each = [drawn.no[drawn.person == at] for at in range(truth.interviewers)]
    return History(
        truth,
        _interview_tables(drawn) | _outcome_tables(drawn),
        severity=drawn.severity,
        reject_rate=np.array([own.mean() if own.size else np.nan for own in each]),
        harsh=tuple(_ids("iv", np.arange(truth.harsh)).tolist()),
    )


def _days(truth: Truth) -> NDArray[np.datetime64]:
    return np.datetime64("2024-01-01") + (np.arange(truth.candidates) * 360 // truth.candidates)


def _interview_tables(drawn: Numbers) -> dict[str, dict[str, NDArray[np.str_]]]:
    truth, asked = drawn.truth, drawn.asked
    interview, names = _ids("i", np.arange(len(drawn.candidate))), _ids("iv", drawn.person)
    role = np.array(truth.roles)[np.arange(truth.candidates) % len(truth.roles)]
    day = _days(truth).astype(str)
    flat = np.repeat(np.arange(len(interview)), asked.shape[1])
    pillar = np.array(PILLARS)[asked.ravel()]
    bank = np.arange(24)
    return {
        "candidates": {
            "candidate_id": _ids("c", np.arange(truth.candidates)), "role": role,
            "group": np.array(truth.groups)[drawn.group], "applied_on": day,
        },
        "interviews": {
            "interview_id": interview, "candidate_id": _ids("c", drawn.candidate), "interviewer_id": names,
            "role": role[drawn.candidate], "format": np.array(FORMATS)[drawn.form], "date": day[drawn.candidate],
        },
        "calls": {
            "interview_id": np.concatenate([interview[flat], interview[flat[drawn.second]]]),
            "pillar": np.concatenate([pillar, pillar[drawn.second]]),
            "reviewer_id": np.concatenate([names[flat], _ids("iv", drawn.reader)]),
            "level": LEVELS[np.concatenate([drawn.level.ravel(), drawn.again])],
        },
        "question_bank": {
            "question_id": _ids("q", bank), "format": np.array(FORMATS)[bank % 4],
            "pillar": np.array(PILLARS)[bank // 4 % 4],
        },
        "questions": {
            "interview_id": interview, "question_id": _ids("q", drawn.question),
            "pillar": np.array(PILLARS)[asked[:, 0]], "level": LEVELS[drawn.level[:, 0]],
        },
        "votes": {"interview_id": interview, "interviewer_id": names, "vote": np.where(drawn.no, "no", "yes")},
    }  # fmt: skip


def _outcome_tables(drawn: Numbers) -> dict[str, dict[str, NDArray[np.str_]]]:
    people, kept = _ids("c", np.arange(drawn.truth.candidates)), drawn.recorded
    hired = np.isin(np.arange(len(people)), drawn.staff)
    return {
        "decisions": {
            "candidate_id": people, "decision": np.where(hired, "hire", "reject"),
            "votes": np.full(len(people), ""), "date": (_days(drawn.truth) + 20).astype(str),
        },
        "outcomes": {
            "candidate_id": people[drawn.staff][kept], "months": drawn.months[kept].astype(str),
            "rating": np.where(drawn.left, "", RATINGS[drawn.rating])[kept], "left_reason": drawn.reason[kept],
            "rated_by": np.full(int(kept.sum()), "lead-1"), "saw_scores": np.full(int(kept.sum()), "false"),
        },
    }  # fmt: skip
