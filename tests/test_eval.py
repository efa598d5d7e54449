"""The evaluation can be trusted: gold is checked, metrics are right by hand, and what gets worse is stopped."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from cli import app
from eval import baselines
from eval.batch import AnswerFile, RequestFile
from eval.calibration import Shifted
from eval.dataset import GOLD, GoldError, Sample, gold_hash, load_split, read_document
from eval.diff import compare
from eval.dull import DULL, DullExtractor
from eval.matching import Case, assign
from eval.metrics import distractor_rate, interval, label_f1, must_find_recall, span_f1, span_precision, span_recall
from eval.metrics.role_accuracy import count as role_count
from eval.metrics.word_error_rate import count as word_errors
from eval.pointing import EXTRACT, extract_result
from eval.report import html, markdown
from eval.results import EvalRun, gain, measured, read_run, write_run
from eval.runner import run_tasks
from eval.solvers import Options, make_solver
from eval.solving import solve
from eval.spoken import load_spoken
from eval.variants import SHOWN, VARIANTS, Variant, figures, pointing_with
from pipeline.adapters.offline import OfflineExtractor
from pipeline.errors import AnswerError, RubricError, SettingsError
from pipeline.prompting import load_template
from pipeline.records import Extraction, HeardWord, Verified


@pytest.fixture(scope="module")
def dev() -> list[Sample]:
    return load_split("dev")


@pytest.fixture(scope="module")
def offline(dev: list[Sample]) -> EvalRun:
    return run_tasks(["extract", "coverage", "prompted", "packet"], make_solver("offline", Options()), "offline", "dev")


# --- gold -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("split", ["dev", "test"])
def test_gold_spans_are_words_of_the_candidate(split: str) -> None:
    for sample in load_split(split):
        text = sample.transcript.text
        for span in sample.spans:
            inside = [line for line in sample.lines if line.start < span.end and span.start < line.end]
            assert {line.speaker for line in inside} == {"candidate"}
            assert {sample.turn_of(line) for line in inside} == {span.turn}
            assert text[span.start : span.end] in next(t.text for t in sample.turns if t.turn == span.turn)


def broken(tmp_path: Path, old: str, new: str) -> Path:
    source = GOLD / "extract" / "dev" / "g01.jsonl"
    text = source.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "g01.jsonl"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"evidence": [{"quote": "Def gaps', '"evidence": [{"quote": "Def gulps'),
        ('"signal": "codes-before-asking"', '"signal": "codes-before-thinking"'),
        ('"polarity": "weak"', '"polarity": "strong"'),
        ('"prompted": false', '"prompted": true'),
        ('"probes": ["execution_coding", ', '"probes": ["no_such_pillar", '),
        ('"must_find": true', '"must_find": "sometimes"'),
    ],
)
def test_a_broken_gold_span_is_an_error_that_names_the_file(tmp_path: Path, old: str, new: str) -> None:
    with pytest.raises(GoldError, match="g01"):
        read_document(broken(tmp_path, old, new))


def test_a_moved_gold_span_changes_the_hash_that_the_baselines_hold(tmp_path: Path, dev: list[Sample]) -> None:
    moved = read_document(broken(tmp_path, '"quote": "Def gaps, takes rows. I\'m', '"quote": "takes rows. I\'m'))
    kept = baselines.load()["extract/offline/dev"]["gold_hash"]
    assert gold_hash(dev) == kept
    assert gold_hash([moved, *dev[1:]]) != kept


# --- matching and metrics, against figures worked out by hand ---------------------------------------------------------


def test_matching_is_one_to_one_and_by_place() -> None:
    tokens = [(i * 2, i * 2 + 1) for i in range(20)]
    gold = [(0, 10), (20, 30)]
    assert assign(tokens, [(0, 6), (0, 10), (20, 22), (12, 18)], gold) == [(1, 0)]  # the twin and the fifth count once
    assert assign(tokens, [(20, 25)], gold) == [(0, 1)]
    assert assign(tokens, [], gold) == []


def by_hand(dev: list[Sample]) -> Case:
    """Two gold spans pointed at, one with the wrong polarity, one distractor, one line of no meaning."""
    sample = dev[0]
    first, second = sample.spans[0], sample.spans[1]
    trap = next(t for t in sample.traps if t.role == "candidate" and t.end - t.start > 40)
    extractor = Planted(
        sample,
        {
            (first.start, first.end): first.labels[0].signal,
            (second.start, second.end): "assumes-needs",
            (trap.start, trap.end): "happy-path-only",
        },
    )
    return solve(extractor, [sample])[0]


class Planted:
    """Points at whole lines under given spans."""

    name = model = "planted"

    def __init__(self, sample: Sample, wanted: dict[tuple[int, int], str]) -> None:
        self.wanted = wanted

    def fingerprint(self, rubric: object) -> str:
        return "planted"

    async def extract(self, interview_id, lines, roles, chunks, rubric) -> Extraction:  # type: ignore[no-untyped-def]
        from pipeline.records import Draft

        drafts = []
        for (start, end), signal in self.wanted.items():
            inside = [line.line for line in lines if line.start < end and start < line.end]
            chunk = next(c.chunk for c in chunks if c.first_line <= inside[0] and inside[-1] <= c.last_line)
            drafts.append(
                Draft(chunk=chunk, pillar=rubric.pillar_of[signal], signal=signal, first=inside[0], last=inside[-1])
            )
        return Extraction(extractor="planted", model="planted", prompt_hash="", drafts=tuple(drafts))


def test_metrics_are_right_by_hand(dev: list[Sample]) -> None:
    case = by_hand(dev)
    gold = len(case.sample.spans)
    labels = sum(len(span.labels) for span in case.sample.spans)
    must = sum(span.must_find for span in case.sample.spans)
    assert len(case.pieces) == 3
    assert span_precision.count(case) == (2, 3)
    assert span_recall.count(case) == (2, gold)
    assert span_f1.count(case) == (4, 3 + gold)
    assert must_find_recall.count(case) == (sum(s.must_find for s in case.sample.spans[:2]), must)
    assert EXTRACT["polarity_accuracy"](case) == (1, 2)
    assert EXTRACT["signal_accuracy"](case) == (1, 2)
    assert label_f1.count(case) == (2, labels + 3)
    assert distractor_rate.count(case) == (1, len(case.sample.traps))


def test_nothing_found_counts_as_nothing_found(dev: list[Sample]) -> None:
    empty = Case(
        dev[0],
        Extraction(extractor="", model="", prompt_hash=""),
        Verified(evidence=(), probes=(), rejections=()),
        (),
    )
    figures = {name: metric(empty) for name, metric in EXTRACT.items()}
    assert figures["span_precision"] == (0, 0)
    assert interval.ratio([figures["span_precision"]]).value is None
    assert interval.ratio([figures["span_recall"]]).value == 0


def test_intervals_are_of_documents_and_repeat() -> None:
    counts = [(9.0, 10.0), (1.0, 10.0), (5.0, 10.0), (5.0, 10.0)]
    wide = interval.ratio(counts)
    assert wide == interval.ratio(counts)
    assert wide.value == 0.5
    assert wide.low is not None
    assert wide.high is not None
    assert wide.low < 0.35 < 0.65 < wide.high
    same = interval.difference(counts, counts)
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_words_and_roles_are_counted() -> None:
    pytest.importorskip("jiwer")
    assert word_errors("I waited twenty-five minutes.", "i waited 25 minutes") == (0, 5)
    assert word_errors("one two three four", "one too three") == (2, 4)
    turns = load_spoken()[0].turns
    first = next(turn for turn in turns if turn.role == "candidate" and turn.end_s - turn.start_s > 3)
    middle = (first.start_s + first.end_s) / 2
    word = HeardWord(text="so", start_s=middle, end_s=middle + 0.1)
    assert role_count(turns, [("candidate", word), ("interviewer", word), ("unknown", word)]) == (1, 3)


# --- gate, comparison, report -----------------------------------------------------------------------------------------


def test_kept_figures_come_out_the_same_again(offline: EvalRun) -> None:
    kept = baselines.load()
    assert baselines.stale(offline, kept) == []
    assert baselines.regressions(offline, kept) == []


def test_a_broken_metric_is_caught(dev: list[Sample], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXTRACT, "span_recall", lambda case: (len(case.pairs), len(case.pieces)))
    run = run_tasks(["extract"], make_solver("offline", Options()), "offline", "dev")
    fallen = baselines.regressions(run, baselines.load())
    assert [fall.metric for fall in fallen] == ["span_recall"]


def test_a_worse_extractor_is_caught_and_a_better_one_is_not(offline: EvalRun, dev: list[Sample]) -> None:
    kept = baselines.load()
    changed = offline.model_copy(update={"solver_hash": "another"})
    counts = offline.results[0].counts
    worse = {**counts, "span_f1": {name: (n * 0.8, d) for name, (n, d) in counts["span_f1"].items()}}
    taken = {**counts, "distractor_rate": {name: (d / 2, d) for name, (_, d) in counts["distractor_rate"].items()}}
    better = {**counts, "span_f1": {name: (d, d) for name, (_, d) in counts["span_f1"].items()}}

    def fallen(new: dict[str, dict[str, tuple[float, float]]]) -> list[str]:
        run = changed.model_copy(update={"results": (measured("extract", "offline", "dev", new),)})
        return [fall.metric for fall in baselines.regressions(run, kept)]

    assert fallen(worse) == ["span_f1"]
    assert fallen(taken) == ["distractor_rate"]
    assert fallen(better) == []
    assert "solver" in baselines.stale(changed, kept)[0]


def prompts(tmp_path: Path) -> Path:
    folder = tmp_path / "prompts"
    shutil.copytree(GOLD.parent.parent / "prompts", folder, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    return folder


def test_a_broken_prompt_is_caught(tmp_path: Path) -> None:
    folder = prompts(tmp_path)
    whole = load_template("extract", folder).hash
    text = (folder / "extract.md").read_text(encoding="utf-8")
    (folder / "extract.md").write_text(text.replace("$lines", "the lines"), encoding="utf-8")
    with pytest.raises(RubricError):
        load_template("extract", folder)
    (folder / "extract.md").write_text(text.replace("You never judge the candidate", "Judge away"), encoding="utf-8")
    assert load_template("extract", folder).hash != whole == load_template("extract").hash


def test_a_broken_rubric_id_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = prompts(tmp_path)
    path = folder / "rubrics" / "senior-backend.toml"
    path.write_text(path.read_text("utf-8").replace('"hypothesis-test"', '"hypotheses"'), encoding="utf-8")
    monkeypatch.setattr("pipeline.prompting.prompts_folder", lambda override=None: override or folder)
    with pytest.raises(GoldError, match="hypothesis-test"):
        load_split("dev")


def test_two_runs_are_compared_row_by_row(offline: EvalRun) -> None:
    dull = run_tasks(["extract"], make_solver("random", Options()), "random", "dev")
    (diff,) = compare(dull, offline)
    assert next(figure for figure in diff.gains if figure.metric == "label_f1").low > 0.4  # type: ignore[operator]
    assert len(diff.better) > 5 * len(diff.worse)
    assert {change.after for change in diff.better} <= {"found", "near", "mislabelled"}
    assert not any(diff.better or diff.worse for diff in compare(offline, offline))


def test_reports_regenerate_byte_for_byte_and_escape(offline: EvalRun, tmp_path: Path) -> None:
    write_run(offline, tmp_path / "results.json")
    again = read_run(tmp_path)
    assert again == offline
    assert (markdown(again), html(again)) == (markdown(offline), html(offline))
    assert "Missed" in markdown(offline)
    assert "  > " not in markdown(offline, quotes=False)
    item = (
        offline.results[0].items[0].model_copy(update={"quote": "<script>x</script>", "state": "missed", "weight": 9})
    )
    nasty = offline.model_copy(update={"results": (offline.results[0].model_copy(update={"items": (item,)}),)})
    assert "<script>" not in html(nasty)


# --- solvers ----------------------------------------------------------------------------------------------------------


def test_batch_files_carry_a_perfect_model_through(dev: list[Sample], tmp_path: Path) -> None:
    sample = dev[0]
    writer = RequestFile("batch")
    solve(pointing_with(writer, Variant()), [sample])
    writer.write(tmp_path / "requests.jsonl")
    rows = [json.loads(row) for row in (tmp_path / "requests.jsonl").read_text("utf-8").splitlines()]
    assert len(rows) == len(sample.chunks) * 4
    (tmp_path / "answers.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(AnswerError, match="answer"):
        solve(pointing_with(AnswerFile(tmp_path / "answers.jsonl", "batch"), Variant()), [sample])
    answers = []
    for row in rows:
        asked = row["body"]["messages"][1]["content"]
        pillar = next(p for p in sample.rubric.pillars if f"{p.title}. {p.looks_for}" in asked)
        answers.append({"custom_id": row["custom_id"], "text": oracle(sample, pillar.id, row["body"])})
    text = "".join(json.dumps(answer) + "\n" for answer in answers)
    (tmp_path / "answers.jsonl").write_text(text, encoding="utf-8")
    (case,) = solve(pointing_with(AnswerFile(tmp_path / "answers.jsonl", "batch"), Variant()), [sample])
    right, total = label_f1.count(case)
    assert right / total > 0.9  # lines are not sentences, so not quite one


def oracle(sample: Sample, pillar: str, body: dict[str, object]) -> str:
    """What the gold says, in the form that the request's schema asks for."""
    schema = body["response_format"]["json_schema"]["schema"]  # type: ignore[index]
    pieces = []
    for span in sample.spans:
        inside = [line.line for line in sample.lines if line.start < span.end and span.start < line.end][:3]
        pieces += [(inside[0], inside[-1], label.signal) for label in span.labels if label.pillar == pillar]
    item = schema["properties"]["evidence"]["items"]
    if item.get("type") == "string":
        evidence: list[object] = [f"{a}-{b} {signal}" if a != b else f"{a} {signal}" for a, b, signal in pieces]
    else:
        evidence = [{"first": a, "last": b, "signal": signal, "prompted_by": None} for a, b, signal in pieces]
    return json.dumps({"evidence": evidence, "probes": []})


