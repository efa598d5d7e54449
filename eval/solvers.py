"""What can be measured: the offline extractor, a model behind any endpoint, recorded answers, batch files, dull ones.

Every solver is an Extractor, so each one's pointing goes through the same verifier and the same metrics.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from eval.batch import AnswerFile, RequestFile
from eval.dull import DULL, DullExtractor
from eval.variants import Variant, pointing_with
from pipeline.errors import SettingsError
from pipeline.ports import Extractor


class Options(NamedTuple):
    """What a solver may need: a workspace with settings and recorded answers, a way to ask, a batch file."""

    workspace: Path | None = None
    variant: Variant = Variant()
    batch: Path | None = None
    model: str = "batch"


def _offline(_options: Options) -> Extractor:
    from pipeline.adapters.offline import OfflineExtractor

    return OfflineExtractor()


def _dull(name: str, _options: Options) -> Extractor:
    return DullExtractor(name, DULL[name])


def _model(options: Options, *, replay: bool) -> Extractor:
    from pipeline.adapters.llm import open_llm
    from pipeline.settings import load_settings
    from pipeline.workspace import Workspace

    if options.workspace is None:
        raise SettingsError(
            "this solver needs a workspace.", next_step="add -w FOLDER, with [llm] in its verbatim.toml."
        )
    workspace = Workspace.open(options.workspace)
    settings = load_settings(workspace.folder, {"llm": {"replay": replay}})
    if settings.llm.model is None:
        raise SettingsError("no model is configured.", next_step=f"set llm.model in {workspace.folder}/verbatim.toml.")
    return pointing_with(open_llm(settings.llm, workspace), options.variant)


def _batch(options: Options) -> Extractor:
    if options.batch is None:
        raise SettingsError(
            "the solver 'batch' needs a file.", next_step="add --answers FILE or --write-requests FILE."
        )
    return pointing_with(AnswerFile(options.batch, options.model), options.variant)


MODELS = frozenset(["model", "replay", "batch"])  # solvers that the prompt shapes
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
    return pointing_with(llm, options.variant), llm
