from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ManifestError
from pipeline.ingest import Intake, Refusal, join, read_manifest, sha256_of, take_in
from pipeline.ingest.entry import ID
from pipeline.ingest.folders import _slug

GOOD = 'interview_id = "i-1"\ncandidate_id = "c-1"\nrecordings = ["a.wav"]\nconsent = true\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.wav", "b.wav", "a.vtt"):
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def manifest(folder: Path, text: str, name: str = "m.toml") -> Intake:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_manifest(path, default_profile="senior-backend")


def changed(**fields: str) -> str:
    """One entry that is good but for some fields; None leaves a field out."""
    rows = dict(row.split(" = ", 1) for row in GOOD.splitlines()) | fields
    return "[[interviews]]\n" + "".join(f"{key} = {value}\n" for key, value in rows.items() if value is not None)


def reason(folder: Path, **fields: str) -> str:
    found = manifest(folder, changed(**fields))
    assert not found.interviews
    return found.refusals[0].reason


def test_a_full_entry(folder: Path):
    text = f"""
[[interviews]]
{GOOD}role_profile = "staff-engineer"
date = 2026-03-02
format = "live-coding"
interviewers = ["iv-1", "iv-2"]
questions = ["q-012"]
names = ["Zoë Lund"]
transcript = "a.vtt"
[interviews.roles]
left = "interviewer"
"a b" = "candidate"
"""
    (found,) = manifest(folder, text).interviews
    assert found.model_dump(mode="json") == {
        "interview_id": "i-1",
        "candidate_id": "c-1",
        "role_profile": "staff-engineer",
        "held_on": "2026-03-02",
        "format": "live-coding",
        "interviewers": ["iv-1", "iv-2"],
        "questions": ["q-012"],
        "names": ["Zoë Lund"],
        "recordings": ["a.wav"],
        "transcript": "a.vtt",
        "roles": {"left": "interviewer", "a b": "candidate"},
        "roles_source": "manifest",
        "consent": True,
        "folder": str(folder),
    }


def test_csv_and_toml_give_the_same(folder: Path):
    toml = f"""
[[interviews]]
{GOOD}date = 2026-03-02
interviewers = ["iv-1", "iv-2"]
transcript = "a.vtt"
roles = {{ left = "interviewer", "x=y" = "candidate" }}
[[interviews]]
interview_id = "i-2"
candidate_id = "c-2"
recordings = ["b.wav", "a.wav"]
consent = true
"""
    table = (
        "interview_id,candidate_id,recordings,consent,date,interviewers,transcript,roles\n"
        'i-1,c-1,a.wav,true,2026-03-02,iv-1; iv-2,a.vtt,"left=interviewer;x=y=candidate"\n'
        "i-2,c-2,b.wav;a.wav,YES,,,,\n"
    )
    spreadsheet = "\ufeff" + table.replace("\n", "\r\n")
    expected = manifest(folder, toml).interviews
    assert len(expected) == 2
    assert manifest(folder, table, "m.csv").interviews == expected
    assert manifest(folder, spreadsheet, "s.csv").interviews == expected


