"""Settings: a flag beats the environment, which beats verbatim.toml, which beats the default. Secrets never from files.

An environment variable is `VERBATIM_<SECTION>__<KEY>`, for example `VERBATIM_LLM__BASE_URL`. `OPENAI_API_KEY` and
`OPENAI_BASE_URL` are honoured as everywhere, but a key alone never makes anything leave the machine: `llm.model` does.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from pipeline.errors import SettingsError


class Section(BaseModel):
    """One table of verbatim.toml; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Transcribe(Section):
    """How recordings become words."""

    model: str = Field("base", description="A folder with a faster-whisper model, or a name such as base or small.")
    mode: Literal["batched", "sequential"] = Field("batched", description="Batched is about twice as fast.")
    batch_size: int = Field(8, ge=1, le=64, description="Segments decoded together in batched mode.")
    beam_size: int = Field(5, ge=1, le=10, description="Width of the search for words.")
    language: str | None = Field(None, description="For example en; detected when absent.")
    glossary: tuple[str, ...] = Field((), description="Names and terms the recogniser should expect.")
    compute_type: str = Field("int8", description="Number format of the weights.")
    device: str = Field("cpu", description="cpu, cuda or auto.")
    cpu_threads: int = Field(0, ge=0, description="0 lets the recogniser choose.")
    allow_download: bool = Field(False, description="Let faster-whisper fetch a named model from its hub.")
    max_hours: float = Field(6.0, gt=0, description="Longer recordings are refused.")


class Extract(Section):
    """How lines are shown to an extractor."""

    extractor: Literal["auto", "offline", "model"] = Field(
        "auto", description="auto: the model when llm.model is set, else the offline extractor."
    )
    rubric: str = Field("senior-backend", description="The role profile of interviews that name none.")
    chunk_lines: int = Field(160, ge=20, description="Lines a request shows at most, margins included.")
    margin_turns: int = Field(2, ge=0, le=10, description="Whole turns that neighbouring chunks share.")
    template: str = Field("extract", description="The prompt template under prompts/.")
    prefilter: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Ask a model only where the offline extractor hears something this clear; 0: ask all.",
    )


class Llm(Section):
    """Any OpenAI-compatible endpoint. Nothing is sent anywhere until `model` is set."""

    model: str | None = Field(None, description="The model to ask; setting it turns model extraction on.")
    base_url: str | None = Field(None, description="The endpoint; absent: OPENAI_BASE_URL, else the hosted default.")
    allow_hosts: tuple[str, ...] = Field((), description="Hosts beyond this machine that may receive transcripts.")
    concurrency: int = Field(8, ge=1, le=256, description="Requests under way at once.")
    requests_per_minute: int = Field(0, ge=0, description="0: no limit of ours.")
    deadline_s: float = Field(300.0, gt=0, description="Total time for one request, its retries included.")
    max_tries: int = Field(5, ge=1, le=20, description="Tries of a request that a server or the network drops.")
    max_pause_s: float = Field(900.0, ge=0, description="Longest wait that a rate limit may ask of a request in all.")
    preflight: bool = Field(True, description="Probe an endpoint before the first transcript goes there.")
    replay: bool = Field(False, description="Answer from the workspace's llm/ folder only; ask nobody.")
    max_output_tokens: int = Field(2000, ge=50, description="Longer answers are cut and asked again in halves.")
    temperature: float | None = Field(0.0, description="None leaves it to the endpoint.")
    profile: str | None = Field(None, description="A provider profile under prompts/providers.toml.")
    answers_as: tuple[str, ...] = Field((), description="Other names under which the endpoint reports the model.")
    input_price: float = Field(0.0, ge=0, description="Price of a million prompt tokens; 0: the profile's.")
    output_price: float = Field(0.0, ge=0, description="Price of a million answer tokens; 0: the profile's.")
    max_total_tokens: int = Field(0, ge=0, description="Stop a run cleanly after so many tokens; 0: no cap.")
    max_cost: float = Field(0.0, ge=0, description="Stop a run cleanly after this cost; 0: no cap.")
    redact: Literal["auto", "on", "off"] = Field("auto", description="auto: on for hosts that are not local.")
    redact_names: tuple[str, ...] = Field((), description="Names to replace beside those of the manifest.")
    support_check: bool = Field(False, description="Second pass: does each quote alone show its signal?")
    against_pass: bool = Field(False, description="Second pass: look for evidence of the other polarity.")


class Settings(BaseSettings):
    """All sections. Build with `load_settings`."""

    model_config = SettingsConfigDict(
        env_prefix="VERBATIM_", env_nested_delimiter="__", frozen=True, extra="forbid", hide_input_in_errors=True
    )
    toml: ClassVar[dict[str, Any]] = {}

    transcribe: Transcribe = Transcribe()
    extract: Extract = Extract()
    llm: Llm = Llm()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, environment, file, in this order; no dotenv files and no secrets folder."""
        from pydantic_settings import InitSettingsSource

        return (init_settings, env_settings, InitSettingsSource(settings_cls, init_kwargs=cls.toml))


def load_settings(folder: Path, flags: dict[str, dict[str, Any]] | None = None) -> Settings:
    """Read `folder/verbatim.toml` (it may be missing), the environment and `flags` ({section: {key: value}}).

    Raises SettingsError that names the file, the line's key and the fault. A `[lint]` table belongs to the linter.
    """
    path = folder / "verbatim.toml"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}", next_step=f"mend {path} and run again.") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.", next_step="look at the file.") from None
    content.pop("lint", None)
    source = type("Settings", (Settings,), {"toml": content, "__doc__": Settings.__doc__})
    try:
        return source(**(flags or {}))  # type: ignore[no-any-return]
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise SettingsError(
            f"setting {key}: {first['msg']}",
            next_step=f"look at {path}, VERBATIM_* and the flags; see docs/settings.md.",
        ) from None
