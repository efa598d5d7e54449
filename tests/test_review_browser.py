"""The review page in a real browser: by keyboard, by ear, blind until it is one's turn, and deaf to hostile text."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import review_house as house

pytest.importorskip("fastapi", reason="the extra 'review' is not installed")
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed"),
]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--autoplay-policy=no-user-gesture-required"]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[house.Serving]:
    workspace = house.demo_house(tmp_path_factory.mktemp("house"))
    with house.serving(workspace) as serving:
        yield serving


def sign_in(browser: Any, served: house.Serving, reviewer: str, name: str, role: str = "interviewer") -> Any:
    """A page of a reviewer who opened their link; it fails the test on any fault of the page."""
    page = browser.new_context(viewport={"width": 1280, "height": 860}, accept_downloads=True).new_page()
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("console", lambda said: page.faults.append(said.text) if said.type == "error" else None)
    page.goto(served.link(reviewer, name, role))
    page.keyboard.press("Enter")
    page.wait_for_url(f"{served.url}/")
    return page


def call_by_keys(page: Any, level: str, reason: str, cite: bool = False) -> None:
    """One call without a mouse: next pillar, level, perhaps a citation, reason, save."""
    page.keyboard.press("]")
    pillar = page.evaluate("document.activeElement.closest('.pillar').dataset.pillar")
    if cite:
        piece = page.evaluate(f"document.querySelector('#sides-{pillar} [data-piece]')?.id ?? null")
        if piece:
            for _ in range(60):
                page.keyboard.press("j")
                if page.evaluate("document.activeElement.id") == piece:
                    break
            assert page.evaluate("document.activeElement.id") == piece
            page.keyboard.press("c")
        else:
            page.keyboard.press("n")
    page.keyboard.press(level)
    page.keyboard.press("r")
    page.keyboard.press("Control+A")
    page.keyboard.type(reason)
    page.keyboard.press("Control+Enter")
    page.locator(f"#call-{pillar} .saved").wait_for()
    page.keyboard.press("Escape")
    page.evaluate(f"document.querySelector('#pillar-{pillar} h2').focus()")


def all_calls(page: Any, cite: bool, levels: str = "2312") -> None:
    for i in range(4):
        call_by_keys(page, levels[i], f"Wrote the test first and said why, number {i}", cite=cite)
    page.keyboard.press("x")


def test_three_calls_by_keyboard_blind_then_visible_then_a_packet(
    browser: Any, served: house.Serving, tmp_path: Path
) -> None:
    with served.workspace.store().session() as db:
        from pipeline.adapters.store import people

        people.add_reviewer(db, "iv-9", "Bea Second", "interviewer")
        people.assign(db, "iv-9", "c-001", None, None)
    ann = sign_in(browser, served, "iv-1", "Ann First")
    bea = sign_in(browser, served, "iv-9", "Bea Second")

    ann.goto(f"{served.url}/interviews/i-001")
    assert ann.get_by_role("heading", name="Your call first").is_visible()
    all_calls(ann, cite=False)
    ann.locator("#transcript").wait_for()

    bea.goto(f"{served.url}/interviews/i-001")
    assert bea.get_by_text("You were not in this interview").is_visible()
    assert "Wrote the test first" not in bea.content()
    all_calls(ann, cite=True, levels="3312")
    ann.locator(".steps .closed").nth(1).wait_for()
    bea.reload()
    assert "Wrote the test first" not in bea.content()
    assert "Bea" not in ann.content().replace("Bea Second</span>", "")
    all_calls(bea, cite=True, levels="1312")
    bea.locator(".steps .open").get_by_text("after the debrief").wait_for()
    assert "Wrote the test first" in bea.content()
    assert "Ann First" in bea.content()

    lead = sign_in(browser, served, "lead", "Lea Lead", "hiring_lead")
    lead.goto(f"{served.url}/candidates/c-001")
    assert lead.get_by_text("was not asked about in any interview").is_visible()
    lead.get_by_text("Open it all the same").click()
    lead.get_by_label("Why it cannot wait").fill("The next round asks about it")
    lead.get_by_role("button", name="Open the debrief").click()
    with lead.expect_download() as download:
        lead.get_by_role("link", name="Packet to take along").click()
    target = tmp_path / "packet.html"
    download.value.save_as(target)
    assert "Where the calls differ" in target.read_text(encoding="utf-8")
    alone = browser.new_context().new_page()
    asked: list[str] = []
    alone.on("request", lambda request: asked.append(request.url))
    alone.goto(target.as_uri())
    length = alone.evaluate(
        "async () => { const a = document.querySelector('audio'); a.preload = 'auto'; a.load();"
        " await new Promise(r => a.addEventListener('loadedmetadata', r)); return a.duration; }"
    )
    assert length > 1
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []

    ann.reload()
    all_calls(ann, cite=True, levels="2312")
    ann.locator(".steps .closed").nth(2).wait_for()
    assert ann.faults == bea.faults == lead.faults == []
