"""Pictures of sections 0 to 4: interval width, outcomes, dots, pillars, formats, passing."""

from __future__ import annotations

import math
from typing import Any

from pipeline.retro.pages import number, title
from pipeline.retro.pictures import COLOURS, LEVELS, SHOWN, canvas, forest, label, legend, names

Found = dict[str, Any]
OUTCOMES = ("struggling", "meeting", "exceeding")


def _width(found: Found) -> Any:
    """How wide the interval of a correlation is now, and would be after two and five years at this pace."""
    n, pace = found["n"], found["outcomes"]["hires_a_year"]
    if n < 4 or not pace:
        return None
    steps = [("now", n), ("after 2 more years", round(n + 2 * pace)), ("after 5 more years", round(n + 5 * pace))]
    figure, (axes,) = canvas(1.75, f"Width of the 95 % interval of a correlation, n = {n} hires now")
    for place, (_, hires) in enumerate(steps):
        wide = 2 * math.tanh(1.96 * math.sqrt(1 / max(hires - 3, 1)))
        axes.barh(place, wide, height=0.6, color=COLOURS["accent"] if place == 0 else COLOURS["line"])
        axes.text(wide + 0.03, place, f"{number(wide)}  (n = {hires})", va="center", fontsize=8, color=COLOURS["ink"])
    names(axes, [name for name, _ in steps])
    axes.set_xlim(0, 2.75)
    axes.set_xticks([0, 0.5, 1, 1.5, 2])
    label(axes, "width, in units of correlation (2 = nothing is known)")
    return figure


def _outcomes(found: Found) -> Any:
    rows = found["outcomes"]["roles"][:SHOWN]
    if not rows:
        return None
    kinds = [
        ("struggling", "low", ""), ("meeting", "middle", ""), ("exceeding", "high", ""),
        ("left", "muted", "////"), ("open", "line", ""),
    ]  # fmt: skip
    total = sum(row["hires"] for row in rows)
    figure, (axes,) = canvas(1.35 + 0.36 * len(rows), f"How hires are doing, n = {total} hires")
    ends = [0] * len(rows)
    for name, colour, hatch in kinds:
        sizes = [_outcome_count(row, name) for row in rows]
        axes.barh(range(len(rows)), sizes, left=ends, height=0.62, color=COLOURS[colour], label=name, hatch=hatch,
                  edgecolor=COLOURS["paper"], linewidth=0.5)  # fmt: skip
        for place, size in enumerate(sizes):
            if size >= 0.05 * max(row["hires"] for row in rows):
                ink = COLOURS["ink"] if colour == "line" else COLOURS["paper"]
                axes.text(ends[place] + size / 2, place, str(size), ha="center", va="center", fontsize=8, color=ink,
                          bbox={"facecolor": COLOURS[colour], "edgecolor": "none", "pad": 0.6})  # fmt: skip
        ends = [end + size for end, size in zip(ends, sizes, strict=True)]
    names(axes, [row["role"] for row in rows], width=18)
    legend(axes, columns=5)
    axes.locator_params(axis="x", integer=True)
    label(axes, "hires (open: not yet due, missing, or contaminated)")
    return figure


def _outcome_count(row: Found, name: str) -> int:
    if name == "left":
        return int(row["left_performance"] + row["left_voluntary"] + row["left_unknown"])
    if name == "open":
        return int(row["not_yet"] + row["missing"] + row["contaminated"])
    return int(row[name])


def _dots(found: Found) -> Any:
    """Up to forty hires: one dot each. Above: bars of the outcome per panel level."""
    dots = found["overall"].get("dots")
    if dots:
        return _one_dot_each(dots, found["n"], list(found["near_miss_rates"]["bars"].values()))
    levels = found["overall"]["levels"]
    if not any(sum(row["counts"]) for row in levels):
        return None
    figure, (axes,) = canvas(2.0, f"Outcome by panel level, n = {found['n']} hires with an outcome")
    ends = [0.0] * 3
    for at, (name, colour) in enumerate(zip(OUTCOMES, LEVELS, strict=True)):
        sizes = [100 * row["counts"][at] / max(1, sum(row["counts"])) for row in levels]
        axes.barh(range(3), sizes, left=ends, height=0.62, color=COLOURS[colour], label=name)
        for place, (size, row) in enumerate(zip(sizes, levels, strict=True)):
            if size >= 9:
                axes.text(ends[place] + size / 2, place, str(row["counts"][at]), ha="center", va="center", fontsize=8,
                          color=COLOURS["paper"])  # fmt: skip
        ends = [end + size for end, size in zip(ends, sizes, strict=True)]
    names(axes, [f"{row['level']} (n = {sum(row['counts'])})" for row in levels])
    axes.set_xlim(0, 100)
    legend(axes)
    label(axes, "share of hires at that panel level, %")
    return figure


