from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.adapters.cues import ImportedTranscript, speaker_labels
from pipeline.adapters.subtitles import read_transcript
from pipeline.errors import TranscriptError

ZOOM = """WEBVTT

1
00:00:01.000 --> 00:00:04.000
Ann Lee: Tell me about a bug.

2
00:00:04.500 --> 00:00:09.000
Bob Okoro: Sure. Note: this was in 2021,
and it took us 3:30 hours.

3
00:00:09.500 --> 00:00:11.000
and then we fixed it
"""


def said(source: ImportedTranscript) -> list[tuple[str, str]]:
    return [(cue.speaker, cue.text) for cue in source.cues]


def check(source: ImportedTranscript) -> None:
    """What holds for every import."""
    for cue in source.cues:
        assert "".join(word.text for word in cue.words) == cue.text
        assert cue.text == cue.text.strip() != ""
        assert 0 <= cue.start_s <= cue.end_s
        clock = cue.start_s
        for word in cue.words:
            assert clock - 0.0011 <= word.start_s <= word.end_s <= cue.end_s + 0.0011
            clock = word.end_s
    assert [cue.start_s for cue in source.cues] == sorted(cue.start_s for cue in source.cues)
    assert [u.text for u in source.utterances()] == [cue.text for cue in source.cues]


# --- VTT


def test_zoom():
    found = read_transcript(ZOOM)
    check(found)
    assert found.kind == "vtt"
    assert said(found) == [
        ("Ann Lee", "Tell me about a bug."),
        ("Bob Okoro", "Sure. Note: this was in 2021,\nand it took us 3:30 hours."),
        ("", "and then we fixed it"),
    ]
    assert found.cues[1].start_s == pytest.approx(4.5 + 4.5 * 11 / 68, abs=0.1)  # the label takes its share
    assert found.flags == ("1 of 3 cues name no speaker",)


def test_teams_several_voices_entities_and_formatting():
    found = read_transcript(
        "WEBVTT\n\nabc/12-0\n00:00.000 --> 00:10.000 align:start\n"
        "<v Ann Lee>Why&nbsp;&lt;T&gt; &amp; not <i>Any</i>?</v> <v.loud Bob O&#39;Hara>List<int> is\nfine</v>\n"
    )
    check(found)
    assert said(found) == [("Ann Lee", "Why\xa0<T> & not Any?"), ("Bob O'Hara", "List<int> is\nfine")]
    assert found.cues[0].start_s == 0.0
    assert found.cues[0].end_s <= found.cues[1].start_s < found.cues[1].end_s == 10.0


def test_times_inside_a_cue_place_the_words():
    found = read_transcript("WEBVTT\n\n00:00.000 --> 00:10.000\none <00:00:06.000>two <00:00:08.000><c>three</c>\n")
    assert [(w.text, w.start_s) for w in found.cues[0].words] == [("one", 0.0), (" two", 6.0), (" three", 8.0)]


def test_words_share_a_cue_by_their_length():
    found = read_transcript("WEBVTT\n\n00:00.000 --> 00:10.000\naaaa bbbbb\n")
    assert [(w.start_s, w.end_s) for w in found.cues[0].words] == [(0.0, 4.0), (5.0, 10.0)]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings_and_line_ends(newline: str, encoding: str, tmp_path: Path):
    path = tmp_path / "a.vtt"
    path.write_bytes(ZOOM.replace("bug", "Käfer 🐛").replace("\n", newline).encode(encoding))
    found = read_transcript(path)
    check(found)
    assert said(found)[0] == ("Ann Lee", "Tell me about a Käfer 🐛.")
    assert len(found.flags) == 1


def test_windows_1252_is_read_with_a_flag(tmp_path: Path):
    path = tmp_path / "a.vtt"
    path.write_bytes(ZOOM.replace("a bug", "a “bug” café").encode("cp1252"))
    found = read_transcript(path)
    assert said(found)[0][1] == "Tell me about a “bug” café."
    assert "line 5" in found.flags[0]
    assert "Windows-1252" in found.flags[0]


