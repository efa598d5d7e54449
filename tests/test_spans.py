from __future__ import annotations

import json
import re
import time
import unicodedata

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from pipeline.spans import Index, Location, explain, index, locate, overlap, slice_text

TALK = """How did you find out?
So, um, I looked at the p99 latency first, you know, because we didn't trust the dashboards. Twenty-five percent
Mm-hmm.
of the requests were slower than 300 milliseconds. It's not the database, I said. We did not roll back.
And what did you change?
I moved the cache in front of Postgres, I I wrote the runbook, and then we couldn't reproduce it anymore. In my
first week I had fifteen alerts, and I was never asked to sign off without a review. Yeah.
Right.
We kept Kafka for the billing events and nothing else, because the team knew it. It was stable in the end.
"""


@pytest.fixture(scope="module")
def talk() -> Index:
    return index(TALK)


def said(found: Location, text: str = TALK) -> str:
    assert found.start is not None
    assert found.end is not None
    return text[found.start : found.end]


@pytest.mark.parametrize(
    ("quote", "state", "words"),
    [
        ("I moved the cache in front of Postgres", "exact", "I moved the cache in front of Postgres"),
        ("We did not roll back.", "exact", "We did not roll back."),
        ("  we did NOT roll   back!! ", "normalised", "We did not roll back"),
        ("“we didn’t trust the dashboards”", "normalised", "we didn't trust the dashboards"),
        ("we did not trust the dashboards", "normalised", "we didn't trust the dashboards"),
        ("we didnt trust the dashboards", "normalised", "we didn't trust the dashboards"),
        ("we didn t trust the dashboards", "normalised", "we didn't trust the dashboards"),
        ("we could not reproduce it anymore", "normalised", "we couldn't reproduce it anymore"),
        ("It is not the database, I said", "normalised", "It's not the database, I said"),
        ("It s not the data base I said", "normalised", "It's not the database, I said"),
        ("I had 15 alerts", "normalised", "I had fifteen alerts"),
        ("were slower than 300milliseconds", "normalised", "were slower than 300 milliseconds"),
        ("so I looked at the P99 latency first", "normalised", "So, um, I looked at the p99 latency first"),
        ("p99 latency first, because we didn't trust", "fuzzy", "p99 latency first, you know, because we didn't trust"),
        ("in front of Postgres, I wrote the runbook", "normalised", "in front of Postgres, I I wrote the runbook"),
        ("I moved the cache into front of Postgres", "fuzzy", "I moved the cache in front of Postgres"),
        ("Kafka for the payment events and nothing else", "fuzzy", "Kafka for the billing events and nothing else"),
        ("Kafka", "exact", "Kafka"),
    ],
)  # fmt: skip
def test_a_true_quote_is_located(talk: Index, quote: str, state: str, words: str) -> None:
    found = explain(talk, quote)
    assert (found.state, said(found)) == (state, words)
    assert locate(talk, quote) == (found.start, found.end, found.score)


@pytest.mark.parametrize(
    "quote",
    [
        "Twenty-five percent of the requests were slower than 300 milliseconds",
        "25 percent of the requests were slower than 300 milliseconds",
        "25% of the requests were slower than 300 milliseconds",
    ],
)
def test_a_listeners_line_and_the_spelling_of_a_number_do_not_matter(talk: Index, quote: str) -> None:
    words = said(explain(talk, quote))
    assert words.startswith("Twenty-five percent")
    assert words.endswith("300 milliseconds")
    assert locate(talk, quote) is not None


