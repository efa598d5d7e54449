"""Pictures of sections 5 to 9: questions, funnel, severity, readers, near misses, ratios."""

from __future__ import annotations

from textwrap import shorten
from typing import Any

from pipeline.retro.pages import title
from pipeline.retro.pictures import COLOURS, LEVELS, SHOWN, canvas, forest, label, legend, names

Found = dict[str, Any]


def _questions(found: Found) -> Any:
    """Share of each level beside the item-rest interval, per question."""
    rows = [one for one in found["questions"] if one["share"]]
    rows = sorted(rows, key=lambda one: (-one["asked"], one["question_id"]))[:SHOWN]
    rows.sort(key=lambda one: one["question_id"])
    if not rows:
        return None
    most = len(rows)
    heading = f"Questions: levels given (n calls in brackets), and r with the rest of the loop; {most} most asked"
    figure, (left,) = canvas(1.35 + 0.26 * len(rows), heading)
    left.remove()
    left, right = figure.subplots(1, 2, width_ratios=[1.1, 1])
    from pipeline.retro.pictures import plain

    for axes in (left, right):
        plain(axes)
    ends = [0.0] * len(rows)
    for at, (name, colour) in enumerate(zip(("weak", "ok", "strong"), LEVELS, strict=True)):
        sizes = [100 * one["share"][at] for one in rows]
        left.barh(range(len(rows)), sizes, left=ends, height=0.66, color=COLOURS[colour], label=name)
        ends = [end + size for end, size in zip(ends, sizes, strict=True)]
    names(left, [f"{one['question_id']} ({one['called']})" for one in rows], width=18)
    left.set_xlim(0, 100)
    label(left, "share of calls, %")
    legend(left)
    right.axvline(0, color=COLOURS["muted"], linewidth=1, linestyle=(0, (4, 3)))
    for place, one in enumerate(rows):
        if one["ci"]:
            right.plot(one["ci"], [place, place], color=COLOURS["accent"], linewidth=2)
            right.plot([one["item_rest"]], [place], marker="o", markersize=4, color=COLOURS["ink"])
    right.set_ylim(left.get_ylim())
    right.set_yticks([])
    right.set_xlim(-1, 1)
    label(right, "r, 95 % interval")
    return figure


def _funnel(found: Found) -> Any:
    rows = [one for one in found["interviewers"] if one["n"]]
    if not rows or not found["funnel"]:
        return None
    figure, (axes,) = canvas(2.9, f"Rejection rate by number of votes, n = {len(rows)} interviewers")
    sizes = [point["n"] for point in found["funnel"]]
    for low, high, shade in (("low998", "high998", 0.18), ("low95", "high95", 0.3)):
        axes.fill_between(sizes, [100 * point[low] for point in found["funnel"]],
                          [100 * point[high] for point in found["funnel"]], color=COLOURS["line"], alpha=shade + 0.2,
                          linewidth=0, label="99.8 % of such panels" if low == "low998" else "95 %")  # fmt: skip
    axes.axhline(100 * found["panel"]["rate"], color=COLOURS["muted"], linewidth=1, linestyle=(0, (4, 3)))
    for one in rows:
        mark, size = ("D", 6) if one["flag"] else ("o", 4)
        axes.plot([one["n"]], [100 * one["rate"]], marker=mark, markersize=size,
                  color=COLOURS["low"] if one["flag"] else COLOURS["accent"], linestyle="none")  # fmt: skip
    for one in [one for one in rows if one["flag"]][:6]:
        right = one["n"] > 0.6 * max(row["n"] for row in rows)
        axes.annotate(one["interviewer_id"][:16], (one["n"], 100 * one["rate"]), textcoords="offset points",
                      xytext=(-6 if right else 6, 5 if one["rate"] < 0.94 else -11), ha="right" if right else "left",
                      fontsize=7.5, color=COLOURS["ink"])  # fmt: skip
    axes.set_ylim(-3, 103)
    axes.set_xlim(left=0)
    legend(axes, columns=2)
    label(axes, "votes per interviewer", "rejected, %")
    return figure