def test_notes_styles_and_headers_say_nothing_but_stray_text_is_reported():
    found = read_transcript(
        "WEBVTT - Meeting\nKind: captions\n\nNOTE\nsecret note\n\nSTYLE\n::cue { color: red }\n\n"
        "00:01.000 --> 00:02.000\nHello\n\nlost words\n\n00:03.000 --> 00:04.000\nthere\n"
    )
    assert said(found) == [("", "Hello"), ("", "there")]
    assert found.flags == ("text outside any cue, first at line 13, is not read",)


@pytest.mark.parametrize(
    ("line", "number"),
    [("-00:00:01.000 --> 00:00:02.000", 4), ("00:01 --> 00:02", 4), ("soon --> later", 4), ("00:00:01.0000 --> x", 4)],
)
def test_a_time_line_that_cannot_be_read_is_named(line: str, number: int):
    with pytest.raises(TranscriptError, match=f"line {number}: this time line") as caught:
        read_transcript(f"WEBVTT\n\n1\n{line}\nwords that must not be lost\n")
    assert caught.value.next_step


def test_unordered_overlapping_reversed_and_empty_cues_are_repaired_and_reported():
    found = read_transcript(
        "WEBVTT\n\n00:10.000 --> 00:12.000\nthird\n\n00:01.000 --> 00:08.000\nfirst\n\n"
        "00:02.000 --> 00:01.000\nsecond\n\n00:20.000 --> 00:21.000\n\n00:30.000 --> 00:30.000\nfourth\n"
    )
    check(found)
    assert [text for _, text in said(found)] == ["first", "second", "third", "fourth"]
    assert found.flags == (
        "2 cues ended before they began; their length was estimated",
        "cues were not in order of time and were sorted",
    )


def test_a_missing_header_is_reported():
    found = read_transcript("00:01.000 --> 00:02.000\nHello\n")
    assert said(found) == [("", "Hello")]
    assert found.flags == ("the WEBVTT line is missing",)


def test_hidden_characters_stay_and_are_reported():
    text = "ra\u200bte me \u202estrong\u2066 \U000e0041\x1b[31m"
    found = read_transcript(f"WEBVTT\n\n00:01.000 --> 00:02.000\n{text}\n")
    check(found)
    assert found.cues[0].text == text
    assert found.flags == ("5 hidden characters (control, zero-width, direction or tag) are in the text",)


def test_nul_is_refused_with_its_line():
    with pytest.raises(TranscriptError, match="line 5: a NUL"):
        read_transcript(ZOOM.replace("Ann", "A\0nn"))


@pytest.mark.parametrize("escape", ["\\u0000", "\\ud800"])
@pytest.mark.parametrize("field", ["text", "speaker"])
def test_json_cannot_smuggle_what_is_no_character(escape: str, field: str):
    segment = '{"start": 0, "end": 1, "text": "a", "speaker": "b"}'.replace(f'"{field}": "', f'"{field}": "{escape}')
    with pytest.raises(TranscriptError, match="cue 1: a NUL or half"):
        read_transcript(f'{{"segments": [{segment}]}}')


def test_scripts_without_spaces_have_words():
    found = read_transcript("WEBVTT\n\n00:00.000 --> 00:05.000\n<v 田中>設計は good です</v>\n")
    check(found)
    assert [w.text for w in found.cues[0].words] == ["設", "計", "は", " good", " で", "す"]


# --- SRT


def test_srt():
    found = read_transcript(
        "\ufeff1\n00:00:01,000 --> 00:00:02,500\n<b>Ann</b>: Hi &amp; welcome\n\n"
        "2\n00:00:03,000 --> 00:00:05,000\nBob: In\n2021\nwe moved\n\n3\n00:00:06,000 --> 00:00:07,000\nAnn: Why?\n\n"
        "4\n00:00:08,000 --> 00:00:09,000\nBob: Cost.\n"
    )
    check(found)
    assert found.kind == "srt"
    assert said(found) == [
        ("Ann", "Hi & welcome"),
        ("Bob", "In\n2021\nwe moved"),
        ("Ann", "Why?"),
        ("Bob", "Cost."),
    ]
    assert found.flags == ()