@pytest.mark.parametrize(
    ("fields", "line", "field"),
    [
        ({"interview_id": '"../../etc"'}, 2, "interview_id"),
        ({"interview_id": '"a/b"'}, 2, "interview_id"),
        ({"interview_id": '"a..b"'}, 2, "interview_id"),
        ({"interview_id": '"-rf"'}, 2, "interview_id"),
        ({"interview_id": '"i\\n1"'}, 2, "interview_id"),
        ({"interview_id": '"é"'}, 2, "interview_id"),
        ({"interview_id": f'"{"x" * 65}"'}, 2, "interview_id"),
        ({"interview_id": "7"}, 2, "interview_id"),
        ({"interview_id": None}, 1, "interview_id"),
        ({"candidate_id": '""'}, 3, "candidate_id"),
        ({"consent": "false"}, 5, "consent"),
        ({"consent": '"yes"'}, 5, "consent"),
        ({"consent": "1"}, 5, "consent"),
        ({"consent": None}, 1, "consent"),
        ({"recordings": "[]"}, 4, "recordings"),
        ({"recordings": '"a.wav"'}, 4, "recordings"),
        ({"recordings": "[1]"}, 4, "recordings"),
        ({"recordings": '["missing.wav"]'}, 4, "recordings"),
        ({"recordings": '["a.vtt"]'}, 4, "recordings"),
        ({"transcript": '"missing.vtt"'}, 6, "transcript"),
        ({"transcript": '"b.wav"'}, 6, "transcript"),
        ({"date": '"last week"'}, 6, "date"),
        ({"role_profile": '"../../../etc/passwd"'}, 6, "role_profile"),
        ({"role_profile": '"astronaut"'}, 6, "role_profile"),
        ({"interviewers": '["iv/1"]'}, 6, "interviewers"),
        ({"roles": '{ left = "boss" }'}, 6, "roles"),
        ({"level": '"strong"'}, 6, "level"),
        ({'"\\u001b[31m"': "1"}, 1, ""),
    ],
)
def test_a_bad_entry_is_named_with_line_and_field(folder: Path, fields: dict[str, str], line: int, field: str):
    told = reason(folder, **fields)
    assert told.startswith(f"m.toml, line {line}: {field}"), told


def test_a_bad_entry_stops_only_itself(folder: Path):
    found = manifest(
        folder, changed() + changed(interview_id='"i-2"', recordings='["no.wav"]') + changed(interview_id='"i-3"')
    )
    assert [i.interview_id for i in found.interviews] == ["i-1", "i-3"]
    assert [r.interview_id for r in found.refusals] == ["i-2"]
    assert found.refusals[0].reason.startswith("m.toml, line 9: recordings: 'no.wav' does not exist")
    assert "verbatim run" in found.refusals[0].retry


def test_a_bad_csv_entry_is_named_with_its_line_even_behind_a_cell_of_two_lines(folder: Path):
    text = (
        "interview_id,candidate_id,recordings,consent,format\n"
        'i-1,c-1,a.wav,true,"two\nlines"\n'
        "i-2,c-2,missing.wav,true,\n"
        "i-3,c-3,a.wav,perhaps,\n"
        "i-4,c-4,a.wav,true,x,too,many\n"
    )
    found = manifest(folder, text, "m.csv")
    assert [i.format for i in found.interviews] == ["two\nlines"]
    assert [r.reason.split(": ")[0:2] for r in found.refusals] == [
        ["m.csv, line 4", "recordings"],
        ["m.csv, line 5", "consent"],
        ["m.csv, line 6", "more columns than the header"],
    ]


def test_an_id_used_twice_runs_neither(folder: Path):
    found = manifest(folder, changed() + changed(candidate_id='"c-2"') + changed(interview_id='"i-2"'))
    assert [i.interview_id for i in found.interviews] == ["i-2"]
    assert all("used twice" in r.reason for r in found.refusals)
    assert len(found.refusals) == 2


