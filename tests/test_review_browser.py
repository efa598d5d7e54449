"""The review page in a real browser: by keyboard, by ear, blind until it is one's turn, and deaf to hostile text."""

from __future__ import annotations

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
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
]


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
    for _ in range(4):
        page.keyboard.press("]")
        pillar = page.evaluate("document.activeElement.closest('.pillar').dataset.pillar")
        if page.locator(f"#form-{pillar}").count():
            break
    if cite:
        wanted = page.evaluate(f"document.querySelector('#sides-{pillar} [data-piece]').id")
        for _ in range(60):
            page.keyboard.press("j")
            if page.evaluate("document.activeElement.id") == wanted:
                break
        assert page.evaluate("document.activeElement.id") == wanted
        page.keyboard.press("c")
    page.keyboard.press(level)
    page.keyboard.press("r")
    page.keyboard.press("Control+A")
    page.keyboard.type(reason)
    page.keyboard.press("Control+Enter")
    page.locator(f"#call-{pillar} .saved").wait_for()
    page.keyboard.press("Escape")
    page.evaluate(f"document.querySelector('#pillar-{pillar} h2').focus()")  # where the swap took the focus away


def two_calls(page: Any, levels: str, reason: str, cite: bool) -> None:
    for level in levels:
        call_by_keys(page, level, reason, cite=cite)
    page.keyboard.press("x")


def test_three_calls_by_keyboard_blind_then_visible_then_a_packet(
    browser: Any, served: house.Serving, tmp_path: Path
) -> None:
    from pipeline.adapters.store import people

    with served.workspace.store().session() as db:
        for reviewer in ("iv-1", "iv-9"):
            people.add_reviewer(db, reviewer, reviewer, "interviewer")
            for pillar in ("execution_coding", "ownership_debugging"):
                people.assign(db, reviewer, "c-001", None, pillar)
    ann = sign_in(browser, served, "iv-1", "Ann First")
    ann.goto(f"{served.url}/interviews/i-001")
    assert ann.get_by_role("heading", name="Your call first").is_visible()
    two_calls(ann, "23", "Ran the test alone, seemed smart", cite=False)
    ann.locator("#transcript").wait_for()

    bea = sign_in(browser, served, "iv-9", "Bea Second")
    bea.goto(f"{served.url}/interviews/i-001")
    assert bea.get_by_text("You were not in this interview").is_visible()
    two_calls(ann, "33", "Walked the example through", cite=True)
    ann.locator(".steps .closed").nth(1).wait_for()
    bea.reload()
    assert "Ran the test alone" not in bea.content()
    assert "Walked the example" not in bea.content()
    two_calls(bea, "13", "One function does it all", cite=True)
    bea.locator(".steps .open").get_by_text("after the debrief").wait_for()
    assert "Ran the test alone" in bea.content()
    assert "Walked the example" in bea.content()
    assert "One function does it all" not in ann.content()
    ann.reload()
    assert "One function does it all" in ann.content()
    two_calls(ann, "23", "Stays with it", cite=True)
    ann.locator(".steps .closed").nth(2).wait_for()

    ann.goto(f"{served.url}/candidates/c-001")
    with ann.expect_download() as download:
        ann.get_by_role("link", name="Packet to take along").click()
    target = tmp_path / "packet.html"
    download.value.save_as(target)
    assert hear_in_packet(browser, target) > 1
    assert ann.faults == bea.faults == []


def hear_in_packet(browser: Any, target: Path) -> float:
    """Length of the first clip of a packet opened from disk, which must ask nobody for anything."""
    page = browser.new_context().new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(target.as_uri())
    length = page.evaluate(
        "async () => { const a = document.querySelector('audio'); a.preload = 'auto'; a.load();"
        " await new Promise(r => a.addEventListener('loadedmetadata', r)); return a.duration; }"
    )
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    return float(length)


SAMPLE = """() => { const a = [...document.querySelectorAll('audio')].find(a => !a.paused || a.currentTime > 0);
  return [a.currentTime, a.paused, a.dataset.recording]; }"""