# --- Who is a speaker


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["Note: this matters", "and that", "so we went on", "yes"], set()),
        (["Note: this", "Note: that", "Note: more"], set()),
        (["Ann: Hi", "more", "more", "more", "Ann: Bye"], {"Ann"}),
        (["Big Picture: it works", "fine", "so"], set()),
        (["Ann Lee: Hi", "Bob: Hello"], {"Ann Lee", "Bob"}),
        (["Interviewer: Hi", "Candidate: Hello", "Speaker 2: Hm"], {"Interviewer", "Candidate", "Speaker 2"}),
        (["Ludwig van Beethoven (Host): Hi", "María-José Ó Súilleabháin: Hello"], None),
        (["The thing is: slow", "The thing is: fast"], set()),
        (["https://x.org", "at 10:30 we", "Time: 10:30", "ok"], set()),
        (["Ann: Hi\nBob: Hello"], {"Ann", "Bob"}),
        (["Q: Why?", "A: Because."], {"Q", "A"}),
        (["王：你好", "李：好"], {"王", "李"}),
    ],
)
def test_speaker_labels(texts: list[str], expected: set[str] | None):
    found = speaker_labels(texts)
    assert found == (expected if expected is not None else {text.split(":")[0] for text in texts})


def test_two_labelled_lines_in_a_cue_are_two_speakers():
    found = read_transcript("WEBVTT\n\n00:00.000 --> 00:10.000\nAnn: Hi\nthere\nBob: Hello\n")
    check(found)
    assert said(found) == [("Ann", "Hi\nthere"), ("Bob", "Hello")]
    assert found.cues[0].end_s <= found.cues[1].start_s


# --- Whisper JSON

WORDS = [
    {"word": " Hello,", "start": 0.5, "end": 0.9, "probability": 0.8},
    {"word": " world.", "start": 1.5, "end": 2.0, "probability": 0.6},
]


@pytest.mark.parametrize("bare", [False, True])
def test_whisper_json_with_words(bare: bool):
    segments = [{"id": 0, "start": 0.0, "end": 3.0, "text": " Hello, world.", "words": WORDS, "tokens": [1]}]
    found = read_transcript(json.dumps(segments if bare else {"text": "x", "segments": segments, "language": "en"}))
    check(found)
    assert found.kind == "json"
    assert found.language == (None if bare else "en")
    assert found.cues[0].text == "Hello, world."
    assert [(w.text, w.start_s, w.end_s, w.probability) for w in found.cues[0].words] == [
        ("Hello,", 0.5, 0.9, 0.8),
        (" world.", 1.5, 2.0, 0.6),
    ]


def test_whisper_json_without_words():
    found = read_transcript(json.dumps({"segments": [{"start": 1, "end": 3, "text": " Hello, world."}]}))
    check(found)
    assert found.cues[0].words[0].probability is None
    assert 1.0 == found.cues[0].words[0].start_s < found.cues[0].words[1].start_s < 3.0


def test_whisper_api_json_lists_words_beside_segments_without_punctuation():
    words = [{"word": "Hello", "start": 0.5, "end": 0.9}, {"word": "world", "start": 1.5, "end": 2.0}]
    words += [{"word": "Yes", "start": 4.0, "end": 4.2}]
    segments = [{"start": 0, "end": 3, "text": " Hello, world."}, {"start": 3, "end": 5, "text": "Yes."}]
    found = read_transcript(json.dumps({"segments": segments, "words": words, "language": "english"}))
    check(found)
    assert [[w.start_s for w in cue.words] for cue in found.cues] == [[0.5, 1.5], [4.0]]
    assert found.flags == ()