def test_every_variant_asks(dev: list[Sample]) -> None:
    asked = {}
    for variant in VARIANTS:
        writer = RequestFile("sizes")
        solve(pointing_with(writer, variant), dev[:1])
        asked[variant] = len(writer.requests)
    assert asked[Variant()] == 4 * asked[Variant(joint=True)]


def test_kept_answers_of_a_capable_model_hold_their_figures(dev: list[Sample]) -> None:
    """A changed prompt or rubric asks otherwise than what was answered: then the answers must be renewed or removed."""
    rows = {row.split("|")[1].strip(): [cell.split()[0] for cell in row.split("|")[2:-1]] for row in figures(dev)[2:]}
    pointing, quoting = rows[Variant().name], rows[Variant(template="quote").name]
    label_f1, distractors, characters = SHOWN.index("label_f1"), SHOWN.index("distractor_rate"), len(SHOWN)
    assert float(pointing[label_f1]) > 0.85
    assert float(pointing[distractors]) == 0
    assert float(pointing[characters]) <= float(quoting[characters]) / 3


def test_a_shifted_signal_is_heard_more_and_no_shift_changes_nothing(dev: list[Sample]) -> None:
    extractor = OfflineExtractor()
    plain = solve(extractor, dev[:1])[0].extraction
    ear = extractor.ear(dev[0].rubric)
    ear.answers = shifted = Shifted(ear.answers)  # type: ignore[assignment]
    assert solve(extractor, dev[:1])[0].extraction == plain
    shifted.shift = np.array([0.3 if label == "clear-names" else 0.0 for label in shifted.labels])
    louder = solve(extractor, dev[:1])[0].extraction
    heard = [sum(draft.signal == "clear-names" for draft in found.drafts) for found in (plain, louder)]
    assert heard[1] > heard[0]


