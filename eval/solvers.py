"""What can be measured: the offline extractor, a model behind any endpoint, recorded answers, batch files, dull ones.

Every solver is an Extractor, so each one's pointing goes through the same verifier and the same metrics.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from eval.batch import AnswerFile, RequestFile
from eval.dataset import RUBRIC
from eval.dull import DULL, DullExtractor
from pipeline.errors import SettingsError
from pipeline.extract import ModelExtractor, read_example, render_examples
from pipeline.ports import LLM, Extractor
from pipeline.prompting import load_examples, load_rubric, load_template


class Options(NamedTuple):
    """What a solver may need: a workspace with settings and recorded answers, a template, a batch file."""

    workspace: Path | None = None
    template: str = "extract"
    batch: Path | None = None
    model: str = "batch"


def _offline(_options: Options) -> Extractor:
    from pipeline.adapters.offline import OfflineExtractor

    return OfflineExtractor()


def _dull(name: str, _options: Options) -> Extractor:
    return DullExtractor(name, DULL[name])


def _model(options: Options, *, replay: bool) -> Extractor:
    from pipeline.settings import load_settings
    from pipeline.wiring import make_extractor
    from pipeline.workspace import Workspace

    if options.workspace is None:
        raise SettingsError(
            "this solver needs a workspace.", next_step="add -w FOLDER, with [llm] in its verbatim.toml."
        )
    workspace = Workspace.open(options.workspace)
    flags: dict[str, dict[str, object]] = {
        "extract": {"extractor": "model", "template": options.template},
        "llm": {"replay": replay},
    }
    settings = load_settings(workspace.folder, flags)
    if settings.llm.model is None:
        raise SettingsError("no model is configured.", next_step=f"set llm.model in {workspace.folder}/verbatim.toml.")
    return make_extractor(settings, workspace)


def _batch(options: Options) -> Extractor:
    if options.batch is None:
        raise SettingsError(
            "the solver 'batch' needs a file.", next_step="add --answers FILE or --write-requests FILE."
        )
    return pointing_with(AnswerFile(options.batch, options.model), options.template)


def pointing_with(llm: LLM, template_name: str) -> ModelExtractor:
    """The production prompt around any LLM."""
    template = load_template(template_name)
    examples = [read_example(table) for table in load_examples(template.examples)] if template.examples else []
    return ModelExtractor(llm, template, render_examples(examples, load_rubric(RUBRIC), template.answer))


SOLVERS: dict[str, Callable[[Options], Extractor]] = {
    "offline": _offline,
    "model": lambda options: _model(options, replay=False),
    "replay": lambda options: _model(options, replay=True),
    "batch": _batch,
    **{name: partial(_dull, name) for name in DULL},
}


def make_solver(name: str, options: Options) -> Extractor:
    """The solver of that name. Raises SettingsError when there is none or it lacks something."""
    if name not in SOLVERS:
        raise SettingsError(f"there is no solver '{name}'.", next_step=f"choose one of: {', '.join(SOLVERS)}.")
    return SOLVERS[name](options)


def request_writer(options: Options) -> tuple[Extractor, RequestFile]:
    """An extractor that writes each request it would send, and gives no evidence."""
    llm = RequestFile(options.model)
    return pointing_with(llm, options.template), llm
