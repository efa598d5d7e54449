"""The pictures of the report as SVG text: matplotlib's Figure, no screen, no global state, the same bytes every time.

Each picture is 460 pixels wide so that it can be read on a phone; two stand side by side on a desk. Colours
are written as marks that the page replaces by its own, so one picture serves light and dark.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pipeline.retro.pages import title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Found = dict[str, Any]
WIDTH = 4.6  # inches at 100 pixels
# Marks for the page's colours: ink, muted, line, low, middle, high, accent, paper.
COLOURS = {
    "ink": "#010101", "muted": "#020202", "line": "#030303", "low": "#040404", "middle": "#050505", "high": "#060606",
    "accent": "#070707", "paper": "#080808",
}  # fmt: skip
LEVELS = ("low", "middle", "high")
SHOWN = 30  # rows of a picture; the table and the JSON have the rest


def pictures(found: Found) -> dict[str, str]:
    """SVG by name; a picture without data is left out. Empty when matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return {}
    return {name: as_svg(figure, name) for name, figure in figures(found).items()}


def figures(found: Found) -> dict[str, Figure]:
    """The pictures before they become text."""
    from pipeline.retro import pictures_people, pictures_results

    drawn: dict[str, Callable[[Found], Figure | None]] = {**pictures_results.DRAW, **pictures_people.DRAW}
    made = {name: draw(found) for name, draw in drawn.items()}
    return {name: figure for name, figure in made.items() if figure is not None}


def canvas(height: float, heading: str, *, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """An empty figure with a heading of its own and plain axes, one below the other."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), dpi=100, layout="constrained")
    figure.suptitle(heading, fontsize=9.5, color=COLOURS["ink"], x=0.01, ha="left", wrap=True)
    found = figure.subplots(rows, 1, squeeze=False)[:, 0]
    for axes in found:
        plain(axes)
    return figure, list(found)


def plain(axes: Axes) -> None:
    """No box, quiet ticks."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(COLOURS["line"])
    axes.tick_params(colors=COLOURS["muted"], labelsize=8, labelcolor=COLOURS["ink"])
    axes.set_axisbelow(True)


def label(axes: Axes, x: str, y: str = "") -> None:
    """Names of the axes, with their units."""
    axes.set_xlabel(x, fontsize=8, color=COLOURS["ink"])
    if y:
        axes.set_ylabel(y, fontsize=8, color=COLOURS["ink"])


def names(axes: Axes, texts: list[str], *, width: int = 22) -> None:
    """Names down the left side, first on top, long ones cut."""
    axes.set_yticks(range(len(texts)))
    axes.set_yticklabels(["\n".join(_cut(line, width) for line in text.split("\n")) for text in texts])
    axes.set_ylim(len(texts) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def forest(
    rows: list[tuple[str, float | None, list[Any] | None]], heading: str, x: str, line: float, end: float
) -> Any:
    """Points with intervals in the given order on 0..end, a reference line; None without a single interval."""
    kept = [row for row in rows if row[1] is not None and row[2] is not None]
    if not kept:
        return None
    figure, (axes,) = canvas(0.95 + 0.38 * len(rows), heading)
    axes.axvline(line, color=COLOURS["muted"], linewidth=1, linestyle=(0, (4, 3)))
    for place, (_, value, ci) in enumerate(rows):
        if value is None or ci is None:
            continue
        high = end if ci[1] is None else min(ci[1], end)
        axes.plot([min(ci[0], end), high], [place, place], color=COLOURS["accent"], linewidth=2, solid_capstyle="butt")
        if ci[1] is None or ci[1] > end:
            axes.plot([end], [place], marker=">", markersize=5, color=COLOURS["accent"], clip_on=False)
        if value <= end:
            axes.plot([value], [place], marker="o", markersize=5, color=COLOURS["ink"])
    names(axes, [row[0] for row in rows], width=27)
    axes.set_xlim(0, end)
    label(axes, x)
    return figure


def legend(axes: Axes, columns: int = 3) -> None:
    """Above the axes, in one line, where nothing is drawn."""
    axes.legend(
        loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=columns, frameon=False, fontsize=8,
        labelcolor=COLOURS["ink"], handlelength=1.1, columnspacing=1.2, borderaxespad=0.1,
    )  # fmt: skip


def as_svg(figure: Figure, name: str) -> str:
    """SVG text with the page's colours and ids of its own, without a date."""
    import matplotlib as mpl

    out = io.StringIO()
    settings: Any = {"svg.hashsalt": name, "svg.fonttype": "path", "font.family": "DejaVu Sans"}
    with mpl.rc_context(settings):
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    for colour, mark in COLOURS.items():
        text = text.replace(mark, f"var(--{colour})")
    # Ids are unique within a picture only; the page holds many.
    text = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r'(xlink:href="#|url\(#)', rf"\g<1>{name}-", text)
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.S)
    return re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', f'role="img" aria-label="{title(name)}"', text, count=1)
