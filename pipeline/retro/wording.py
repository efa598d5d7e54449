"""The sentences of the validity results, by what the gate allows. Each prints its n and its interval."""

from __future__ import annotations

from typing import Any

from pipeline.retro.gates import COMPATIBLE, EVIDENCE, LEANS, PREDICTS, SUGGESTS, TOO_FEW
from pipeline.retro.pages import count, equals, number, share, span, span_share, title

# What a clear interval may be called, for a result above and below one half.
_CLEAR = {
    LEANS: ("The result leans towards interviews that tell who does well", "The result leans the wrong way"),
    SUGGESTS: (
        "This suggests that the panel score tells who does well",
        "This suggests that the score runs the wrong way",
    ),
    EVIDENCE: (
        "There is evidence that a higher panel score goes with a better rating",
        "There is evidence that a higher panel score goes with a worse rating",
    ),
    PREDICTS: (
        "Among hires the panel score predicts the rating",
        "Among hires the panel score predicts the rating, inversely",
    ),
}


def headline(whole: dict[str, Any]) -> list[str]:
    """The overall result: people, pairs, interval, and the strongest words that hold."""
    n = whole["n"]
    people = f"{count(n, 'hire')} with an outcome".capitalize()
    if whole["words"] == TOO_FEW or whole["c"] is None or whole["ci"] is None:
        why = "too few to compute" if n < 8 else "too few of them can be compared"
        return (
            [f"{people}: {why}. Each of them is a dot below; a figure from them would mean nothing."]
            if n
            else ["No hires with an outcome that may be used: nothing can be compared yet."]
        )
    said = [f"{people}. {pairs_sentence(whole)}"]
    if n < 12:
        said.append(
            f"Rank correlation (the steadier figure under twelve hires): {number(whole['spearman'])}, "
            f"95 % interval {span(whole['spearman_ci'])}."
        )
    said += verdict(whole)
    if whole["flips"]:
        other = whole["left_unknown_as_struggling"]
        said.append(
            "The conclusion changes when people who left for an unknown reason are read as struggling "
            f"({share(other['c'])}, {span_share(other['ci'])}): "
            "find out why they left before using it."
        )
    return said


def pairs_sentence(found: dict[str, Any]) -> str:
    """In 36 of 55 comparable pairs ..."""
    return (
        f"In {found['concordant']} of {found['pairs']} comparable pairs the one with the higher panel score did better "
        f"({share(found['c'])}; 95 % interval {span_share(found['ci'])}; 50 % = coin)."
    )


def verdict(whole: dict[str, Any]) -> list[str]:
    """What the interval allows to be said."""
    n, (low, high) = whole["n"], whole["ci"]
    if whole["words"] != COMPATIBLE:
        above, below = _CLEAR[whole["words"]]
        return [f"{above if whole['c'] > 0.5 else below} (the interval excludes 50 %)."]
    if low <= 0.5 <= high:
        said = ["This is compatible with interviews that predict well, poorly, or not at all."]
        if n < 50:
            said.append(f"Even excellent interviews would usually look like this at {n} hires.")
        return said
    side = "above" if low > 0.5 else "below"
    return [
        f"The interval lies {side} one half, but not on every reading that this many hires must pass: "
        "compatible with useful interviews, and with chance."
    ]


def expected_line(selection: dict[str, Any], n: int) -> str:
    """What the best published interviews would show here, and how many hires it takes to see it."""
    expected = selection["expected"]
    if expected is None:
        return "How hard people were selected is not known (no scores of people who were not hired, or no spread)."
    hired = f"you hired the top {share(selection['hired_share'])}" if selection["hired_share"] else "they were selected"
    return (
        f"If your interviews were as good as the best published, we would expect a correlation of about "
        f"{number(expected['r'])} among people you hired ({hired}, and ratings are noisy). Telling that from zero "
        f"takes about {expected['hires_needed']} hires; you have {n}."
    )


def family_line(rows: list[dict[str, Any]], name: str) -> str:
    """What can be said of four pillars or of the formats, as a family."""
    clear = [row for row in rows if row["words"] not in (COMPATIBLE, TOO_FEW)]
    shown = [row for row in rows if row["c"] is not None]
    if not shown:
        return f"Too few hires to compute anything by {name}; the counts stand in the table."
    if not clear:
        return f"No order can be read from these {count(len(shown), 'interval')}."
    named = ", ".join(
        f"{title(row[name])} ({share(row['c'])}, {span_share(row['ci'])}, q {equals(row['q'])})" for row in clear
    )
    return (
        f"With an interval that excludes 50 % and q under .05 in its family: {named}. "
        "The others are not shown to be worse: a difference must be tested as a difference."
    )