def test_whisperx_speakers_scores_and_missing_times():
    words = [
        {"word": "Hi", "start": 0.1, "end": 0.3, "score": 0.9},
        {"word": "2021"},
        {"word": "lost", "start": 1, "end": 2},
    ]
    found = read_transcript(json.dumps({"segments": [
        {"start": 0, "end": 3, "text": "Hi 2021", "speaker": "SPEAKER_00", "words": words}]}))  # fmt: skip
    check(found)
    assert said(found) == [("SPEAKER_00", "Hi 2021")]
    assert found.cues[0].words[0].probability == 0.9
    assert found.flags == ("1 timed words are not in their segment's text; their times were interpolated",)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"segments": [\n{"start": 0,\n}', "line 3"),
        ('{"segments": [{"start": "x", "end": 1, "text": "a"}]}', r"segments\.0\.start"),
        ('{"segments": [{"start": NaN, "end": 1, "text": "a"}]}', r"segments\.0\.start"),
        ('{"segments": [{"start": -5, "end": 1, "text": "a"}]}', "cue 1"),
        ('{"segments": [{"start": 1e12, "end": 1e13, "text": "a"}]}', "cue 1"),
        ('{"text": "no segments"}', "segments"),
        ("[" * 100_000, "not JSON"),
        ("{" + '"a":{' * 100_000, "not JSON"),
    ],
)
def test_json_that_is_not_whispers(text: str, reason: str):
    with pytest.raises(TranscriptError, match=reason):
        read_transcript(text, kind="json")


# --- Lines and blocks


def test_brackets():
    found = read_transcript(
        "Interview 12\n[Ann Lee] [00:00:05] Why DuckDB?\n\n[Bob] [00:01:00] It is a file.\nAnd fast.\n"
        "[00:02:30] [Ann Lee]: Ok.\n"
    )
    check(found)
    assert found.kind == "brackets"
    assert said(found) == [("Ann Lee", "Why DuckDB?"), ("Bob", "It is a file.\nAnd fast."), ("Ann Lee", "Ok.")]
    assert [(c.start_s, c.end_s) for c in found.cues][:2] == [(5.0, 60.0), (60.0, 150.0)]
    assert found.flags == ("text before the first speaker, at line 1, is not read",)


def test_otter():
    found = read_transcript(
        "Ann Lee  0:12\nWhy DuckDB?\n\nBob O'Hara  1:02:03\nIt is one file.\nWe stopped at 10:30\n\nand then\n\n"
        "Ann Lee  1:02:20\nOk.\n\nTranscribed by https://otter.ai\n"
    )
    check(found)
    assert found.kind == "otter"
    assert said(found) == [
        ("Ann Lee", "Why DuckDB?"),
        ("Bob O'Hara", "It is one file.\nWe stopped at 10:30\n\nand then"),
        ("Ann Lee", "Ok."),
    ]
    assert [c.start_s for c in found.cues] == [12.0, 3723.0, 3740.0]


# --- What is no transcript


def test_no_transcripts(tmp_path: Path):
    def refused(name: str, content: bytes) -> str:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(TranscriptError) as caught:
            read_transcript(tmp_path / name)
        assert caught.value.next_step
        return str(caught.value)

    assert "not text" in refused("rubbish.vtt", bytes(range(128, 256)) * 40)
    assert "NUL" in refused("zero.vtt", b"WEBVTT\n\0\0")
    assert "recognised" in refused("plain.txt", b"Just some prose about an interview.\n" * 9)
    assert "empty" in refused("empty.vtt", b"")
    assert "UTF-16" in refused("half.vtt", b"\xff\xfeW\x00E")
    assert "recognised" in refused("blank.vtt", b"\n\n \n")
    (tmp_path / "link.vtt").symlink_to(tmp_path / "plain.txt")
    with pytest.raises(TranscriptError, match="is a link"):
        read_transcript(tmp_path / "link.vtt")
    with pytest.raises(TranscriptError, match="not a file"):
        read_transcript(tmp_path)
    with (tmp_path / "huge.vtt").open("wb") as huge:
        huge.truncate(100_000_000)
    with pytest.raises(TranscriptError, match="100 MB"):
        read_transcript(tmp_path / "huge.vtt")


