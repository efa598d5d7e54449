"""Text from outside, fit for a screen: what could steer a terminal or a page becomes a visible mark, one for one."""

from __future__ import annotations

import re

# Control, bidi, zero-width, line-separator, annotation and tag characters, and halves of characters. Tabs and newlines
# stay: what shows one line replaces them as well.
STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def plain(text: object) -> str:
    """The text with every such character made visible; offsets stay."""
    return STEERING.sub("\ufffd", str(text))


def plain_line(text: object) -> str:
    """The same on one line."""
    return plain(text).replace("\n", " ").replace("\t", " ")


def plain_json(text: str) -> str:
    """JSON whose strings hold such characters as escapes, so that nothing is lost and nothing steers."""
    return STEERING.sub(lambda found: _escape(found[0]), text)


def _escape(letter: str) -> str:
    units = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