def _one_dot_each(dots: list[Found], n: int, bars: list[float]) -> Any:
    figure, (axes,) = canvas(2.5, f"One dot per hire, n = {n} with an outcome")
    for row in range(3):
        here = sorted((dot for dot in dots if dot["y"] == row), key=lambda dot: dot["score"])
        for place, dot in enumerate(here):
            # Neighbours step up and down a little, so that equal scores stay apart.
            height = row + 0.11 * ((place % 5) - 2)
            axes.plot([dot["score"]], [height], marker="o", markersize=6, color=COLOURS["accent"],
                      markerfacecolor="none" if dot["left"] else COLOURS["accent"])  # fmt: skip
            if dot["near"]:
                axes.plot(
                    [dot["score"]], [height], marker="o", markersize=11, color=COLOURS["low"], markerfacecolor="none"
                )
    if len(bars) == 1:
        axes.axvline(bars[0], color=COLOURS["muted"], linewidth=1, linestyle=(0, (4, 3)))
    axes.set_yticks(range(3))
    axes.set_yticklabels(OUTCOMES)
    axes.set_ylim(-0.5, 2.5)
    axes.set_xlim(-0.08, 2.08)
    label(axes, "panel score before the debrief (weak 0, ok 1, strong 2); ringed: near\n"
                "miss; hollow: left; dashed: the bar")  # fmt: skip
    return figure


COIN = "c, share of comparable pairs (.5 = coin)"


def _pillars(found: Found) -> Any:
    return _family(found, "pillars", "pillar")


def _formats(found: Found) -> Any:
    return _family(found, "formats", "format")


def _family(found: Found, key: str, name: str) -> Any:
    """Intervals, or from 8 to 19 hires one dot per hire; the intervals are then folded away in the table."""
    rows = found[key][:SHOWN]
    if found["gates"]["name"] == "8-19":
        return _strips(rows, name, f"{title(key)}: mean call of each hire, n = {found['n']} hires")
    entries = [(f"{title(one[name])}\n(n = {one['n']} hires)", one["c"], one["ci"]) for one in rows]
    return forest(entries, f"{title(key)}: call before the debrief against outcome", COIN, 0.5, 1.0)


def _strips(rows: list[Found], name: str, heading: str) -> Any:
    """One strip a pillar or format, in it a row of dots for each outcome."""
    rows = [one for one in rows if one.get("dots")]
    if not rows:
        return None
    figure, (axes,) = canvas(1.3 + 0.62 * len(rows), heading)
    for place, one in enumerate(rows):
        for level, (outcome, colour) in enumerate(zip(OUTCOMES, LEVELS, strict=True)):
            scores = sorted(dot["score"] for dot in one["dots"] if dot["y"] == level)
            heights = [place + 0.26 * (1 - level) + 0.06 * (at % 3 - 1) for at in range(len(scores))]
            axes.plot(scores, heights, marker="o", markersize=4.5, linestyle="none", color=COLOURS[colour],
                      label=outcome if place == 0 else None)  # fmt: skip
        if place:
            axes.axhline(place - 0.5, color=COLOURS["line"], linewidth=0.6)
    names(axes, [title(one[name]) for one in rows], width=27)
    axes.set_xlim(-0.08, 2.08)
    legend(axes)
    label(axes, "mean call (weak 0, ok 1, strong 2)")
    return figure


def _passing(found: Found) -> Any:
    rows = [one for one in found["formats"] if one["candidates"]][:12]
    if not rows:
        return None
    figure, (axes,) = canvas(
        1.45 + 0.62 * len(rows), "Getting through: candidates seen, offered, withdrawn, per format"
    )
    for at, (name, colour) in enumerate((("candidates", "line"), ("offered", "high"), ("withdrawn", "low"))):
        places = [place + 0.26 * (at - 1) for place in range(len(rows))]
        axes.barh(places, [one[name] for one in rows], height=0.24, color=COLOURS[colour],
                  label="seen" if at == 0 else name)  # fmt: skip
        for place, one in zip(places, rows, strict=True):
            axes.text(one[name], place, f" {one[name]}", va="center", fontsize=7.5, color=COLOURS["ink"])
    names(axes, [title(one["format"]) for one in rows], width=20)
    axes.margins(x=0.14)
    legend(axes)
    axes.locator_params(axis="x", integer=True)
    label(axes, "candidates")
    return figure


DRAW = {
    "width": _width, "outcomes": _outcomes, "dots": _dots, "pillars": _pillars, "formats": _formats,
    "passing": _passing,
}  # fmt: skip
