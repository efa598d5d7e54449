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
Floats = NDArray[np.float64]


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
    """One history. The same truth and seed give the same history."""
    rng = np.random.default_rng(seed)
    people, rounds = truth.candidates, truth.interviews
    common = rng.normal(size=people)
    standing = 0.7 * common[:, None] + 0.7 * rng.normal(size=(people, len(PILLARS)))
    severity = rng.normal(0, truth.severity_sd, truth.interviewers)
    severity[: truth.harsh] = 1.4  # rejects about nine in ten where the others reject four
    who = _assign(truth, rng)
    candidate = np.repeat(np.arange(people), rounds)
    form = np.tile(np.arange(rounds) % len(FORMATS), people)
    person = who.ravel()
    halo = truth.halo * rng.normal(size=len(person))
    asked = np.argsort(rng.random((len(person), len(PILLARS))), axis=1)[:, : truth.pillars_each]
    seen = np.take_along_axis(standing[candidate], asked, 1)
    seen = seen - severity[person][:, None] + halo[:, None] + truth.noise * rng.normal(size=seen.shape)
    level = np.digitize(seen, [-0.7, 0.6])
    overall = seen.mean(1) + 0.2 * rng.normal(size=len(person))
    no = overall < _cut(overall[person >= truth.harsh], 0.40)
    panel = level.reshape(people, -1).mean(1) + 0.1 * rng.normal(size=people)
    hired = np.zeros(people, bool)
    hired[np.argsort(-panel, kind="stable")[: round(people * truth.hire_share)]] = True
    history = History(
        truth,
        severity=severity,
        reject_rate=np.array(
            [no[person == j].mean() if (person == j).any() else np.nan for j in range(truth.interviewers)]
        ),
        harsh=tuple(_ids("iv", np.arange(truth.harsh)).tolist()),
    )
    _interview_tables(history, truth, rng, candidate, person, form, asked, level, no, standing)
    _outcome_tables(history, truth, rng, hired, common)
    return history


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
        for row in np.flatnonzero([len(set(line)) < truth.interviews for line in who.tolist()]):
            who[row] = rng.choice(truth.interviewers, truth.interviews, replace=False)
    return who.astype(np.int64)


def _interview_tables(
    history: History, truth: Truth, rng: np.random.Generator, candidate: NDArray[np.int64], person: NDArray[np.int64],
    form: NDArray[np.int64], asked: NDArray[np.int64], level: NDArray[np.int64], no: NDArray[np.bool_],
    standing: Floats,
) -> None:  # fmt: skip
    count = len(candidate)
    interview, names = _ids("i", np.arange(count)), _ids("iv", person)
    people = _ids("c", candidate)
    role = np.array(truth.roles)[np.arange(truth.candidates) % len(truth.roles)]
    day = (np.datetime64("2024-01-01") + (np.arange(truth.candidates) * 360 // truth.candidates)).astype(str)
    history.tables["candidates"] = {
        "candidate_id": _ids("c", np.arange(truth.candidates)), "role": role,
        "group": rng.choice(np.array(truth.groups), truth.candidates), "applied_on": day,
    }  # fmt: skip
    history.tables["interviews"] = {
        "interview_id": interview, "candidate_id": people, "interviewer_id": names, "role": role[candidate],
        "format": np.array(FORMATS)[form], "date": day[candidate],
    }  # fmt: skip
    flat = np.repeat(np.arange(count), asked.shape[1])
    pillar = np.array(PILLARS)[asked.ravel()]
    second = np.flatnonzero(np.repeat(rng.random(count) < truth.double_share, asked.shape[1]))
    reader = (
        person[flat[second]] + 1 + rng.integers(0, max(1, truth.interviewers - 1), count)[flat[second]]
    ) % truth.interviewers
    again = standing[candidate[flat[second]], asked.ravel()[second]] - history.severity[reader]
    again = np.digitize(again + truth.noise * rng.normal(size=len(second)), [-0.7, 0.6])
    history.tables["calls"] = {
        "interview_id": np.concatenate([interview[flat], interview[flat[second]]]),
        "pillar": np.concatenate([pillar, pillar[second]]),
        "reviewer_id": np.concatenate([names[flat], _ids("iv", reader)]),
        "level": LEVELS[np.concatenate([level.ravel(), again])],
    }  # fmt: skip
    bank = np.arange(24)
    history.tables["question_bank"] = {
        "question_id": _ids("q", bank), "format": np.array(FORMATS)[bank % 4],
        "pillar": np.array(PILLARS)[bank // 4 % 4],
    }  # fmt: skip
    question = form + 4 * rng.integers(0, 6, count)
    history.tables["questions"] = {
        "interview_id": interview, "question_id": _ids("q", question), "pillar": np.array(PILLARS)[asked[:, 0]],
        "level": LEVELS[level[:, 0]],
    }  # fmt: skip
    history.tables["votes"] = {"interview_id": interview, "interviewer_id": names, "vote": np.where(no, "no", "yes")}


def _outcome_tables(
    history: History, truth: Truth, rng: np.random.Generator, hired: NDArray[np.bool_], common: Floats
) -> None:
    people = _ids("c", np.arange(truth.candidates))
    applied = history.tables["candidates"]["applied_on"].astype("datetime64[D]")
    history.tables["decisions"] = {
        "candidate_id": people, "decision": np.where(hired, "hire", "reject"),
        "votes": np.full(truth.candidates, ""), "date": (applied + 20).astype(str),
    }  # fmt: skip
    staff = np.flatnonzero(hired)
    job = truth.validity * common[staff] + np.sqrt(1 - truth.validity**2) * rng.normal(size=len(staff))
    rating = RATINGS[np.digitize(job, [-0.8, 0.6])].astype(object)
    fate = rng.random(len(staff))
    reason = np.full(len(staff), "", object)
    left = fate < truth.left_share
    reason[left] = rng.choice(["performance", "voluntary", "unknown"], left.sum())
    rating[left] = ""
    kept = fate < 1 - truth.missing_share
    history.tables["outcomes"] = {
        "candidate_id": people[staff][kept], "months": rng.integers(6, 13, len(staff))[kept].astype(str),
        "rating": rating[kept].astype(str), "left_reason": reason[kept].astype(str),
        "rated_by": np.full(int(kept.sum()), "lead-1"), "saw_scores": np.full(int(kept.sum()), "false"),
    }  # fmt: skip
