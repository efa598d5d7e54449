"""The report as a whole: order never matters, empty and odd histories give sentences, gates and words hold."""

from __future__ import annotations

import csv
import json
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval.retro_history import Truth, draw
from pipeline.adapters.store.connection import Store
from pipeline.retro.history import Horizon
from pipeline.retro.importing import import_files
from pipeline.retro.render import as_html, as_json, as_markdown
from pipeline.retro.report import retrospective

STABLE = ["n", "gates", "overall", "pillars", "formats", "questions", "interviewers", "agreement", "near_misses",
          "adverse_impact", "words"]  # fmt: skip
EMPTY: list[Path] = []
STRONG_WORDS = re.compile(r"\b(leans|suggests|evidence that|predicts)\b")


@pytest.fixture(scope="module", autouse=True)
def empty(tmp_path_factory: pytest.TempPathFactory) -> None:
    EMPTY.append(tmp_path_factory.mktemp("empty") / "x.duckdb")
    with Store(EMPTY[-1]).session():
        pass


def report(folder: Path, files: list[Path], horizon: Horizon | None = None) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    shutil.copy(EMPTY[-1], folder / "x.duckdb")  # the migrations ran once
    with Store(folder / "x.duckdb").session() as db:
        done = import_files(db, files)
        assert [one.bad for one in done] == [()] * len(files)
        return retrospective(db, horizon or Horizon())


def history(folder: Path, truth: Truth, seed: int = 1) -> list[Path]:
    return draw(truth, seed).write(folder / f"csv-{seed}")


def rewrite(path: Path, target: Path, change: Callable[[list[dict[str, str]]], list[dict[str, str]]]) -> Path:
    with path.open(newline="") as file:
        rows = change(list(csv.DictReader(file)))
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys() if rows else ["candidate_id", "decision"])
        writer.writeheader()
        writer.writerows(rows)
    return target


def said(found: dict[str, Any], section: str) -> str:
    return " ".join(next(one for one in found["sections"] if one["key"] == section)["sentences"])


@pytest.fixture(scope="module")
def fifteen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("fifteen")
    return report(folder / "w", history(folder, Truth(candidates=60, validity=0.5, harsh=1, interviewers=12)))


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("many")
    return report(folder / "w", history(folder, Truth(candidates=1600, validity=0.75, interviewers=40)))


def test_the_stable_keys_are_there_and_strict_json(fifteen: dict[str, Any]) -> None:
    again = json.loads(as_json(fifteen))
    assert set(STABLE) <= again.keys()
    assert {"c", "ci", "spearman", "spearman_ci", "pairs"} <= again["overall"].keys()
    assert {"pillar", "n", "c", "ci"} <= again["pillars"][0].keys()
    assert {"question_id", "asked", "share", "item_rest", "ci"} <= again["questions"][0].keys()
    assert {"interviewer_id", "rejected", "n", "wilson", "severity", "severity_ci", "flag"} <= again["interviewers"][
        0
    ].keys()
    assert {"pillar", "alpha", "ci"} <= again["agreement"][0].keys()


def test_no_candidate_gets_a_figure(fifteen: dict[str, Any]) -> None:
    # Near misses say who and why in words; scores stay with the nameless dots.
    for one in fifteen["near_misses"]:
        assert set(one) == {"candidate_id", "role", "why", "outcome", "months", "evidence"}
    assert all("candidate_id" not in dot for dot in fifteen["overall"]["dots"])


def test_fifteen_hires_are_compatible_with_anything(fifteen: dict[str, Any]) -> None:
    assert 8 <= fifteen["n"] < 20
    assert fifteen["words"] == "compatible with"
    assert not STRONG_WORDS.search(as_markdown(fifteen))
    assert not STRONG_WORDS.search(as_html(fifteen, {}))
    assert "comparable pairs" in said(fifteen, "2")
    assert "No order can be read" in said(fifteen, "3")


def test_the_harsh_interviewer_is_named_and_nobody_else(fifteen: dict[str, Any]) -> None:
    flagged = [one["interviewer_id"] for one in fifteen["interviewers"] if one["flag"]]
    assert flagged == ["iv-000000"]
    assert "Reason unknown" in said(fifteen, "6")


def test_real_validity_is_said_at_many_hires(many: dict[str, Any]) -> None:
    assert many["gates"]["name"] == "300+"
    assert many["overall"]["ci"][0] > 0.5
    assert many["words"] == "predicts"
    assert len(many["lawley"]) == 4
    assert all(one["applicants"] > one["observed"] for one in many["lawley"])  # selection hid part of it
    assert any(one["outcome_r"] is not None for one in many["questions"]) or many["n"] < 700