@pytest.mark.parametrize(
    ("quote", "state"),
    [
        ("because we did trust the dashboards", "rejected-negation"),
        ("because we trust the dashboards", "rejected-negation"),
        ("It's the database, I said", "rejected-negation"),
        ("We did roll back", "rejected-negation"),
        ("and then we could reproduce it anymore", "rejected-negation"),
        ("and then we can reproduce it anymore", "rejected-negation"),
        ("I was asked to sign off without a review", "rejected-negation"),
        ("I was always asked to sign off without a review", "rejected-negation"),
        ("I was never asked to sign off with a review", "rejected-negation"),
        ("I did not move the cache in front of Postgres", "rejected-negation"),
        ("I never moved the cache in front of Postgres", "rejected-negation"),
        ("We kept Kafka for the billing events and everything else", "rejected-negation"),
        ("It was unstable in the end", "rejected-negation"),
        ("and then we could", "rejected-negation"),
        ("In my first week I had fifty alerts", "rejected-number"),
        ("In my first week I had 50 alerts", "rejected-number"),
        ("were slower than 30ms", "rejected-number"),
        ("In my second week I had fifteen alerts", "rejected-number"),
        ("Thirty-five percent of the requests were slower than 300 milliseconds", "rejected-number"),
        ("20 percent of the requests were slower than 300 milliseconds", "rejected-number"),
        ("were slower than 3000 milliseconds", "rejected-number"),
        ("I looked at the p95 latency first", "rejected-number"),
        ("of the requests were faster than 300 milliseconds", "rejected-swap"),
        ("we moved the cache in front of Postgres", "rejected-swap"),
        ("they moved the cache in front of Postgres", "rejected-swap"),
        ("I looked at the p99 latency ... then we couldn't reproduce it", "rejected-joined"),
        ("I looked at the p99 latency […] then we couldn't reproduce it", "rejected-joined"),
        ("I looked at the p99 latency first in front of Postgres", "rejected-joined"),
        ("I prefer to talk to people before I write any code", "not-found"),
        ("The dashboards were not trusted, which is why latency came first", "not-found"),
        ("", "empty"),
        (" … ?! 🙂 ", "empty"),
    ],
)
def test_what_says_something_else_is_refused_with_the_reason(talk: Index, quote: str, state: str) -> None:
    assert explain(talk, quote).state == state, quote
    assert locate(talk, quote) is None


def test_a_joined_quote_tells_where_its_parts_stand(talk: Index) -> None:
    found = explain(talk, "I looked at the p99 latency ... then we couldn't reproduce it")
    assert [TALK[start:end] for start, end in found.parts] == [
        "I looked at the p99 latency",
        "then we couldn't reproduce it",
    ]


def test_a_negation_just_past_the_last_shared_word_is_seen() -> None:
    text = "So we kept the router as it was and I had never tested the parser."
    assert explain(text, "we kept the router as it was and I always").state == "rejected-negation"


def test_a_turned_quote_is_not_a_near_miss_of_another_sentence() -> None:
    text = "we did not use Kafka for the orders. And later we did use Redis for the orders, in the end."
    assert explain(text, "we did use Kafka for the orders").state == "rejected-negation"


@pytest.mark.parametrize("quote", ["So we tested it", "so we tested it.", "tested"])
def test_what_stands_twice_is_not_guessed_at(quote: str) -> None:
    text = "So we tested it. That was in May. So we tested it again, and then once more."
    assert explain(text, quote).state == "ambiguous"
    assert locate(text, quote) is None
    second = text.index("So we", 5)
    near = locate(text, quote, near=second)
    assert near is not None
    assert second <= near.start < second + 12
    first = locate(text, quote, near=0)
    assert first is not None
    assert first.start < 12


def test_a_long_quote_that_stands_twice_goes_to_its_literal_place() -> None:
    text = "And then we rolled it back, honestly. I think and then we rolled it, um, back again?"
    found = locate(text, "then we rolled it back")
    assert found is not None
    assert text[found.start : found.end] == "then we rolled it back"
    assert found.start < 10


def test_near_decides_between_equally_near_places_too() -> None:
    text = "we put the red box on the upper shelf today. " * 2
    quote = "we put the blue box on the upper shelf"
    assert explain(text, quote).state == "ambiguous"
    assert [locate(text, quote, near=at).start for at in (0, 60)] == [0, 45]  # type: ignore[union-attr]


def test_a_quote_may_span_two_turns() -> None:
    text = "Interviewer: And did it work out?\nCandidate: It did, after the second attempt.\n"
    whole = locate(text, "And did it work out?\nCandidate: It did, after the second attempt.")
    assert whole is not None
    assert text[whole.start : whole.end].endswith("attempt.")
    without_label = locate(text, "did it work out? It did, after the second attempt")
    assert without_label is not None
    assert text[without_label.start : without_label.end].startswith("did it")


