"""From settings to an LLM: live, or recorded."""

from __future__ import annotations

import sys
from pathlib import Path

from pipeline.adapters.llm.address import Address, find_address, find_key
from pipeline.adapters.llm.dialect import Profile, choose_profile
from pipeline.adapters.llm.kept import KeptAnswers
from pipeline.adapters.llm.live import LiveLLM, Say
from pipeline.adapters.llm.recorded import RecordedLLM
from pipeline.errors import SettingsError
from pipeline.settings import Llm
from pipeline.workspace import Workspace


def open_llm(settings: Llm, workspace: Workspace, say: Say | None = None) -> LiveLLM | RecordedLLM:
    """The configured endpoint, with its answers kept in the workspace. Nothing is sent before the first `complete`.

    `say` is told the host before anything goes to one that is not this machine; by default it prints on stderr.
    Raises SettingsError or EndpointError for an endpoint that cannot or may not be used.
    """
    model, address, profile = resolve(settings)
    kept = KeptAnswers(workspace.llm)
    if settings.replay:
        return RecordedLLM(address, model, profile, kept, settings)
    key = find_key(address, profile.key_env)
    return LiveLLM(settings, model, address, profile, key, kept, say or _to_stderr)


def recorded_llm(folder: Path, settings: Llm) -> RecordedLLM:
    """The answers of any folder, for the endpoint and model of the settings; no key, no network."""
    model, address, profile = resolve(settings)
    return RecordedLLM(address, model, profile, KeptAnswers(folder), settings)


def resolve(settings: Llm) -> tuple[str, Address, Profile]:
    """Model, address and profile of the settings, checked together."""
    if not settings.model:
        raise SettingsError("no model is configured.", next_step='set [llm] model = "..." in verbatim.toml.')
    address = find_address(settings)
    profile = choose_profile(settings.profile, address.host, settings.model)
    priced = settings.input_price or settings.output_price or profile.input_price or profile.output_price
    if settings.max_cost and not priced:
        raise SettingsError(
            "llm.max_cost needs prices, and none are known for this endpoint.",
            next_step="set llm.input_price and llm.output_price (for a million tokens), or use llm.max_total_tokens.",
        )
    return settings.model, address, profile


def _to_stderr(text: str) -> None:
    print(text, file=sys.stderr)
