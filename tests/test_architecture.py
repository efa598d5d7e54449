"""The house rules: imports point down, an outside package has one importer, no schema has room for a judgement."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STAGES = (
    *("ingest", "transcribe", "speakers", "lines", "chunk", "extract", "verify", "coverage", "quality"),
    *("lint", "claims", "review", "debrief", "retro", "audit"),
)
LAYERS: dict[str, int] = {
    **dict.fromkeys(("errors", "hashing", "plain"), 0),
    "records": 1,
    **dict.fromkeys(("names", "redact", "rubric", "settings", "spans"), 2),
    **dict.fromkeys(("ports", "prompting", "talk", "injection"), 3),
    "answering": 4,
    **dict.fromkeys(STAGES, 5),
    **dict.fromkeys(("adapters", "workspace"), 5),
    **dict.fromkeys(
        ("listen", "worklist", "runner", "wiring", "pending", "doctor", "web", "show", "progress", "examples"), 6
    ),
    "verbs": 7,
}
EFFECTS = {"adapters", "workspace"}  # may use one another
EDGE = 6  # modules of the edge may use one another

# A package beside its only importers: nothing else in pipeline/ may import it.
OWNERS = {
    "duckdb": ("adapters/store",),
    "faster_whisper": ("adapters/whisper.py", "adapters/weights.py"),
    "openai": ("adapters/llm",),
    "av": ("adapters/media_child.py", "adapters/media.py"),
    "webvtt": ("adapters",),
    "langchain_text_splitters": ("chunk.py",),
    "fastapi": ("web",),
    "starlette": ("web",),
    "uvicorn": ("web", "verbs/review.py"),
    "xllamacpp": ("adapters",),
    "typer": ("verbs",),
}


def modules() -> list[Path]:
    return sorted(
        path for path in (ROOT / "pipeline").rglob("*.py") if path.name != "__init__.py" or path.stat().st_size
    )


def imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.append(node.module or "")
            found += [f"{node.module}.{alias.name}" for alias in node.names if node.module == "pipeline"]
    return found


def unit(path: Path) -> str:
    relative = path.relative_to(ROOT / "pipeline")
    return relative.parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_lower_layers_only(path: Path) -> None:
    own = unit(path)
    if own == "__init__":
        return
    for name in imports(path):
        if not name.startswith("pipeline."):
            continue
        other = name.split(".")[1]
        if other == own:
            continue
        assert other in LAYERS, f"pipeline/{other} has no layer"
        below = LAYERS[other] < LAYERS[own]
        beside = {own, other} <= EFFECTS or LAYERS[own] == LAYERS[other] == EDGE
        assert below or beside, f"{path.name} (layer {LAYERS[own]}) imports {other} (layer {LAYERS[other]})"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_each_outside_package_has_one_importer(path: Path) -> None:
    relative = str(path.relative_to(ROOT / "pipeline"))
    for name in imports(path):
        owners = OWNERS.get(name.split(".")[0])
        if owners is not None:
            assert relative.startswith(owners), f"{relative} imports {name}; only {', '.join(owners)} may"


def test_every_module_has_a_layer() -> None:
    assert {unit(path) for path in modules()} - {"__init__"} <= LAYERS.keys()


def test_no_file_outgrows_400_lines() -> None:
    long = [f"{path}: {n}" for path in modules() if (n := len(path.read_text(encoding="utf-8").splitlines())) > 400]
    assert long == []


def test_the_database_code_keeps_its_rules() -> None:
    """No index (rows can vanish from look-ups after a crash), no foreign key, no statement a row."""
    for path in [*modules(), *(ROOT / "pipeline").rglob("*.sql")]:
        text = path.read_text(encoding="utf-8").lower()
        for banned in ("create index", "create unique index", "executemany", "references "):
            if path.suffix == ".sql" or banned == "executemany":
                assert banned not in text, f"{path.name}: {banned}"


BANNED = ("level", "score", "rank", "rating", "recommend", "hire", "verdict", "sentiment", "grade", "summary", "quote")


def test_no_model_facing_schema_has_room_for_a_judgement_or_a_quote() -> None:
    from pipeline.extract import answer_schema
    from pipeline.prompting import load_rubric, rubric_ids

    for name in rubric_ids():
        for pillar in load_rubric(name).pillars:
            fields = set(_property_names(answer_schema(pillar)))
            assert fields == {"evidence", "probes"}
            text = json.dumps(sorted(fields))
            assert not any(word in text for word in BANNED)


def _property_names(schema: object) -> list[str]:
    if isinstance(schema, dict):
        own = list(schema.get("properties", {}))
        return own + [name for value in schema.values() for name in _property_names(value)]
    if isinstance(schema, list):
        return [name for value in schema for name in _property_names(value)]
    return []


def test_machine_written_tables_have_no_column_for_a_judgement() -> None:
    sql = "\n".join(
        p.read_text(encoding="utf-8") for p in sorted((ROOT / "pipeline/adapters/migrations").glob("*.sql"))
    )
    for table in ("evidence", "rejections", "probes", "coverage", "drafts", "lines", "flags", "llm_calls"):
        body = sql.split(f"CREATE TABLE {table} (")[1].split("\n);")[0].lower()
        columns = [
            line.split()[0].strip('"')
            for line in body.splitlines()
            if line.strip() and not line.strip().startswith("--")
        ]
        assert not any(word in column for column in columns for word in BANNED), table
