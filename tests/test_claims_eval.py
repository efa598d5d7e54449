"""A model is measured on the labelled claims by the same figures as the offline search."""

from __future__ import annotations

import json
from pathlib import Path

from eval.batch import AnswerFile, RequestFile
from eval.claims_model import asked, held_by_model, write_requests
from eval.claims_score import Held, load_claims
from eval.dataset import GOLD, load_split

ANSWERS = GOLD / "answers"
SAMPLES = load_split("dev")[:2]
ABOUT = [claim for claim in load_claims("dev") if claim.about in {sample.id for sample in SAMPLES}]


def answered(folder: Path, *, knowing: bool) -> list[Held]:
    """What comes of a model that answers from the labels, or finds nothing."""
    requests = RequestFile("m")
    write_requests(requests, "dev", SAMPLES)
    rows = []
    for one in asked("dev", SAMPLES):
        by_place = dict(zip(one.places, one.gold, strict=True))
        for page in one.pointing.pages:
            lines = range(page.chunk.first_line, page.chunk.last_line + 1)
            said = {page.planted: f"{page.planted} none"}
            for number, place in page.sentences.items():
                there = [n for n in lines if one.sample.turn_of(one.sample.lines[n - 1]) in by_place[place].turns]
                verb = {"supported": "supports", "contradicted": "contradicts"}.get(by_place[place].state)
                found = f"{number} {verb} {there[0]}" if knowing and verb and there else f"{number} none"
                said[number] = f"{number} no-claim" if by_place[place].state == "no_claim" else found
            key = one.pointing.request(requests, page).hash
            text = json.dumps({"held": [said[number] for number in sorted(said)]})
            rows.append(json.dumps({"custom_id": key, "text": text}))
    assert {json.loads(row)["custom_id"] for row in rows} == set(requests.requests)
    (folder / "answers.jsonl").write_text("\n".join(rows))
    return held_by_model(AnswerFile(folder / "answers.jsonl", "m"), "dev", SAMPLES)


def test_a_model_that_knows_the_labels_is_right_everywhere(tmp_path: Path) -> None:
    held = answered(tmp_path, knowing=True)
    assert {row.gold.id for row in held} == {claim.id for claim in ABOUT}
    assert [row.gold.id for row in held if not row.right] == []


def test_a_model_that_finds_nothing_is_right_where_there_is_nothing_and_where_code_counts(tmp_path: Path) -> None:
    right = {row.gold.id for row in answered(tmp_path, knowing=False) if row.right}
    nothing = {c.id for c in ABOUT if c.kind == "count" or c.state in {"none_found", "no_claim"}}
    assert right == nothing


def test_the_kept_answers_fit_the_requests_of_today() -> None:
    held = held_by_model(AnswerFile(ANSWERS / "claims_test.jsonl", "batch"), "test", load_split("test"))
    assert len(held) == len(load_claims("test"))
    assert all(row.right for row in held)


def test_requests_are_one_file_for_any_endpoint(tmp_path: Path) -> None:
    requests = RequestFile("m")
    write_requests(requests, "dev", SAMPLES)
    requests.write(tmp_path / "requests.jsonl")
    rows = (tmp_path / "requests.jsonl").read_text().splitlines()
    bodies = [json.loads(row)["body"]["messages"][1]["content"] for row in rows]
    shown = [claim.text for claim in ABOUT if claim.kind == "act"]
    assert all(any(text in body for body in bodies) for text in shown)