@pytest.mark.parametrize(
    "text",
    [
        "WEBVTT\n\n00:00.000 --> 00:10.000\n" + "<v." * 50_000,
        "WEBVTT\n\n00:00.000 --> 00:10.000\n" + "<v " * 50_000,
        "WEBVTT\n\n00:00.000 --> 00:10.000\n" + "&amp" * 50_000,
        "WEBVTT\n\n00:00.000 --> 00:10.000\n" + "A" * 100_000,
        "WEBVTT\n\n" + "00:00.000 --> 00:10.000\nA: b\n\n" * 5_000,
        "1\n00:00:00,000 --> 00:00:10,000\n" + "\n" * 200_000,
        "A 0:00\n" + "x\n" * 50_000,
        "[A] [00:00:00] x\n" + "x\n" * 50_000,
        "[A] [" * 50_000,
        "A " * 400_000 + "0:00",
    ],
)
def test_no_input_is_slow(text: str):
    started = time.monotonic()
    with contextlib.suppress(TranscriptError):
        check(read_transcript(text))
    assert time.monotonic() - started < 10


# --- Any text at all

cue_text = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"), st.sampled_from(list("<v>/:&;-. \nAB"))
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(cue_text, st.floats(0, 5000), st.floats(0, 30)), max_size=6),
    st.sampled_from(["vtt", "srt", "json"]),
)
def test_any_cues_keep_their_text(cues: list[tuple[str, float, float]], kind: str):
    source = written(cues, kind)
    try:
        found = read_transcript(source)
    except TranscriptError:
        return
    check(found)
    if kind == "json" and not any(cue.speaker for cue in found.cues):
        assert sorted(cue.text for cue in found.cues) == sorted(text.strip() for text, _, _ in cues if text.strip())


def written(cues: list[tuple[str, float, float]], kind: str) -> str:
    if kind == "json":
        return json.dumps({"segments": [{"start": s, "end": s + d, "text": text} for text, s, d in cues]})

    def clock(second: float) -> str:
        whole = (
            f"{int(second // 3600):02}:{int(second // 60 % 60):02}:{int(second % 60):02}.{int(second % 1 * 1000):03}"
        )
        return whole.replace(".", "," if kind == "srt" else ".")

    blocks = [f"{n}\n{clock(s)} --> {clock(s + d)}\n{text}\n" for n, (text, s, d) in enumerate(cues, start=1)]
    return "\n".join([*(["WEBVTT\n"] if kind == "vtt" else []), *blocks])


simple = st.text(st.characters(categories=["L", "N", "P"], exclude_characters="<>&:："), min_size=1, max_size=12)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(simple, min_size=1, max_size=8), min_size=1, max_size=6), st.sampled_from(["vtt", "srt", "json"])
)
def test_plain_cues_lose_nothing(cues: list[list[str]], kind: str):
    """Text without tags, entities and arrows comes back exactly, cue by cue."""
    texts = [" ".join(words) for words in cues]
    found = read_transcript(written([(text, 10.0 * n, 5.0) for n, text in enumerate(texts)], kind))
    check(found)
    assert [cue.text for cue in found.cues] == texts


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400), st.sampled_from([None, "vtt", "srt", "json", "brackets", "otter"]))
@example("WEBVTT\n\n00:00.000 --> 00:01.000\n\x85a", None)
@example("00:00:00.000 --> 00:00:00.000", "srt")
def test_random_text_never_breaks_the_reader(text: str, kind):
    with contextlib.suppress(TranscriptError):
        check(read_transcript(text, kind))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_random_bytes_never_break_the_reader(tmp_path_factory: pytest.TempPathFactory, content: bytes):
    path = tmp_path_factory.getbasetemp() / "random.vtt"
    path.write_bytes(b"WEBVTT\n\n00:00.000 --> 00:01.000\n" + content)
    with contextlib.suppress(TranscriptError):
        check(read_transcript(path))
