"""Pictures: no text on text, nothing cut off, every axis named, every picture with its n, the same bytes twice."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eval.retro_history import Truth, draw
from pipeline.adapters.store.connection import Store
from pipeline.retro.importing import import_files
from pipeline.retro.pictures import COLOURS, as_svg, figures
from pipeline.retro.render import as_html
from pipeline.retro.report import retrospective

SIZES = {
    "fifteen": Truth(candidates=60, validity=0.5, harsh=1, interviewers=12),
    "many": Truth(
        candidates=900, validity=0.7, interviewers=45, harsh=1, roles=("backend", "a platform role with a long name"),
        groups=("a", "b", "a group with a long name"),
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=SIZES)
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder: Path = tmp_path_factory.mktemp(request.param)
    with Store(folder / "x.duckdb").session() as db:
        import_files(db, draw(SIZES[request.param], 2).write(folder / "csv"))
        return retrospective(db)


def texts(figure: Any) -> Iterator[Any]:
    """Everything that is written, without ticks outside the axes."""
    yield figure._suptitle
    for axes in figure.axes:
        yield from (axes.title, axes.xaxis.label, axes.yaxis.label, *axes.texts)
        if axes.get_legend() is not None:
            yield from axes.get_legend().get_texts()
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            yield from (tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high)


@pytest.fixture(scope="module")
def drawn(found: dict[str, Any]) -> dict[str, Any]:
    return figures(found)


def test_no_text_overlaps_and_none_is_cut_off(drawn: dict[str, Any]) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    assert len(drawn) >= 11
    for name, figure in drawn.items():
        figure.set_dpi(72)  # as SVG counts
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        said = [text for text in texts(figure) if text.get_visible() and text.get_text().strip()]
        boxes = [(text.get_text(), text.get_window_extent(canvas.get_renderer())) for text in said]
        frame = figure.bbox.padded(1.5)
        for at, (words, box) in enumerate(boxes):
            assert frame.x0 <= box.x0 <= box.x1 <= frame.x1, (name, words)
            assert frame.y0 <= box.y0 <= box.y1 <= frame.y1, (name, words)
            for other, there in boxes[at + 1 :]:
                beside = box.x1 <= there.x0 + 1 or there.x1 <= box.x0 + 1
                above = box.y1 <= there.y0 + 1 or there.y1 <= box.y0 + 1
                assert beside or above, (name, words, other)


def test_every_axis_has_a_name_and_every_picture_its_n(drawn: dict[str, Any]) -> None:
    for name, figure in drawn.items():
        words = " ".join(text.get_text() for axes in figure.axes for text in [axes.title, *axes.get_yticklabels()])
        words += figure.get_suptitle()
        assert re.search(r"n = \d|\(\d+\)|\d+ (interviewers|hires)|candidates", words), name
        for axes in figure.axes:
            assert axes.get_xlabel(), name


def test_the_same_report_gives_the_same_bytes(found: dict[str, Any]) -> None:
    from pipeline.retro.pictures_results import DRAW

    first, second = (as_svg(DRAW["outcomes"](found), "outcomes") for _ in range(2))
    assert first == second


def test_svg_is_well_formed_inline_and_takes_the_pages_colours(found: dict[str, Any], drawn: dict[str, Any]) -> None:
    drawn = {name: as_svg(figure, name) for name, figure in drawn.items()}
    ids: list[str] = []
    for svg in drawn.values():
        root = ElementTree.fromstring(svg.replace("xlink:href", "href"))
        assert root.get("viewBox")
        assert root.get("width") is None
        assert "var(--" in svg
        assert not any(mark in svg for mark in COLOURS.values())
        assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]+"', "", svg)
        own = re.findall(r'\bid="([^"]+)"', svg)
        assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg)) <= set(own)
        ids += own
    assert len(ids) == len(set(ids))
    page = as_html(found, drawn)
    assert page.count("<svg") == len(drawn)
    assert not re.search(r"<(script|link|img|iframe)\b|src=|@import", page)


def test_without_matplotlib_the_page_says_so(found: dict[str, Any]) -> None:
    assert "matplotlib is not installed" in as_html(found, {})