def test_unknown_names_are_told_apart_from_missing_means() -> None:
    with pytest.raises(SettingsError, match="solver"):
        make_solver("oracle", Options())
    with pytest.raises(SettingsError, match="workspace"):
        make_solver("model", Options())
    with pytest.raises(SettingsError, match="task"):
        run_tasks(["guess"], make_solver("random", Options()), "random", "dev")


# --- what is promised -------------------------------------------------------------------------------------------------


def test_the_offline_extractor_reaches_its_targets_on_unseen_interviews() -> None:
    samples = load_split("test")
    cases = solve(make_solver("offline", Options()), samples)
    ours = extract_result(cases, [], "offline", "test")
    guesses = {case.sample.id: len(case.verified.evidence) for case in cases}

    def value(metric: str) -> float:
        figure = ours.figure(metric)
        assert figure is not None
        assert figure.value is not None
        return figure.value

    assert value("must_find_recall") >= 0.55
    assert value("span_precision") >= 0.60
    assert value("pillar_accuracy") >= 0.80
    assert value("polarity_accuracy") >= 0.85
    assert value("distractor_rate") <= 0.10
    for name in DULL:
        dull = extract_result(solve(make_solver(name, Options()), samples), [], name, "test")
        for metric in ("label_f1", "span_f1", "span_precision", "pillar_accuracy", "polarity_accuracy"):
            more = gain(ours, dull, metric)
            assert more is not None
            assert more.low is not None
            assert more.low > 0, (name, metric)
        fewer = gain(ours, dull, "distractor_rate")
        assert fewer is not None
        assert fewer.high is not None
        assert fewer.high < 0, name
        as_many = extract_result(solve(DullExtractor(name, DULL[name], guesses), samples), [], name, "test")
        found = gain(ours, as_many, "must_find_recall")
        assert found is not None
        assert found.low is not None
        assert found.low > 0, (name, "guess for guess")