@pytest.mark.parametrize(
    "lines",
    [
        "Candidate: I checked the logs and\nInterviewer: Mm-hmm.\nCandidate: then I called them.",
        "[Ana] [00:01] I checked the logs and\n[Ben] [00:09] Right, okay.\n[Ana] [00:11] then I called them.",
        "Ana Li  0:05\nI checked the logs and\n\nBen  0:07\nYeah.\n\nAna Li  0:08\nthen I called them.\n\nBen  0:09\n",
        "00:01 Ana: I checked the logs and\n00:02 Ben: Okay.\n00:03 Ana: then I called them.\n00:05 Ben: Great.",
        "WEBVTT\n\n00:01.000 --> 00:03.000\n<v Ana>I checked the logs and</v>\n\n"
        "00:03.000 --> 00:04.000\n<v Ben>Yeah, yeah.</v>\n\n00:04.000 --> 00:06.000\n<v Ana>then I called them.</v>",
        "Ana: Hello there, everybody.\nAna: I checked the logs and\nBen: Uh-huh.\nAna: then I called them.\nBen: Oh.",
        "I checked the logs and mm-hmm then I called them.",
    ],
)
def test_labels_and_cue_times_are_nobodys_words(lines: str) -> None:
    found = explain(lines, "I checked the logs and then I called them.")
    assert found.state == "normalised"
    assert said(found, lines).startswith("I checked")
    assert said(found, lines).endswith("called them.")


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("3:30 was when I got the page", "4:30 was when I got the page"),
        ("[laughs] we deployed it on the Friday", "[never] we deployed it on the Friday"),
        ("Note: we deployed it on the Friday", "Not: we deployed it on the Friday"),
    ],
)
def test_no_word_of_a_quote_hides_as_a_label(text: str, quote: str) -> None:
    assert locate(text, text) is not None
    assert explain(text, quote).state.startswith("rejected")


def test_a_listeners_question_is_not_left_out() -> None:
    text = "I checked the logs and\nWho asked you to do that at all?\nthen I called them the same evening."
    assert locate(text, "I checked the logs and then I called them the same evening.") is None


@pytest.mark.parametrize(
    ("text", "quote", "words"),
    [
        ("I said caf\u00e9 latte, really 🙂 often", "i said CAFE\u0301 LATTE", "I said caf\u00e9 latte"),
        ("I said cafe\u0301 latte often", "said caf\u00e9 latte", "said cafe\u0301 latte"),
        ("no\u00a0break\u202fspaces \u2003here", "no break spaces here", "no\u00a0break\u202fspaces \u2003here"),
        ("👩🏽‍💻 she de\u00adploys it 🚀🚀 daily", "she deploys it daily", "she de\u00adploys it 🚀🚀 daily"),
        ("a \u202eright\u202c to left", "a right to left", "a \u202eright\u202c to left"),
        ("so pl\U000e0041ain words hide tags", "plain words hide tags", "pl\U000e0041ain words hide tags"),
        ("wir haben die Straße gesperrt", "die STRASSE gesperrt", "die Straße gesperrt"),
        ("ﬁrst we ﬁxed the ﬂow", "first we fixed the flow", "ﬁrst we ﬁxed the ﬂow"),
        ("אמרתי שזה לא יעבוד בכלל", "שזה לא יעבוד", "שזה לא יעבוד"),
        ("قلت إنّ هذا لن ينجح أبدا", "إنّ هذا لن ينجح", "إنّ هذا لن ينجح"),
        ("那时候我们没有监控，所以很慢。", "我们没有监控所以", "我们没有监控，所以"),
        ("हमने पहले लॉग देखे", "पहले लॉग देखे", "पहले लॉग देखे"),
        ("it cost 1,200 euros for C++ and C# books", "1200 euros for c++ and c#", "1,200 euros for C++ and C#"),
        ("A\r\nB went\r\n\r\nhome early", "b went home early", "B went\r\n\r\nhome early"),
    ],
)  # fmt: skip
def test_offsets_are_of_the_original_text_in_every_script(text: str, quote: str, words: str) -> None:
    found = locate(text, quote)
    assert found is not None
    assert text[found.start : found.end] == words