def test_order_of_rows_and_names_of_people_change_nothing(tmp_path: Path, fifteen: dict[str, Any]) -> None:
    files = history(tmp_path, Truth(candidates=60, validity=0.5, harsh=1, interviewers=12))
    rng = random.Random(5)
    names: dict[str, str] = {}

    def shuffled(rows: list[dict[str, str]]) -> list[dict[str, str]]:
        rng.shuffle(rows)
        for row in rows:
            for key, prefix in (
                ("interviewer_id", "p"),
                ("reviewer_id", "p"),
                ("candidate_id", "z"),
                ("interview_id", "m"),
            ):
                if key in row:
                    row[key] = names.setdefault(row[key], f"{prefix}{rng.getrandbits(60)}")
        return rows

    other = [rewrite(path, tmp_path / "shuffled" / path.name, shuffled) for path in files]
    rng.shuffle(other)
    found = report(tmp_path / "w", other)
    for key in ("n", "gates", "overall", "pillars", "formats", "questions", "agreement", "panel", "words", "selection"):
        assert found[key] == fifteen[key], key
    old = {names[one["interviewer_id"]]: one for one in fifteen["interviewers"]}
    for one in found["interviewers"]:
        for key, value in old[one["interviewer_id"]].items():
            if key != "interviewer_id":
                assert one[key] == pytest.approx(value, abs=2e-4), key
    assert len(found["near_misses"]) == len(fifteen["near_misses"])


def test_an_empty_database_gives_sentences(tmp_path: Path) -> None:
    found = report(tmp_path / "w", [])
    assert found["n"] == 0
    assert found["words"] == "too few to compute"
    text = as_markdown(found) + as_html(found, {}) + as_json(found)
    assert "nan" not in re.findall(r"\b\w+\b", text.lower())
    for key in "0 1 2 3 4 5 6 7 8 9 10 E A".split():
        assert said(found, key), key


def only(*kinds: str) -> Callable[[list[Path]], list[Path]]:
    return lambda files: [path for path in files if path.stem in kinds]


def each(stem: str, **values: str) -> Callable[[list[Path]], list[Path]]:
    def change(files: list[Path]) -> list[Path]:
        return [
            rewrite(path, path.parent / "changed" / path.name, lambda rows: [row | values for row in rows])
            if path.stem == stem else path for path in files
        ]  # fmt: skip

    return change


def without(stem: str, column: str) -> Callable[[list[Path]], list[Path]]:
    def change(files: list[Path]) -> list[Path]:
        def cut(rows: list[dict[str, str]]) -> list[dict[str, str]]:
            return [{key: value for key, value in row.items() if key != column} for row in rows]

        return [rewrite(path, path.parent / "cut" / path.name, cut) if path.stem == stem else path for path in files]

    return change


@pytest.mark.parametrize(
    "change",
    [
        only("outcomes"), only("votes", "interviews"), only("calls", "interviews"), only("decisions"),
        only("candidates"),
        only("interviews"),
        each("calls", level="strong"), each("calls", level="not_assessable"), each("votes", vote="no"),
        each("interviews", interviewer_id="one"), each("candidates", role=""),
        each("outcomes", rating="", left_reason="performance"), each("outcomes", rating="left", left_reason=""),
        each("outcomes", rating="meeting", left_reason=""), each("outcomes", saw_scores="true"),
        each("outcomes", months="3"), each("decisions", decision="hire"),
        without("candidates", "group"), without("candidates", "role"), without("outcomes", "rated_by"),
        without("interviews", "format"), without("decisions", "date"),
    ],
)  # fmt: skip
def test_odd_histories_give_sentences(tmp_path: Path, change: Callable[[list[Path]], list[Path]]) -> None:
    files = change(history(tmp_path, Truth(candidates=40, interviewers=6)))
    found = report(tmp_path / "w", files)
    text = as_markdown(found) + as_json(found) + as_html(found, {})
    assert not re.search(r"\b(nan|inf|infinity|none of type)\b", text.lower().replace("not a number", ""))
    assert all(said(found, section["key"]) for section in found["sections"])


def test_everyone_left_for_an_unknown_reason_is_shown_both_ways(tmp_path: Path) -> None:
    files = each("outcomes", rating="", left_reason="unknown")(history(tmp_path, Truth(candidates=60)))
    found = report(tmp_path / "w", files)
    assert found["n"] == 0
    assert found["overall"]["left_unknown_as_struggling"]["n"] > 10
    assert "left for an unknown reason" in said(found, "0")


def test_contaminated_ratings_stay_out(tmp_path: Path) -> None:
    files = each("outcomes", saw_scores="true", left_reason="", rating="meeting")(
        history(tmp_path, Truth(candidates=60))
    )
    found = report(tmp_path / "w", files)
    assert found["n"] == 0
    assert found["counts"]["by_status"]["contaminated"] > 10
    assert "contaminated" in said(found, "0")


