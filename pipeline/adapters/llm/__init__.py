"""A model behind any OpenAI-compatible endpoint. `open_llm(settings.llm, workspace)` is the way in.

`address` decides where requests may go, `dialect` how this endpoint wants them, `budget` how many and how fast, `post`
sends one and names what comes back, `kept` puts it on disk, `envelope` reads it, `live` holds these together.
`recorded` replays a folder, `batch` writes and reads batch files, `probe` looks an endpoint over, `local` starts one.
"""

from pipeline.adapters.llm.opening import open_llm, recorded_llm

__all__ = ["open_llm", "recorded_llm"]
