"""What a model's look at notes came to, in counts: for each note, and summed for a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple


class Looked(NamedTuple):
    """A model's look at one note. `pages` were asked about, `answered` of them gave something that can be used.

    `planted_missed`: pages on which the model passed over the planted sentence. `dropped`: what it said and does not
    hold, by reason. `speaks_to_machine`: the note does, so nothing in it was turned down.
    """

    name: str
    pages: int = 0
    answered: int = 0
    from_disk: int = 0
    sentences: int = 0
    added: int = 0
    downgraded: int = 0
    planted_missed: int = 0
    speaks_to_machine: bool = False
    dropped: tuple[tuple[str, int], ...] = ()


def summed(looks: Iterable[Looked | None]) -> dict[str, Any]:
    """The summary of a run: state `off`, `used`, `partly` or `failed`, and the counts."""
    known = [look for look in looks if look is not None]
    if not known:
        return {"state": "off"}
    pages, answered = sum(look.pages for look in known), sum(look.answered for look in known)
    dropped: Counter[str] = sum((Counter(dict(look.dropped)) for look in known), Counter())
    counted = ("from_disk", "sentences", "added", "downgraded", "planted_missed", "speaks_to_machine")
    return {
        "state": "used" if answered == pages else "partly" if answered else "failed",
        "name": known[0].name,
        "pages": pages,
        "answered": answered,
        **{key: sum(int(getattr(look, key)) for look in known) for key in counted},
        "dropped": dict(sorted(dropped.items())),
    }


def notices(counts: dict[str, Any], why: str = "") -> list[str]:
    """What a person must be told about the model's part; nothing when all went well."""
    said = []
    if counts["state"] in ("partly", "failed"):
        said.append(
            f"the model gave no usable answer for {counts['pages'] - counts['answered']} of {counts['pages']} pages"
            f"{': ' if why else '.'}{why} The findings of the rules stand; what the model would have added is missing."
        )
    if counts["state"] != "off" and counts["planted_missed"]:
        said.append(
            f"the model passed over the planted sentence on {counts['planted_missed']} of {counts['pages']} pages: "
            "that it found nothing there means nothing, and it turned nothing down there."
        )
    if counts["state"] != "off" and counts["speaks_to_machine"]:
        said.append(
            f"notes that speak to a machine: {counts['speaks_to_machine']}; the model turned nothing down in them."
        )
    if counts["state"] != "off" and counts["dropped"]:
        reasons = ", ".join(f"{n} {reason.replace('_', ' ')}" for reason, n in counts["dropped"].items())
        said.append(f"dropped of what the model said: {reasons}.")
    return said
