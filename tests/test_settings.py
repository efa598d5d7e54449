from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.errors import SettingsError
from pipeline.settings import Llm, Settings, load_settings
from pipeline.workspace import TOML, Workspace


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in os.environ:
        if name.startswith("VERBATIM_"):
            monkeypatch.delenv(name)


def toml(folder: Path, text: str) -> Path:
    (folder / "verbatim.toml").write_text(text, encoding="utf-8")
    return folder


def same(one: Settings, other: Settings) -> bool:
    return one.model_dump() == other.model_dump()


def test_a_flag_beats_the_environment_beats_the_file_beats_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    toml(tmp_path, '[llm]\nmodel = "file"\nconcurrency = 3\nmax_tries = 2\n[transcribe]\nmodel = "small"\n')
    monkeypatch.setenv("VERBATIM_LLM__MODEL", "environment")
    monkeypatch.setenv("VERBATIM_LLM__CONCURRENCY", "4")
    found = load_settings(tmp_path, {"llm": {"model": "flag"}})
    assert (found.llm.model, found.llm.concurrency, found.llm.max_tries) == ("flag", 4, 2)
    assert found.llm.deadline_s == Llm().deadline_s
    assert found.transcribe.model == "small"


def test_without_a_file_everything_has_a_default_and_nothing_leaves_the_machine(tmp_path: Path):
    found = load_settings(tmp_path)
    assert same(found, Settings())
    assert found.llm.model is None
    assert found.llm.allow_hosts == ()
    assert not found.transcribe.allow_download


def test_a_key_alone_configures_no_endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://example.org/v1")
    assert load_settings(tmp_path).llm.model is None


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[transcribe]\nmoddel = 'base'", "transcribe.moddel"),
        ("[transcribe]\nbeam_size = 0", "transcribe.beam_size"),
        ("[transcribe]\nmode = 'quick'", "transcribe.mode"),
        ("[extract]\nchunk_lines = 5", "extract.chunk_lines"),
        ("[llm]\nconcurrency = 'many'", "llm.concurrency"),
        ("[llm]\napi_key = 'sk-secret'", "llm.api_key"),
        ("[scores]\nx = 1", "scores"),
        ("transcribe = 5", "transcribe"),
        ("[llm", "not valid TOML"),
    ],
)
def test_a_bad_line_is_named_and_its_value_is_not_told(tmp_path: Path, text: str, named: str):
    with pytest.raises(SettingsError) as caught:
        load_settings(toml(tmp_path, text))
    assert named in caught.value.what
    assert "sk-secret" not in str(caught.value)
    assert "verbatim.toml" in str(caught.value)


def test_a_bad_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VERBATIM_TRANSCRIBE__BEAM_SIZE", "wide")
    with pytest.raises(SettingsError, match=r"transcribe\.beam_size"):
        load_settings(tmp_path)


def test_variables_that_are_no_setting_do_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VERBATIM_WORKSPACE", str(tmp_path))
    assert same(load_settings(tmp_path), Settings())


@pytest.mark.parametrize("content", [b"\xff\xfe", b"\x00"])
def test_a_file_that_is_no_text_is_one_error(tmp_path: Path, content: bytes):
    (tmp_path / "verbatim.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=r"verbatim\.toml"):
        load_settings(tmp_path)


def test_a_folder_in_its_place_is_one_error(tmp_path: Path):
    (tmp_path / "verbatim.toml").mkdir()
    with pytest.raises(SettingsError, match=r"verbatim\.toml"):
        load_settings(tmp_path)


def test_the_linters_table_is_not_ours(tmp_path: Path):
    assert same(load_settings(toml(tmp_path, "[lint]\nanything = 1\n")), Settings())


def test_two_workspaces_do_not_share_settings(tmp_path: Path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = load_settings(toml(tmp_path / "a", "[transcribe]\nmodel = 'tiny'\n"))
    assert (first.transcribe.model, load_settings(tmp_path / "b").transcribe.model) == ("tiny", "base")


def test_settings_are_frozen(tmp_path: Path):
    with pytest.raises(ValidationError):
        load_settings(tmp_path).llm.model = "x"  # type: ignore[misc]


# --- The folder


def test_a_new_workspace_is_private_and_its_settings_file_changes_nothing(tmp_path: Path):
    made = Workspace.create(tmp_path / "deep" / "ws")
    assert same(load_settings(made.folder), Settings())
    for path in (made.folder, made.asr, made.llm, made.logs):
        assert path.stat().st_mode & 0o077 == 0
    assert (made.folder / "verbatim.toml").stat().st_mode & 0o077 == 0


def test_every_line_that_the_new_file_offers_is_a_setting(tmp_path: Path):
    offered = "\n".join(line.removeprefix("# ") if "=" in line else line for line in TOML.splitlines()[1:])
    found = load_settings(toml(tmp_path, offered))
    assert found.llm.base_url == "http://127.0.0.1:8080/v1"
    assert found.transcribe.glossary == ("PagerDuty",)


def test_making_it_twice_keeps_what_is_there(tmp_path: Path):
    made = Workspace.create(tmp_path / "ws")
    toml(made.folder, "[transcribe]\nmodel = 'tiny'\n")
    assert load_settings(Workspace.create(made.folder).folder).transcribe.model == "tiny"


def test_a_folder_that_is_none_is_one_error(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="not a workspace"):
        Workspace.open(tmp_path / "nothing")
    with pytest.raises(SettingsError, match="cannot be made"):
        Workspace.create(tmp_path / "file")
    with pytest.raises(SettingsError, match="cannot be made"):
        Workspace.create(tmp_path / "file" / "below")