def _severity(found: Found) -> Any:
    rows = [one for one in found["interviewers"] if one["severity_ci"]]
    rows = sorted(rows, key=lambda one: (one["severity"], one["interviewer_id"]))
    if len(rows) > SHOWN:  # both ends tell; the middle is the panel
        rows = rows[: SHOWN // 2] + rows[-SHOWN // 2 :]
    if not rows:
        return None
    figure, (axes,) = canvas(
        1.05 + 0.21 * len(rows), "Severity after allowing for whom they saw (readings in brackets)"
    )
    axes.axvline(0, color=COLOURS["muted"], linewidth=1, linestyle=(0, (4, 3)))
    for place, one in enumerate(rows):
        colour = COLOURS["low"] if one["flag"] else COLOURS["accent"]
        axes.plot(one["severity_ci"], [place, place], color=colour, linewidth=2)
        axes.plot([one["severity"]], [place], marker="o", markersize=4, color=COLOURS["ink"])
    names(axes, [f"{one['interviewer_id']} ({one['readings']})" for one in rows])
    label(axes, "levels harsher (right) or more lenient (left) than the panel; 95 %")
    return figure


def _readers(found: Found) -> Any:
    """3 x 3 counts for each pillar with doubly read interviews."""
    rows = [one for one in found["agreement"] if one["double_read"] and one["pillar"] != "all"][:8]
    if not rows:
        return None
    lines = -(-len(rows) // 2)
    figure, (first,) = canvas(0.75 + 2.0 * lines, "Two readers of one interview: pairs of calls, counts")
    first.remove()
    grid = figure.subplots(lines, 2, squeeze=False)
    for place, axes in enumerate(grid.ravel()):
        if place >= len(rows):
            axes.remove()
            continue
        _heat(axes, rows[place])
    return figure


def _heat(axes: Any, one: Found) -> None:
    from matplotlib.patches import Rectangle

    most = max(1, max(map(max, one["pairs"])))
    for low in range(3):
        for high in range(low, 3):
            size = one["pairs"][low][high]
            shade = 0.12 + 0.5 * size / most
            axes.add_patch(Rectangle((high - 0.5, low - 0.5), 1, 1, facecolor=COLOURS["accent"], alpha=shade,
                                     edgecolor=COLOURS["paper"]))  # fmt: skip
            axes.text(high, low, str(size), ha="center", va="center", fontsize=8.5, color=COLOURS["ink"])
    axes.set_xlim(-0.5, 2.5)
    axes.set_ylim(2.5, -0.5)
    axes.set_xticks(range(3), ["weak", "ok", "strong"], fontsize=8)
    axes.set_yticks(range(3), ["weak", "ok", "strong"], fontsize=8)
    axes.tick_params(length=0, labelcolor=COLOURS["ink"])
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_title(
        f"{shorten(title(one['pillar']), 30, placeholder=' ...')}\nn = {one['double_read']}",
        fontsize=8,
        color=COLOURS["ink"],
    )
    label(axes, "higher call", "lower call")


def _misses(found: Found) -> Any:
    """Near misses by months until the rating (or leaving) and how it went."""
    rows = [one for one in found["near_misses"] if one["months"] is not None and one["outcome"] in _HEIGHT][:120]
    if not rows:
        return None
    figure, (axes,) = canvas(2.2, f"Near misses: months until the rating, n = {len(rows)}")
    taken: dict[tuple[int, int], int] = {}
    for one in rows:
        spot = (one["months"], _HEIGHT[one["outcome"]])
        turn = taken[spot] = taken.get(spot, -1) + 1
        shift = ((turn + 1) // 2) * (1 if turn % 2 else -1)
        sideways = shift % 5 - 2 if abs(shift) > 2 else shift
        axes.plot([spot[0] + 0.16 * sideways], [spot[1] + 0.1 * (turn % 5 - 2)], marker="o",
                  markersize=4.5, color=COLOURS["accent"], linestyle="none")  # fmt: skip
    axes.set_yticks(range(4), ["left for performance", "struggling", "meeting", "exceeding"], fontsize=8)
    axes.set_ylim(-0.5, 3.5)
    label(axes, "months after hiring (one dot per hire)")
    return figure


_HEIGHT = {"left for performance": 0, "struggling": 1, "meeting": 2, "exceeding": 3}


def _ratios(found: Found) -> Any:
    rows = [one for one in found["adverse_impact"] if one["role"] == "all roles" and one["ratio"] is not None][:SHOWN]
    entries = [(f"{one['group']}, {one['stage']} ({one['entered']})", one["ratio"], one["ratio_ci"]) for one in rows]
    figure = forest(entries, "Selection ratio to the highest group (n in brackets)",
                    "ratio of rates; lines at .80 and 1.0", 1.0, 2.0)  # fmt: skip
    if figure is not None:
        figure.axes[0].axvline(0.8, color=COLOURS["low"], linewidth=1, linestyle=(0, (2, 2)))
        figure.axes[0].set_yticklabels(
            [f"{one['group'][:10]} ({one['entered']})\n{one['stage']}" for one in rows], fontsize=7.5
        )
        figure.set_figheight(1.0 + 0.38 * len(rows))
    return figure


DRAW = {
    "questions": _questions, "funnel": _funnel, "severity": _severity, "readers": _readers, "misses": _misses,
    "ratios": _ratios,
}  # fmt: skip
