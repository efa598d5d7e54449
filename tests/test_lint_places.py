"""The linter in other places: explain, the commit hook, watching, the editor, the database."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from lintdesk import BAD, ROOT, lint, note, run

pytestmark = pytest.mark.usefixtures("lint_desk")


def test_explain_prints_the_page_and_the_list() -> None:
    assert "# GF201 culture-fit" in run("explain", "gf201").stdout
    assert len(run("explain").stdout.splitlines()) == 23
    assert run("explain", "GF999").exit_code == 2


def git(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", *who, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_pre_commit_stops_a_commit_with_the_declared_hook(tmp_path: Path) -> None:
    """The real pre-commit, the declared hook that uses what is installed, and a program of that name on the path."""
    published, mine, program = tmp_path / "published", tmp_path / "mine", tmp_path / "bin" / "verbatim"
    for folder in (published, mine, program.parent):
        folder.mkdir()
    (published / ".pre-commit-hooks.yaml").write_bytes((ROOT / ".pre-commit-hooks.yaml").read_bytes())
    for folder in (published, mine):
        git(folder, "init", "-q")
    git(published, "add", ".")
    git(published, "commit", "-qm", "x")
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m cli "$@"\n')
    program.chmod(0o755)
    (mine / ".pre-commit-config.yaml").write_text(
        f"repos: [{{repo: {published}, rev: {git(published, 'rev-parse', 'HEAD').stdout.strip()}, "
        "hooks: [{id: verbatim-lint-installed}]}]\n"
    )
    path = os.pathsep.join((str(program.parent), os.environ["PATH"]))
    here = {"PATH": path, "PRE_COMMIT_HOME": str(tmp_path / "home")}
    installed = [sys.executable, "-m", "pre_commit", "install"]
    subprocess.run(installed, cwd=mine, check=True, capture_output=True, env={**os.environ, **here})
    (mine / "note.md").write_text("Bad vibes.\n")
    (mine / "code.py").write_text("# bad vibes\n")
    git(mine, "add", ".")
    refused = git(mine, "commit", "-qm", "x", **here)
    assert refused.returncode == 1
    assert "GF102" in refused.stderr
    assert "code.py" not in refused.stderr
    (mine / "note.md").write_text("Wrote a test.\n")
    git(mine, "add", ".")
    assert git(mine, "commit", "-qm", "x", **here).returncode == 0


def test_both_hooks_run_the_same_and_the_program_is_declared() -> None:
    declared = (ROOT / ".pre-commit-hooks.yaml").read_text()
    entries = re.findall(r"(?m)^  (?:entry|types_or): (.+)$", declared)
    assert entries[:2] == entries[2:]
    assert entries[0].split()[0] in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]


def test_watching_lints_again_when_a_file_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    from pipeline.lint import session

    name = note()
    looks = iter(["Wrote a test.\n", "Bad vibes.\n"])
    monkeypatch.setattr(session.time, "sleep", lambda _: note(name, next(looks, "Bad vibes.\n")))
    out = io.StringIO()
    session.Session(session.Flags(output_format="concise")).watch([Path(name)], out, io.StringIO(), rounds=3)
    assert out.getvalue().count("GF102") == 2
    assert out.getvalue().count("GF201") == 1


def test_watching_sees_a_new_configuration_and_survives_a_broken_one(monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    from pipeline.lint import session

    name, looks = note(), iter(["select = ['GF1']", "nonsense = 1", "select = ['GF2']"])
    written = lambda _: Path("verbatim.toml").write_text(f"[lint]\n{next(looks, '')}\n")  # noqa: E731
    monkeypatch.setattr(session.time, "sleep", written)
    out, err = io.StringIO(), io.StringIO()
    session.Session(session.Flags(output_format="concise")).watch([Path(name)], out, err, rounds=4)
    assert [row.split()[1] for row in out.getvalue().splitlines() if " " in row] == ["GF201", "GF102", "GF102", "GF201"]
    assert "unknown key 'nonsense'" in err.getvalue()


def test_the_editor_follows_the_configuration_and_tells_a_fault() -> None:
    pytest.importorskip("pygls")
    from pipeline.lint.lsp import configured, diagnostics

    for select in ("GF1", "GF2"):
        Path("verbatim.toml").write_text(f"[lint]\nselect = ['{select}']\n")
        config, fault = configured(str(Path("x.md").absolute()))
        assert [str(one.code)[:3] for one in diagnostics(BAD, "x.md", config)] == [select]
        assert not fault
    for line in ("select = ['GF9']", "x = 1"):
        Path("verbatim.toml").write_text(f"[lint]\n{line}\n")
        config, fault = configured("x.md")
        assert len(diagnostics(BAD, "x.md", config)) == 2
        assert str(Path.cwd()) in fault


def test_the_editor_gets_diagnostics_and_an_evidence_line() -> None:
    pytest.importorskip("pygls")
    from lsprotocol import types
    from pygls.lsp.client import LanguageClient

    text = "- 😀 bad vibes\n- wrote a test\n"
    got: list[types.PublishDiagnosticsParams] = []

    async def talk() -> list[types.CodeAction]:
        client = LanguageClient("test", "1")
        arrived = asyncio.Event()

        @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def _published(params: types.PublishDiagnosticsParams) -> None:
            got.append(params)
            arrived.set()

        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        await client.start_io(sys.executable, "-m", "cli", "lint", "--lsp", env=environment)
        start = types.InitializeParams(capabilities=types.ClientCapabilities(), root_uri=None, process_id=os.getpid())
        await client.initialize_async(start)
        item = types.TextDocumentItem(uri="file:///tmp/x.md", language_id="markdown", version=1, text=text)
        client.text_document_did_open(types.DidOpenTextDocumentParams(text_document=item))
        await asyncio.wait_for(arrived.wait(), 60)
        shown = got[0].diagnostics
        wanted = types.CodeActionParams(
            text_document=types.TextDocumentIdentifier(uri=item.uri),
            range=shown[0].range,
            context=types.CodeActionContext(diagnostics=shown),
        )
        answer = await client.text_document_code_action_async(wanted)
        await client.shutdown_async(None)
        client.exit(None)
        await client.stop()
        return [action for action in answer or [] if isinstance(action, types.CodeAction)]

    (action,) = asyncio.run(talk())
    (diagnostic,) = got[0].diagnostics
    assert (diagnostic.code, diagnostic.source) == ("GF102", "verbatim lint")
    assert (diagnostic.range.start.character, diagnostic.range.end.character) == (5, 14)
    assert action.edit is not None
    ((edit,),) = (action.edit.changes or {}).values()
    assert edit.new_text == "\n  Evidence: they ___ when ___; result ___."
    assert edit.range.start == edit.range.end == types.Position(line=0, character=14)


def test_findings_are_kept_for_the_debrief_and_replaced_by_the_next_run(tmp_path: Path) -> None:
    from pipeline.workspace import Workspace

    workspace = Workspace.create(tmp_path / "w")
    name = note()
    for _ in range(2):
        assert lint(name, "--store", "-w", str(workspace.folder), "--interviewer", "kim").exit_code == 1
    with workspace.store().session() as db:
        kept = db.rows(
            'SELECT interviewer_id, code, start, "end", text, severity, source FROM finding_list ORDER BY start'
        )
    assert [tuple(row.values()) for row in kept] == [
        ("kim", "GF201", 0, 19, "Great culture match", "warning", "rules"),
        ("kim", "GF102", 23, 32, "bad vibes", "warning", "rules"),
    ]


def test_findings_of_a_mended_note_do_not_reach_the_debrief(tmp_path: Path) -> None:
    from pipeline.adapters.store import reviews
    from pipeline.workspace import Workspace

    workspace = Workspace.create(tmp_path / "w")
    head = {"candidate_id": "c-1", "interviewers": ["kim"], "questions": [], "state": "done"}
    with workspace.store().session() as db:
        for one in ("i-1", "i-2"):
            db.insert("interviews", [{**head, "interview_id": one}])

    def stored(interview: str, text: str) -> int:
        note(text=text)
        return lint("note.md", "--store", "-w", str(workspace.folder), "--interview", interview).exit_code

    assert [stored("i-1", BAD), stored("i-2", "Big ego.\n"), stored("i-1", "Bad vibes.\n")] == [1, 1, 1]
    with workspace.store().session() as db:
        found, _ = reviews.feedback_doubts(db, ["i-1", "i-2"])
    assert [(row["interview_id"], row["code"]) for row in found] == [("i-1", "GF102"), ("i-2", "GF401")]
    assert stored("i-9", BAD) == 2