WATCH = """() => { window.seen = []; const tick = () => { for (const a of document.querySelectorAll('audio'))
  if (!a.paused) window.seen.push(a.currentTime); requestAnimationFrame(tick); }; tick(); }"""


@pytest.mark.parametrize("interview", ["i-001", "i-002"])
def test_a_quote_is_heard_from_half_a_second_before_to_its_end(
    browser: Any, served: house.Serving, interview: str
) -> None:
    """Stereo file and per-participant track alike; the transcript goes along."""
    lead = sign_in(browser, served, "lead", "Lea Lead", "hiring_lead")
    lead.goto(f"{served.url}/interviews/{interview}")
    pieces = lead.evaluate(
        "[...document.querySelectorAll('[data-piece]')]"
        ".map(p => [p.id, +p.dataset.from, +p.dataset.to, +p.dataset.line])"
    )
    name, start, end, line = min((p for p in pieces if p[1] > 20), key=lambda p: p[2] - p[1])
    lead.evaluate(WATCH)
    lead.locator(f"#{name} .quote").click()
    lead.locator("body[data-heard=stopped]").wait_for(timeout=30_000)
    seen = lead.evaluate("window.seen")
    at, paused, recording = lead.evaluate(SAMPLE)
    with served.workspace.store().session() as db:
        track = db.value("SELECT recording_id FROM evidence_quotes WHERE evidence_id = ?", [name])
    assert recording == track
    assert paused
    assert abs(seen[0] - (start - 0.5)) < 0.15, (seen[:3], start)
    assert abs(at - end) < 0.15, (at, end)
    assert lead.evaluate("document.querySelector('.line.here').dataset.line") == str(line)
    assert lead.faults == []
    with served.workspace.store().session() as db:
        assert db.value("SELECT count(*) FROM journal WHERE action = 'play' AND detail = ?", [name]) == 1


def test_roles_evidence_and_words_are_corrected_on_the_page(browser: Any, served: house.Serving) -> None:
    lead = sign_in(browser, served, "lead", "Lea Lead", "hiring_lead")
    lead.goto(f"{served.url}/interviews/i-002")
    first = lead.locator("[data-piece]").first
    name = first.get_attribute("id")
    first.locator("summary").click()
    first.get_by_label("Why it is wrong").fill("Said of a colleague")
    first.get_by_role("button", name="Reject it").click()
    lead.locator(f"#{name}").wait_for(state="detached")

    line = lead.locator(".turn.candidate .line").nth(4)
    words = line.locator(".said-text").inner_text()
    line.locator(".said-text").dblclick(position={"x": 60, "y": 10})
    lead.keyboard.press("e")
    lead.get_by_label("What it shows").select_option("clear-names")
    lead.get_by_label("Why it belongs here").fill("Says why")
    assert lead.locator("#add-quote").inner_text().strip() in words
    lead.locator("#add").get_by_role("button", name="Add", exact=True).click()
    added = lead.locator("[data-piece]", has_text="pointed at by a person")
    added.wait_for()
    assert added.locator(".quote").inner_text() in words

    lead.locator("details.speakers summary").click()
    lead.get_by_label("Role of tom").select_option("unknown")
    lead.locator("form", has=lead.get_by_label("Role of tom")).get_by_role("button", name="Set").click()
    lead.get_by_text("Nobody is known to be the candidate").wait_for()
    lead.locator("details.speakers summary").click()
    lead.get_by_label("Role of tom").select_option("candidate")
    lead.locator("form", has=lead.get_by_label("Role of tom")).get_by_role("button", name="Set").click()
    lead.locator("[data-piece]").nth(5).wait_for()
    with served.workspace.store().session() as db:
        kinds = [r["kind"] for r in db.rows("SELECT kind FROM corrections ORDER BY created_at")]
    assert kinds == ["reject", "add", "role", "role"]
    assert lead.faults == []