def test_the_verb_measures_writes_and_compares(tmp_path: Path) -> None:
    runner = CliRunner()
    told = runner.invoke(app, ["eval", "extract", "--solver", "keywords", "--out", str(tmp_path / "a"), "--json"])
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["results"][0]["task"] == "extract"
    assert {path.name for path in (tmp_path / "a").iterdir()} == {"results.json", "report.md", "report.html"}
    same = runner.invoke(app, ["eval", "diff", str(tmp_path / "a"), str(tmp_path / "a")])
    assert "Better in B: 0" in same.stdout
    assert runner.invoke(app, ["eval", "diff", str(tmp_path / "a")]).exit_code != 0


def test_a_folder_of_own_gold_is_measured(tmp_path: Path) -> None:
    shutil.copy(GOLD / "extract" / "dev" / "g06.jsonl", tmp_path / "mine.jsonl")
    told = CliRunner().invoke(app, ["eval", "--gold", str(tmp_path), "--solver", "longest", "--json"])
    assert told.exit_code == 0, told.output
    assert [result["task"] for result in json.loads(told.stdout)["results"]] == [
        "extract",
        "coverage",
        "prompted",
        "packet",
    ]
    empty = tmp_path / "empty"
    empty.mkdir()
    assert CliRunner().invoke(app, ["eval", "--gold", str(empty)]).exit_code != 0
