"""Do the intervals of the retrospective hold the truth as often as they say? Thousands of histories in a minute.

The same histories as eval/retro_sim.py, without files and database: the report's own functions on the tables that the
database would count. `python -m eval.retro_cover` prints each cell as a JSON line: share of intervals that hold the
true value, its standard error over histories, and in how many histories there was none to give.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from eval.retro_history import Floats, Ints, Numbers, Truth, numbers
from pipeline.retro.agreement import Agreement, Pattern, agreement
from pipeline.retro.concordance import concordance, cross_table
from pipeline.retro.gates import COMPATIBLE, TOO_FEW, gate, words
from pipeline.retro.rank import fisher, spearman
from pipeline.retro.rates import Interval, newcombe, wilson
from pipeline.retro.severity import severity

BIG = 120_000  # candidates behind a true value
Held = tuple[Interval | None, float]  # an interval and what it should hold


class Scores(NamedTuple):
    """Scores of hires, and how it went (nan: no outcome that counts)."""

    y: Floats  # unknown reasons for leaving read as missing
    y_unknown: Floats  # and read as performance
    panel: Floats
    pillars: list[Floats]
    formats: list[Floats]
    against: Ints  # no votes


def scores(drawn: Numbers) -> Scores:
    """What pipeline/retro/history.py makes of the files, for hires."""
    people, width = drawn.truth.candidates, drawn.asked.shape[1]
    who, pillar = np.repeat(drawn.candidate, width), drawn.asked.ravel()
    level, form = drawn.level.ravel().astype(float), np.repeat(drawn.form, width)

    def mean(group: Ints) -> Floats:
        total, count = np.bincount(who, level * group, people), np.bincount(who, group, people)
        return np.asarray(np.divide(total, count, out=np.full(people, np.nan), where=count > 0), float)

    by_pillar = [mean(pillar == at) for at in range(4)]
    left, late = drawn.recorded & drawn.left, drawn.recorded & (drawn.reason == "performance")
    y = np.where(drawn.recorded & ~left, drawn.rating, np.nan)
    y = np.where(late, 0.0, y)
    unknown = np.where(left & (drawn.reason == "unknown"), 0.0, y)
    kept = drawn.staff
    return Scores(
        y, unknown, np.nanmean(by_pillar, 0)[kept].round(6), [one[kept] for one in by_pillar],
        [mean(form == at)[kept] for at in range(4)], np.bincount(drawn.candidate, drawn.no, people)[kept].astype(int),
    )  # fmt: skip


def table(score: Floats, y: Floats) -> Ints:
    """Hires with both, counted."""
    known = np.isfinite(score) & np.isfinite(y)
    return cross_table(score[known], y[known].astype(int))


def readers(drawn: Numbers, pillar: int | None = 0) -> Agreement | None:
    """Agreement of two readers of one interview on a pillar, or on all."""
    each = drawn.second // drawn.asked.shape[1]
    mine = np.full(len(each), True) if pillar is None else drawn.asked.ravel()[drawn.second] == pillar
    place = 3 * drawn.level.ravel()[drawn.second][mine] + drawn.again[mine]
    kinds: list[Pattern] = [tuple((pair // 3 == at) + (pair % 3 == at) for at in range(3)) for pair in range(9)]
    patterns, shared = defaultdict[Pattern, int](int), [defaultdict[tuple[Pattern, Pattern], int](int) for _ in "rc"]
    for kind, count in zip(kinds, np.bincount(place, minlength=9).tolist(), strict=True):
        patterns[kind] += count
    for into, sides in zip(shared, ((drawn.person[each], drawn.reader), (drawn.candidate[each],)), strict=True):
        held = np.zeros((max(drawn.truth.candidates, drawn.truth.interviewers), 9), np.int64)
        for who in sides:
            np.add.at(held, (who[mine], place), 1)
        pairs = held.T @ held - np.diag(held.sum(0))
        for (one, row), (other, column) in product(zip(kinds, pairs, strict=True), zip(kinds, range(9), strict=True)):
            into[one, other] += int(row[column])
    return agreement(patterns, shared)


def item_rest(drawn: Numbers) -> dict[int, tuple[float, int]]:
    """Each question's correlation with the candidate's other interviews, and its number of interviews."""
    flat = drawn.second // drawn.asked.shape[1]
    total = drawn.level.sum(1) + np.bincount(flat, drawn.again, len(drawn.person))
    count = drawn.asked.shape[1] + np.bincount(flat, minlength=len(drawn.person))
    whole, size = np.bincount(drawn.candidate, total), np.bincount(drawn.candidate, count)
    rest = (whole[drawn.candidate] - total) / (size[drawn.candidate] - count)
    found = {}
    for question in range(24):
        mine = drawn.question == question
        value, other = drawn.level[mine, 0], rest[mine]
        if mine.sum() >= 8 and value.std() > 0 and other.std() > 0:
            found[question] = float(np.corrcoef(value, other)[0, 1]), int(mine.sum())
    return found


def severities(drawn: Numbers) -> Iterator[Held]:
    """Each interviewer's severity interval, and what it is in truth."""
    width = drawn.asked.shape[1]
    at = np.concatenate([np.arange(drawn.level.size), drawn.second])
    interview, pillar = at // width, drawn.asked.ravel()[at]
    value = np.concatenate([drawn.level.ravel(), drawn.again]).astype(float)
    group = 4 * drawn.form[interview] + pillar
    value -= (np.bincount(group, value) / np.maximum(np.bincount(group), 1))[group]
    person = np.concatenate([drawn.person[at[: drawn.level.size] // width], drawn.reader])
    # One reading is the mean of a person's calls on an interview.
    seats, reading = np.unique(drawn.truth.interviewers * interview + person, return_inverse=True)
    value = np.bincount(reading, value) / np.bincount(reading)
    names, person = np.unique(seats % drawn.truth.interviewers, return_inverse=True)
    cell = drawn.candidate[seats // drawn.truth.interviewers]
    fit, true = severity(cell, person, value), true_severity(drawn.truth, drawn.severity)
    for place, name in enumerate(names.tolist()):
        yield (fit.interviewers[place].interval if fit else None), float(true[name])


def true_severity(truth: Truth, standing: Floats) -> Floats:
    """What an interviewer's severity is worth in levels of a call, against the mean of all."""
    spread = float(np.sqrt(0.98 + truth.halo**2 + truth.noise**2))
    level = stats.norm.sf((-0.7 + standing) / spread) + stats.norm.sf((0.6 + standing) / spread)
    return np.asarray(level.mean() - level, float)


def rejections(drawn: Numbers) -> Iterator[Held]:
    """Each interviewer's Wilson interval, and the share they would reject in the long run."""
    each = drawn.asked.shape[1]
    spread = np.sqrt(0.49 + 0.49 / each + drawn.truth.halo**2 + drawn.truth.noise**2 / each + 0.04)
    sizes = np.bincount(drawn.person, minlength=drawn.truth.interviewers)
    against = np.bincount(drawn.person, drawn.no, drawn.truth.interviewers)
    for k, n, own in zip(against, sizes, drawn.severity, strict=True):
        if n:
            yield wilson(int(k), int(n)), float(stats.norm.cdf((drawn.cut + own) / spread))


def misses(found: Scores) -> tuple[int, int, int, int]:
    """Exceeding and all, of hires with a no vote and of those without."""
    known, no = np.isfinite(found.y), found.against > 0
    good = found.y == 2
    return int((good & no).sum()), int((known & no).sum()), int((good & ~no).sum()), int((known & ~no).sum())


def intervals(drawn: Numbers, aim: dict[str, float], severe: bool) -> dict[str, list[Held]]:
    """Every interval of one history beside its true value."""
    found = scores(drawn)
    named = [("c", found.panel), ("pillar c", found.pillars[0]), ("format c", found.formats[0])]
    held: dict[str, list[Held]] = {}
    for name, score in named:
        one = concordance([table(score, found.y)])
        held[name] = [(one.interval if one else None, aim[name])]
    ranks, read = spearman([table(found.panel, found.y)]), readers(drawn)
    held["spearman"] = [(ranks.interval if ranks else None, aim["spearman"])]
    held["alpha"] = [(read.interval if read else None, aim["alpha"])]
    read = readers(drawn, None)
    held["alpha of all pillars"] = [(read.interval if read else None, aim["alpha of all pillars"])]
    held["item-rest"] = [(fisher(r, n), aim[f"item {name}"]) for name, (r, n) in item_rest(drawn).items()]
    held["newcombe"] = [(newcombe(*misses(found)), aim["newcombe"])]
    held["rejection rate"] = list(rejections(drawn))
    if severe:
        held["severity"] = list(severities(drawn))
    return held


def aims(truth: Truth, seed: int, parts: int) -> dict[str, float]:
    """True values: the mean over `parts` very large histories with the same rules.

    Every interview there has a second reader, and there are so many interviewers that no one of them counts.
    """
    big = replace(truth, candidates=BIG, interviewers=3000, double_share=1.0)
    drawn = [_point(numbers(big, [seed, part])) for part in range(parts)]
    return {name: float(np.mean([one[name] for one in drawn])) for name in drawn[0]}


def _point(drawn: Numbers) -> dict[str, float]:
    found, read = scores(drawn), readers(drawn)
    ranks, (k1, n1, k2, n2) = spearman([table(found.panel, found.y)]), misses(found)
    aim = {"spearman": ranks.r if ranks else np.nan, "alpha": read.alpha if read and read.alpha else np.nan}
    whole = readers(drawn, None)
    aim |= {"alpha of all pillars": whole.alpha if whole and whole.alpha else np.nan, "newcombe": k1 / n1 - k2 / n2}
    for name, score in (("c", found.panel), ("pillar c", found.pillars[0]), ("format c", found.formats[0])):
        one = concordance([table(score, found.y)])
        aim[name] = one.c if one else np.nan
    return aim | {f"item {name}": r for name, (r, _) in item_rest(drawn).items()}


def coverage(truth: Truth, draws: int, seed: int, severe: int = 0, parts: int = 6) -> dict[str, Any]:
    """Per statistic: [share of intervals that hold the truth, its standard error, histories or people without one].

    Severity, the slow one, is fitted in the first `severe` histories.
    """
    aim = aims(truth, seed, parts)
    share: dict[str, list[float]] = defaultdict(list)  # one figure a history: people of one history are no sample
    without: dict[str, int] = defaultdict(int)
    hires, doubles = [], []
    for number in range(draws):
        drawn = numbers(truth, [seed, 1000 + number])
        hires.append(float(np.isfinite(scores(drawn).y).sum()))
        doubles.append(len(drawn.second) / 4)
        for name, pairs in intervals(drawn, aim, number < severe).items():
            held = [one.low <= true <= one.high for one, true in pairs if one is not None]
            without[name] += len(pairs) - len(held)
            if held:
                share[name].append(float(np.mean(held)))
    found = {
        name: [round(float(np.mean(one)), 4), round(float(np.std(one) / np.sqrt(len(one))), 4), without[name]]
        for name, one in share.items()
    }
    true = {name: round(value, 4) for name, value in aim.items() if not name.startswith("item")}
    return {"hires": float(np.mean(hires)), "doubly read": float(np.mean(doubles)), "draws": draws, "true": true,
            "covered": found}  # fmt: skip


def strong_words(truth: Truth, draws: int, seed: int) -> dict[str, Any]:
    """Share of histories in which anything above "compatible with" is said, by the rules of the report."""
    said, hires = [], []
    for number in range(draws):
        found = scores(numbers(truth, [seed, 1000 + number]))
        hires.append(float(np.isfinite(found.y).sum()))
        said.append(_said(found))
    return {"hires": float(np.mean(hires)), "draws": draws, "strong_words": float(np.mean(said)), "most": max(hires)}


def _said(found: Scores) -> bool:
    """Pillars and formats speak only after the overall result does, so that one decides."""
    one, other = table(found.panel, found.y), table(found.panel, found.y_unknown)
    used = words(gate(int(one.sum())), concordance([one]), concordance([other]), spearman([one]))
    return used not in (COMPATIBLE, TOO_FEW)


def sized(truth: Truth, hires: int) -> Truth:
    """The same rules with about so many hires whose outcome counts."""
    counted = 1 - truth.missing_share - truth.left_share * 2 / 3
    return replace(truth, candidates=round(hires / truth.hire_share / counted))


# Other rules than the usual ones, looked at only after the methods had been chosen.
RULES = {
    "usual": Truth(validity=0.5),
    "no validity": Truth(),
    "strong halo, wide severities, two pillars each": Truth(
        validity=0.3, halo=0.5, severity_sd=0.5, pillars_each=2, interviewers=12
    ),
    "sharp selection, high validity, little noise": Truth(validity=0.8, hire_share=0.12, noise=0.5),
    "mild selection, three interviews, many leave": Truth(validity=0.5, hire_share=0.5, interviews=3, left_share=0.3),
}
HIRES = (11, 15, 30, 50, 200)
READ = (15, 30, 60, 200)  # doubly read calls of a pillar
SILENT = (15, 22, 40, 60, 120, 360)


def study(draws: int) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """Every cell by name."""
    for at, (name, rules) in enumerate(RULES.items()):
        for hires in HIRES if at < 2 else (15, 50, 200):
            truth = sized(replace(rules, interviewers=60) if hires == 200 else rules, hires)
            count = draws // 2 if hires == 200 else draws
            yield f"{name}, {hires} hires", partial(coverage, truth, count, 10 * at + hires, draws // 16)
    for reads in READ:
        truth = sized(Truth(validity=0.5), 50 if reads == 200 else 15)
        truth = replace(truth, double_share=reads / truth.candidates / truth.interviews)
        yield f"doubly read {reads}", partial(coverage, truth, draws, 500 + reads)
    for hires in SILENT:
        yield f"silent, {hires} hires", partial(strong_words, sized(Truth(), hires), draws, 900 + hires)


def main() -> None:
    """Run the cells and print them as JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=4000)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    for name, run in study(options.draws):
        if options.only in name:
            print(json.dumps({"cell": name, **run()}), flush=True)


if __name__ == "__main__":
    main()