def test_an_entry_without_a_usable_id_gets_a_name_that_is_an_id(folder: Path):
    path = folder / "März list.toml"
    path.write_text(changed(interview_id='"/etc/passwd"'))
    (refusal,) = read_manifest(path, default_profile="senior-backend").refusals
    assert refusal.interview_id == "M-rz-list-line-1"
    assert ID.fullmatch(refusal.interview_id)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("m.toml", "[[interviews]", "not valid TOML"),
        ("m.toml", "", "holds no"),
        ("m.toml", "[[interview]]\n" + GOOD, "not 'interview'"),
        ("m.toml", "[interviews]\n" + GOOD, "expected [[interviews]]"),
        ("m.toml", "interviews = [1]", "expected [[interviews]]"),
        ("m.csv", "", "holds no"),
        ("m.csv", "interview_id\n", "holds no"),
        ("m.csv", 'interview_id\n"open', "line 2"),
        ("m.csv", "interview_id\n" + "x" * 140_000, "field larger"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_one_error(folder: Path, name: str, text: str, told: str):
    with pytest.raises(ManifestError) as caught:
        manifest(folder, text, name)
    assert told in caught.value.what


def test_a_manifest_that_is_not_utf_8(folder: Path):
    (folder / "m.csv").write_bytes(b"interview_id\n\xff\n")
    with pytest.raises(ManifestError, match=r"not UTF-8: .* byte 13"):
        read_manifest(folder / "m.csv", default_profile="senior-backend")


# --- Paths


@pytest.mark.parametrize(
    "name",
    [
        "../a.wav",
        "/etc/hostname",
        "sub/../../a.wav",
        "http://x/a.wav",
        "a\\u0000.wav",
        "file:///etc/passwd",
        ".",
        "x" * 300,
    ],
)
def test_a_recording_stays_inside_the_folder(folder: Path, name: str):
    (folder.parent / "a.wav").write_bytes(b"outside")
    assert reason(folder, recordings=f'["{name}"]').startswith("m.toml, line 4: recordings: ")


def test_links_are_refused_wherever_they_stand(folder: Path):
    (folder / "link.wav").symlink_to(folder / "a.wav")
    (folder / "door").symlink_to(folder.parent)
    (folder.parent / "out.wav").write_bytes(b"x")
    assert "is a link" in reason(folder, recordings='["link.wav"]')
    assert "is a link" in reason(folder, recordings='["door/out.wav"]')
    (folder / "loop.wav").symlink_to(folder / "loop.wav")
    assert "is a link" in reason(folder, recordings='["loop.wav"]')


def test_what_is_not_a_file_is_refused(folder: Path):
    (folder / "d.wav").mkdir()
    os.mkfifo(folder / "p.wav")
    assert "is not a file" in reason(folder, recordings='["d.wav"]')
    assert "is not a file" in reason(folder, recordings='["p.wav"]')


def test_hashing_refuses_links_pipes_and_what_cannot_be_read(folder: Path):
    (folder / "link.wav").symlink_to(folder / "a.wav")
    os.mkfifo(folder / "p.wav")
    assert len(sha256_of(folder / "a.wav")) == 64
    for name in ("link.wav", "p.wav", "gone.wav"):
        with pytest.raises(ManifestError, match=name):
            sha256_of(folder / name)


# --- Files and folders without a manifest


def taken(path: Path, *, consent: bool = True, lengths: Callable[[Path], float | None] = lambda _: None) -> Intake:
    return take_in(path, default_profile="senior-backend", consent=consent, duration_of=lengths)


def ids(intake: Intake) -> dict[str, tuple[tuple[str, ...], str | None]]:
    return {i.interview_id: (i.recordings, i.transcript) for i in intake.interviews}


def test_a_file_is_an_interview_with_proposed_roles(folder: Path):
    (found,) = taken(folder / "b.wav").interviews
    assert (found.interview_id, found.recordings, found.roles_source) == ("b", ("b.wav",), "proposed")


def test_a_folder_is_a_collection_and_a_transcript_of_the_same_name_belongs_to_its_recording(folder: Path):
    assert ids(taken(folder)) == {"a": (("a.wav",), "a.vtt"), "b": (("b.wav",), None)}


def test_recordings_of_one_length_are_tracks_of_one_interview(folder: Path):
    found = taken(folder, lengths=lambda p: {"a.wav": 60.0, "b.wav": 61.5}[p.name])
    assert ids(found) == {folder.name: (("a.wav", "b.wav"), "a.vtt")}
    apart = taken(folder, lengths=lambda p: {"a.wav": 60.0, "b.wav": 63.0}[p.name])
    assert set(ids(apart)) == {"a", "b"}


def test_a_sub_folder_is_an_interview_and_names_it(tmp_path: Path):
    for name in ("mon/audio.m4a", "tue/audio.m4a", "tue/.DS_Store", "wed/notes.md", ".git/x.wav", "thu/._x.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert ids(taken(tmp_path)) == {"mon": (("mon/audio.m4a",), None), "tue": (("tue/audio.m4a",), None)}


def test_the_folder_one_stands_in_has_a_name(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder)
    assert set(ids(taken(Path(), lengths=lambda _: 60.0))) == {folder.name.strip("-._")}


def test_the_richest_format_of_one_transcript_is_read(tmp_path: Path):
    for name in ("x.json", "x.srt", "x.txt", "x.vtt"):
        (tmp_path / name).write_bytes(b"x")
    assert ids(taken(tmp_path)) == {"x": ((), "x.json")}


def test_a_manifest_in_a_folder_rules_it(folder: Path):
    manifest(folder, changed(interview_id='"from-manifest"'), "manifest.toml")
    assert set(ids(taken(folder))) == {"from-manifest"}


def test_without_consent_nothing_runs_and_no_file_is_opened(folder: Path):
    def opens(path: Path) -> float:
        raise AssertionError(path)

    found = taken(folder, consent=False, lengths=opens)
    assert not found.interviews
    assert {r.interview_id for r in found.refusals} == {"a", "b"}
    assert all("consent" in r.reason and "--consent" in r.retry for r in found.refusals)


@pytest.mark.parametrize("what", ["gone", "notes.pdf", "empty"])
def test_nothing_usable_is_an_error(tmp_path: Path, what: str):
    (tmp_path / "notes.pdf").write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ManifestError):
        taken(tmp_path / what)


HOSTILE = [
    "new\nline.wav",
    "\x1b[31mred\x1b[0m.wav",
    "\U0001f600.wav",
    "x" * 251 + ".wav",
    "-rf.wav",
    "a..b.wav",
    "....wav",
    "'; DROP TABLE interviews; --.wav",
    "\u202egpj.wav",
    "[red]bold[].wav",
    "A.WAV",
]


def test_hostile_file_names_become_plain_ids_that_differ(tmp_path: Path):
    for name in HOSTILE:
        (tmp_path / name).write_bytes(b"x")
    found = taken(tmp_path)
    assert len(found.interviews) == len([n for n in HOSTILE if not n.startswith(".")])
    names = [i.interview_id for i in found.interviews]
    assert len(set(names)) == len(names)
    assert all(ID.fullmatch(name) and ".." not in name for name in names)
    assert {i.recordings[0] for i in found.interviews} == {n for n in HOSTILE if not n.startswith(".")}


def test_a_name_that_is_not_utf_8_is_refused_and_the_others_run(tmp_path: Path):
    (tmp_path / os.fsdecode(b"\xff.wav")).write_bytes(b"x")
    (tmp_path / "ok.wav").write_bytes(b"x")
    found = taken(tmp_path)
    assert set(ids(found)) == {"ok"}
    assert "not a name in UTF-8" in found.refusals[0].reason
    found.model_dump_json()


def test_ids_stay_apart_when_names_differ_only_in_signs(tmp_path: Path):
    for name in ("a!.wav", "a-2.wav", "a.wav", "a?.wav"):
        (tmp_path / name).write_bytes(b"x")
    assert sorted(ids(taken(tmp_path))) == ["a", "a-2", "a-3", "a-4"]


@given(st.text(max_size=300))
def test_every_name_has_an_id(name: str):
    slug = _slug(name)
    assert ID.fullmatch(slug)
    assert ".." not in slug


# --- Several paths


def test_an_id_that_two_paths_use_for_different_entries_runs_for_neither(folder: Path):
    one = manifest(folder, changed() + changed(interview_id='"i-2"'))
    other = manifest(folder, changed(candidate_id='"c-9"') + changed(interview_id='"i-3"'), "n.toml")
    found = join([one, other, one])
    assert sorted(i.interview_id for i in found.interviews) == ["i-2", "i-3"]
    assert [r.interview_id for r in found.refusals] == ["i-1"]
    assert len(found.sources) == 3


def test_a_refused_id_does_not_run_through_another_path():
    refused = Intake(refusals=(Refusal(interview_id="i-1", reason="r", retry="t"),))
    assert join([refused]).refusals == refused.refusals