@pytest.mark.parametrize(
    ("text", "quote", "state"),
    [
        ("we wrote the whole service in C++ back then", "we wrote the whole service in C# back then", "fuzzy"),
        ("der Cache war nie das Problem gewesen", "der Cache war immer das Problem gewesen", "rejected-negation"),
        ("on n'avait pas testé la migration avant", "on n'avait testé la migration avant", "rejected-negation"),
        ("那时候我们没有监控，所以很慢。", "那时候我们有监控所以很慢", "rejected-negation"),
    ],
)
def test_other_languages_have_their_commonest_negations(text: str, quote: str, state: str) -> None:
    assert explain(text, quote).state == state


# --- any text, any quote -------------------------------------------------------------------------------------------

_LETTERS = st.sampled_from("ab\u00e9\u05d0\u4e2d \n.,'’-…0 1\u200b\u0301\u00a0🙂:[]<>\u202e\U000e0041nt")
_TEXTS = st.one_of(st.text(_LETTERS, max_size=80), st.text(max_size=60))


@settings(max_examples=400, deadline=None, derandomize=True)
@given(_TEXTS, _TEXTS, st.one_of(st.none(), st.integers(-5, 200)))
@example("1" * 5000, "1" * 5000, None)
@example("didn't", "did", None)
@example("\ud800 a", "\ud800", 3)
@example("twenty and", "and and", None)
def test_it_never_raises_and_every_span_lies_in_the_text(text: str, quote: str, near: int | None) -> None:
    found = explain(text, quote, near)
    assert (found.start is None) == (found.end is None)
    assert found.located == (locate(text, quote, near) is not None)
    assert 0 <= found.score <= 1
    for start, end in ((found.start, found.end), *found.parts):
        if start is not None and end is not None:
            assert 0 <= start < end <= len(text)
            assert not text[start].isspace()
            assert not text[end - 1].isspace()


