"""Progress on stderr: bars on a terminal, a line a step elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from pipeline.plain import plain_line

if TYPE_CHECKING:
    from rich.progress import TaskID

    from pipeline.runner import Watcher
    from pipeline.worklist import Ending

VERBS = {"decode": "decoding", "transcribe": "listening", "point": "pointing at evidence"}


@contextmanager
def watching() -> Iterator[Watcher]:
    """A watcher that draws while the block runs."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield _Lines(console)
        return
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.fields[name]}", style="bold", markup=False),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    ) as progress:
        yield _Bars(console, progress)


def _ending(ending: Ending) -> str:
    name = plain_line(ending.interview_id)
    if ending.state == "done":
        return f"{name}  done in {ending.seconds:.0f} s"
    if ending.state == "unchanged":
        why = f"; not looked at again: {plain_line(ending.reason)}" if ending.reason else " and unchanged"
        return f"{name}  nothing to do: finished{why}"
    reason, retry = plain_line(ending.reason or ""), plain_line(ending.retry or "")
    return f"{name}  failed ({ending.stage}): {reason}\n    again: {retry}"


class _Lines:
    def __init__(self, console: Console) -> None:
        self.console = console
        self.last: tuple[str, str] | None = None

    def stage(self, interview_id: str, stage: str, done: float, total: float) -> None:
        if self.last != (interview_id, stage):
            self.last = (interview_id, stage)
            self.console.print(f"{plain_line(interview_id)}  {VERBS.get(stage, stage)}", markup=False)

    def ended(self, ending: Ending) -> None:
        self.console.print(_ending(ending), markup=False, soft_wrap=True)


class _Bars:
    def __init__(self, console: Console, progress: Progress) -> None:
        self.console = console
        self.progress = progress
        self.tasks: dict[str, TaskID] = {}

    def stage(self, interview_id: str, stage: str, done: float, total: float) -> None:
        description = VERBS.get(stage, stage)
        task = self.tasks.get(interview_id)
        if task is None:
            task = self.progress.add_task(description, name=plain_line(interview_id), total=total)
            self.tasks[interview_id] = task
        self.progress.update(task, description=description, completed=done, total=total)

    def ended(self, ending: Ending) -> None:
        task = self.tasks.pop(ending.interview_id, None)
        if task is not None:
            self.progress.remove_task(task)
        self.console.print(_ending(ending), markup=False, soft_wrap=True)