def test_a_rater_who_interviewed_is_contaminated(tmp_path: Path) -> None:
    files = history(tmp_path, Truth(candidates=60, interviewers=1, interviews=1, left_share=0.0, double_share=0))
    files = each("outcomes", rated_by="iv-000000")(files)
    assert report(tmp_path / "w", files)["n"] == 0


def test_a_later_version_of_a_call_is_counted_and_not_used(tmp_path: Path) -> None:
    files = history(tmp_path, Truth(candidates=60))
    first = report(tmp_path / "w", files)
    later = each("calls", level="weak")(only("calls")(files))
    with Store(tmp_path / "w" / "x.duckdb").session() as db:
        done = import_files(db, later)
        again = retrospective(db)
    assert done[0].added > 0
    assert again["counts"]["calls_replaced"] == done[0].added
    assert again["overall"] == first["overall"]


def test_horizon_moves_the_ratings_in_and_out(tmp_path: Path) -> None:
    files = each("outcomes", months="18")(history(tmp_path, Truth(candidates=60, left_share=0)))
    assert report(tmp_path / "w", files)["n"] == 0
    assert report(tmp_path / "w2", files, Horizon(12, 24))["n"] > 10


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    name = '<script>alert(1)</script>|"`'
    files = each("candidates", role=name)(history(tmp_path, Truth(candidates=60)))
    found = report(tmp_path / "w", files)
    assert "<script>" not in as_html(found, {})
    assert "<script>" not in as_markdown(found)


def test_ranks_from_three_hundred_hires_on(many: dict[str, Any], fifteen: dict[str, Any]) -> None:
    assert all(1 <= one["rank"][0] <= one["rank"][1] <= 4 for one in many["pillars"])
    assert not any("rank" in one for one in fifteen["pillars"])


def test_a_pillar_that_alone_decides_ranks_first(tmp_path: Path) -> None:
    # Ratings follow execution_coding and nothing else; the other pillars' calls are noise.
    rng = random.Random(3)
    calls, outcomes, decisions, seats = [], [], [], []
    for at in range(400):
        seats.append(f"i{at},c{at},iv{at % 9},r,f,2025-01-01")
        decisions.append(f"c{at},hire,,2025-01-02")
        level = rng.randrange(3)
        rating = min(2, max(0, level + rng.choice([-1, 0, 0, 1])))
        outcomes.append(f"c{at},9,{['struggling', 'meeting', 'exceeding'][rating]},")
        for pillar in ("architecture_tradeoffs", "execution_coding", "ownership_debugging"):
            value = level if pillar == "execution_coding" else rng.randrange(3)
            calls.append(f"i{at},{pillar},iv{at % 9},{['weak', 'ok', 'strong'][value]}")
    tables = {
        "interviews": ("interview_id,candidate_id,interviewer_id,role,format,date", seats),
        "calls": ("interview_id,pillar,reviewer_id,level", calls),
        "decisions": ("candidate_id,decision,votes,date", decisions),
        "outcomes": ("candidate_id,months,rating,left_reason", outcomes),
    }
    files = []
    for kind, (header, rows) in tables.items():
        files.append(tmp_path / f"{kind}.csv")
        files[-1].write_text("\n".join([header, *rows]) + "\n")
    found = report(tmp_path / "w", files)
    ranks = {one["pillar"]: one["rank"] for one in found["pillars"]}
    assert ranks["execution_coding"] == [1, 1]
    assert ranks["architecture_tradeoffs"] == ranks["ownership_debugging"] == [2, 3]
    assert found["words"] == "predicts"
    by_pillar = {one["pillar"]: one["words"] for one in found["pillars"]}
    assert by_pillar["execution_coding"] == "predicts"
    assert by_pillar["ownership_debugging"] == "compatible with"


def test_hidden_names_stay_hidden(tmp_path: Path) -> None:
    files = history(tmp_path, Truth(candidates=60, harsh=1, interviewers=12))
    report(tmp_path / "w", files)
    with Store(tmp_path / "w" / "x.duckdb").session() as db:
        found = retrospective(db, names=False)
    assert "iv-0000" not in as_json(found) + as_markdown(found) + as_html(found, {})
    assert [one["flag"] for one in found["interviewers"] if one["flag"]] == ["harsh"]


def test_tiny_groups_are_counted_together(tmp_path: Path) -> None:
    def group(rows: list[dict[str, str]]) -> list[dict[str, str]]:
        return [row | {"group": "big" if at > 6 else f"tiny-{at % 3}"} for at, row in enumerate(rows)]

    files = history(tmp_path, Truth(candidates=60))
    files = [rewrite(path, tmp_path / "g" / path.name, group) if path.stem == "candidates" else path for path in files]
    found = report(tmp_path / "w", files)
    assert "tiny" not in as_json(found)
    small = [one for one in found["adverse_impact"] if one["group"] == "groups under five people"]
    assert small
    assert all(one["advanced"] is None and one["ratio"] is None for one in small)