_WORDS = st.lists(
    st.sampled_from(
        "I we think don't not 15 fifty um like yeah kafka redis didn't was do café 你好 then. So, and\n "
        "mm-hmm\n the the the it's 🙂 twenty five".split(" ")
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(_WORDS, st.data())
def test_any_stretch_of_whole_words_is_found_where_it_stands(words: list[str], data: st.DataObject) -> None:
    text = " ".join(words)
    tokens = [match.span() for match in re.finditer(r"\S+", text)]
    if not tokens:
        return
    first = data.draw(st.integers(0, len(tokens) - 1))
    last = data.draw(st.integers(first, len(tokens) - 1))
    start, end = tokens[first][0], tokens[last][1]
    quote = text[start:end]
    found = explain(text, quote)
    if found.state == "empty":
        assert not any(unicodedata.category(char)[0] in "LN" for char in quote)
        return
    near = explain(text, quote, near=start)
    assert found.state in ("exact", "normalised", "ambiguous", "rejected-negation")
    if found.state == "rejected-negation":  # cut off before a `not` that ends the sentence
        assert re.match(r"\s+not", text[end:])
    else:
        assert near.located
        assert said(near, text).strip(" 🙂") == quote.strip(" 🙂")
        if found.located:
            assert found == near


def test_slices_and_overlaps() -> None:
    assert slice_text("abcdef", 1, 3) == "bc"
    assert slice_text("abc", 3, 3) == ""
    for start, end in ((-1, 2), (2, 1), (0, 4)):
        with pytest.raises(ValueError, match="does not lie inside"):
            slice_text("abc", start, end)
    assert [overlap((0, 5), other) for other in ((5, 9), (4, 9), (1, 2), (-3, 99))] == [0, 1, 1, 5]


# --- at scale --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["the", "um", "15", "not", "中"])
def test_one_word_said_a_hundred_thousand_times_stays_bounded(word: str) -> None:
    text = f"{word} " * 100_000
    start = time.perf_counter()
    ready = index(text)
    for quote in (
        word,
        f"{word} " * 50,
        f"{word} " * 50_000,
        text,
        text + word,
        f"{word} {word} cat {word} {word} {word}",
        f"{word} " * 400 + "cat " + f"{word} " * 400,
    ):
        explain(ready, quote)
        explain(ready, quote, near=123_456)
    assert explain(ready, text).state == "exact"
    assert explain(ready, f"{word} " * 50).state == "ambiguous"
    assert time.perf_counter() - start < 8


def test_a_quote_of_100_kilobytes_is_found_and_a_changed_one_refused_quickly() -> None:
    text = " ".join(f"word{n % 977} item{n}" for n in range(20_000))
    ready = index(text)
    quote = text[5_000:105_000]
    start = time.perf_counter()
    found = locate(ready, quote[quote.index(" ") : quote.rindex(" ")])
    assert found is not None
    assert abs(found.start - 5_000) < 20
    assert locate(ready, quote.replace("item900", "thing")) is None
    assert locate(ready, text + " more") is None
    assert locate("short", quote) is None
    assert time.perf_counter() - start < 2


WANTED = {  # share right that the locator promises on made-up talk of 100,000 words
    "exact": 0.99,
    "exact, 4-7 words": 0.99,
    "punctuation, case, white space": 0.99,
    "fillers left out": 0.99,
    "listener's mm-hmm left out": 0.99,
    "one word substituted": 0.97,
    "two words substituted": 0.97,
    "joined by an ellipsis": 1.0,
    "distant halves glued": 0.99,
    "paraphrase": 1.0,
    "invented": 1.0,
    "negation flipped": 1.0,
    "number flipped": 1.0,
}


@pytest.mark.slow
def test_the_promised_shares_hold_on_a_hundred_thousand_words() -> None:
    from eval.quotes import make
    from eval.talk import talk as made_talk

    spoken = made_talk(7, 100_000)
    start = time.process_time()
    ready = index(spoken.text)
    assert time.process_time() - start < 0.6  # 0.15 s on a quiet core
    took: list[float] = []
    for kind, share in WANTED.items():
        right = 0
        for quote in (quotes := make(kind, 100, 7, spoken)):
            start = time.process_time()
            found = locate(ready, quote.text)
            took.append(time.process_time() - start)
            if quote.span is None:
                right += found is None
            else:
                right += found is not None and all(
                    abs(ours - theirs) <= 8 for ours, theirs in zip(found[:2], quote.span, strict=True)
                )
        assert right / len(quotes) >= share, kind
    assert sorted(took)[len(took) // 2] < 0.002  # 0.5 ms on a quiet core


# --- the verb --------------------------------------------------------------------------------------------------------


def run(*arguments: str, stdin: bytes = b"") -> tuple[int, str]:
    import typer

    from pipeline.verbs.locate import locate as verb

    app = typer.Typer()
    app.command()(verb)
    result = CliRunner().invoke(app, list(arguments), input=stdin)
    return (2 if result.exception and not isinstance(result.exception, SystemExit) else result.exit_code), result.stdout


def test_the_verb_prints_place_score_and_state(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "talk.txt"
    path.write_bytes(TALK.encode())
    code, out = run(str(path), "we moved the cache in front of Postgres", "--json")
    assert code == 1
    assert json.loads(out)["state"] == "rejected-swap"
    code, out = run(str(path), "I moved the cache in front of Postgres", "--json")
    answer = json.loads(out)
    assert code == 0
    assert answer == {"start": TALK.index("I moved"), "end": answer["end"], "score": 1.0, "state": "exact"}
    assert TALK[answer["start"] : answer["end"]].endswith("Postgres")
    assert run("-", "stable in the end", stdin=TALK.encode()) == (0, "exact  570-587  score 1.00\nstable in the end\n")
    assert run(str(path), "nobody ever said this here at all", "--json")[0] == 1


def test_the_verb_refuses_what_it_cannot_read(tmp_path) -> None:  # type: ignore[no-untyped-def]
    broken = tmp_path / "latin.txt"
    broken.write_bytes(b"caf\xe9")
    assert run(str(broken), "x")[0] == 2
    assert run(str(tmp_path), "x")[0] == 2
    assert run(str(tmp_path / "none.txt"), "x")[0] == 2
    assert run(str(broken))[0] == 2
    assert run("-", "", stdin=b"words") == (1, "empty\n")
