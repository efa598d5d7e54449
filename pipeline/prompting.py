"""Load, check, render and hash what lies under prompts/: rubrics, templates and examples.

git keeps the history; the content's hash is the identity. A rubric is a TOML file; a template is Markdown under a TOML
header between `+++` lines, with the sections `# system` and `# user` and `$name` slots. Transcript text is put into
slots in one pass, so a `$` or a `+++` inside it is inert.
"""

from __future__ import annotations

import re
import tomllib
from functools import cached_property
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any, Literal

from pydantic import ValidationError

from pipeline.errors import RubricError
from pipeline.hashing import content_hash
from pipeline.records import Record
from pipeline.rubric import Rubric


class PromptTemplate(Record):
    """A prompt with `$name` slots, split into the messages of a chat."""

    name: str
    system: str
    user: str
    inputs: tuple[str, ...]
    examples: str | None = None
    answer: Literal["lines", "quotes"] = "lines"  # the form in which a model names what it found

    @cached_property
    def hash(self) -> str:
        """Over the text that is sent before slots are filled."""
        return content_hash(self.system, self.user)

    def render(self, **slots: str) -> list[dict[str, str]]:
        """Chat messages. Raises RubricError on a missing or an unknown slot."""
        if set(slots) != set(self.inputs):
            raise RubricError(f"template {self.name} takes {sorted(self.inputs)}, got {sorted(slots)}")
        return [
            {"role": "system", "content": Template(self.system).substitute(slots)},
            {"role": "user", "content": Template(self.user).substitute(slots)},
        ]


def prompts_folder(override: Path | None = None) -> Any:
    """Where prompts lie: the folder of `--prompts`, else the installed package."""
    return override if override is not None else resources.files("prompts")


def rubric_ids(folder: Path | None = None) -> list[str]:
    """The role profiles at hand, by listing the folder."""
    return sorted(f.name[:-5] for f in (prompts_folder(folder) / "rubrics").iterdir() if f.name.endswith(".toml"))


def load_rubric(rubric_id: str, folder: Path | None = None) -> Rubric:
    """The rubric of that id, with what it takes over from `extends` filled in.

    A pillar given in the file replaces the one of the same id; the others are taken over; new ones come last.
    """
    lineage: list[str] = []
    content = _rubric_table(rubric_id, folder, lineage)
    try:
        return Rubric.model_validate(_with_sayings(content, [_sayings(name, folder) for name in lineage]))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RubricError(f"rubric {rubric_id}: {where or 'ids'}: {first['msg']}") from None


def _rubric_table(rubric_id: str, folder: Path | None, lineage: list[str]) -> dict[str, Any]:
    known = rubric_ids(folder)
    if rubric_id not in known:
        raise RubricError(f"there is no rubric '{rubric_id}'.", next_step=f"choose one of: {', '.join(known)}.")
    if rubric_id in lineage:
        raise RubricError(f"rubric {rubric_id} extends itself through {' -> '.join(lineage)}.")
    lineage.append(rubric_id)
    path = prompts_folder(folder) / "rubrics" / f"{rubric_id}.toml"
    table = _toml(path)
    if table.get("id") != rubric_id:
        raise RubricError(f"{path}: id must be '{rubric_id}', like the file's name.")
    _check_shape(path, table)
    parent = table.pop("extends", None)
    if parent is None:
        return table
    own = {pillar["id"]: pillar for pillar in table.get("pillars", [])}
    taken = [own.pop(p["id"], p) for p in _rubric_table(parent, folder, lineage)["pillars"]]
    return {**table, "pillars": [*taken, *own.values()]}


def _sayings(rubric_id: str, folder: Path | None) -> dict[str, Any]:
    """The file `prompts/sayings/<id>.toml`: {signals, asks, nothing}; a rubric may do without."""
    path = prompts_folder(folder) / "sayings" / f"{rubric_id}.toml"
    return _toml(path) if path.is_file() else {}


def _toml(path: Any) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise RubricError(f"{path} is not valid TOML: {error}") from None
    except UnicodeDecodeError:
        raise RubricError(f"{path} is not UTF-8.") from None


def _check_shape(path: Any, table: dict[str, Any]) -> None:
    """What inheritance needs before the whole is validated: pillars with ids, and signals with ids."""
    pillars = table.get("pillars", [] if "extends" in table else None)
    if not isinstance(pillars, list) or not all(isinstance(pillar, dict) and "id" in pillar for pillar in pillars):
        raise RubricError(f"{path}: it needs [[pillars]], each with an id.")
    for pillar in pillars:
        signals = pillar.get("signals")
        if not isinstance(signals, list) or not all(isinstance(s, dict) and "id" in s for s in signals):
            raise RubricError(f"{path}: pillar {pillar['id']} needs [[pillars.signals]], each with an id.")


def _with_sayings(content: dict[str, Any], files: list[dict[str, Any]]) -> dict[str, Any]:
    """The rubric with sayings from `files`, its own first and its ancestors' after; the nearest one of a name holds."""
    says: dict[str, Any] = {}
    asks: dict[str, Any] = {}
    nothing: dict[str, Any] = {}
    for table in files:
        says = {**table.get("signals", {}), **says}
        asks = {**table.get("asks", {}), **asks}
        nothing = {**table.get("nothing", {}), **nothing}
    pillars = [
        {**pillar, "signals": [{"says": says.get(signal["id"], ()), **signal} for signal in pillar["signals"]]}
        for pillar in content["pillars"]
    ]
    return {
        **content,
        "pillars": pillars,
        "asks": [{"kind": kind, **ask} for kind, ask in sorted(asks.items())],
        "nothing": [said for kind in sorted(nothing) for said in nothing[kind]],
    }


def load_template(name: str, folder: Path | None = None) -> PromptTemplate:
    """The template `prompts/<name>.md`. Raises RubricError when header, sections or slots do not hold together."""
    path = prompts_folder(folder) / f"{name}.md"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        raise RubricError(f"there is no template '{name}' ({path}).") from None
    match = re.fullmatch(r"\+\+\+\n(.*?)\n\+\+\+\n\s*# system\n(.*?)\n# user\n(.*)", text, re.S)
    if not match:
        raise RubricError(f"{path}: a template is a header between +++ lines, then '# system', then '# user'.")
    try:
        header = tomllib.loads(match[1])
    except tomllib.TOMLDecodeError as error:
        raise RubricError(f"{path}: its header is not valid TOML: {error}") from None
    system, user = match[2].strip(), match[3].strip()
    inputs = tuple(header.get("inputs", ()))
    if not (Template(system).is_valid() and Template(user).is_valid()):
        raise RubricError(f"{path}: a '$' is not the start of a slot; write '$$' for a dollar sign.")
    used = {*Template(system).get_identifiers(), *Template(user).get_identifiers()}
    if used != set(inputs) or header.get("id") != name:
        raise RubricError(f"{path}: id or inputs do not match the text (slots used: {sorted(used)}).")
    form = header.get("answer", "lines")
    if form not in ("lines", "quotes"):
        raise RubricError(f"{path}: answer must be 'lines' or 'quotes'.")
    return PromptTemplate(
        name=name, system=system, user=user, inputs=inputs, examples=header.get("examples"), answer=form
    )


def load_examples(name: str, folder: Path | None = None) -> list[dict[str, Any]]:
    """The few-shot examples `prompts/examples/<name>.toml`, unproved; `extract` proves them before use."""
    path = prompts_folder(folder) / "examples" / f"{name}.toml"
    return list(tomllib.loads(path.read_text(encoding="utf-8"))["examples"])
