"""Lines to chunks: whole turns, with a margin of whole turns that neighbours share.

Only a turn that alone exceeds a chunk is cut, by langchain-text-splitters at line ends. Its overlap stays 0 and its
offsets are added up and checked, because the splitter's own start indexes are wrong once lengths are not characters.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from pipeline.records import Chunk, Line

VERSION = 1
Block = tuple[int, int]  # first and last line, inclusive


def cut_chunks(lines: Sequence[Line], *, chunk_lines: int = 160, margin_turns: int = 2) -> list[Chunk]:
    """Chunks of at most `chunk_lines` lines that cover every line; each margin takes at most an eighth of that.

    What fits into one chunk is one chunk, and none lies wholly inside its neighbour: each costs a request a pillar.
    """
    if 0 < len(lines) <= chunk_lines:
        return [Chunk(chunk=1, first_line=1, last_line=len(lines))]
    margin = chunk_lines // 8
    core = chunk_lines - 2 * margin
    blocks = [block for turn in _turns(lines) for block in _fit(lines, turn, core)]
    spans: list[Block] = []
    for first, last in _pack(blocks, core):
        start = blocks[_reach(blocks, first, margin_turns, margin, back=True)][0]
        end = blocks[_reach(blocks, last, margin_turns, margin, back=False)][1]
        if spans and start <= spans[-1][0]:
            spans.pop()
        if not spans or end > spans[-1][1]:
            spans.append((start, end))
    return [Chunk(chunk=n, first_line=first, last_line=last) for n, (first, last) in enumerate(spans, start=1)]


def _turns(lines: Sequence[Line]) -> list[Block]:
    groups = (list(group) for _, group in groupby(lines, key=lambda line: line.turn))
    return [(group[0].line, group[-1].line) for group in groups]


def _fit(lines: Sequence[Line], turn: Block, limit: int) -> list[Block]:
    first, last = turn
    if last - first + 1 <= limit:
        return [turn]
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    texts = [line.text.replace("\n", " ") + "\n" for line in lines[first - 1 : last]]
    splitter = RecursiveCharacterTextSplitter(
        separators=["\n"],
        chunk_size=limit,
        chunk_overlap=0,
        length_function=lambda text: text.count("\n"),
        keep_separator="end",
        strip_whitespace=False,
    )
    pieces = splitter.split_text("".join(texts))
    if "".join(pieces) != "".join(texts) or not all(piece.endswith("\n") for piece in pieces):
        raise AssertionError("the splitter lost text")
    blocks = []
    for piece in pieces:
        blocks.append((first, first + piece.count("\n") - 1))
        first = blocks[-1][1] + 1
    return blocks


def _pack(blocks: Sequence[Block], limit: int) -> list[Block]:
    """Index ranges of blocks, each at most `limit` lines."""
    packed: list[Block] = []
    start = size = 0
    for i, (first, last) in enumerate(blocks):
        length = last - first + 1
        if size and size + length > limit:
            packed.append((start, i - 1))
            start, size = i, 0
        size += length
    return [*packed, (start, len(blocks) - 1)] if blocks else []


def _reach(blocks: Sequence[Block], at: int, turns: int, limit: int, *, back: bool) -> int:
    """How far the margin goes from block `at`: at most `turns` whole blocks and `limit` lines."""
    step = -1 if back else 1
    used = 0
    for _ in range(turns):
        there = at + step
        if not 0 <= there < len(blocks):
            break
        used += blocks[there][1] - blocks[there][0] + 1
        if used > limit:
            break
        at = there
    return at
