"""An interview's files to what was said: decode, hear, import; each finished stream is kept and never heard twice."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from pipeline.adapters import media
from pipeline.adapters.files import shown
from pipeline.errors import MediaError, VerbatimError
from pipeline.hashing import content_hash
from pipeline.ingest import resolve, sha256_of
from pipeline.lines import weave
from pipeline.ports import Transcriber
from pipeline.quality import flags as doubts_of
from pipeline.records import Flag, Heard, Interview, Place, Record, Recording, Utterance
from pipeline.speakers import attribute
from pipeline.transcribe import Stream, main_language, plan_streams
from pipeline.workspace import Workspace, write_private

VERSION = 1
Progress = Callable[[str, float, float], None]  # stage, done, total


class Said(Record):
    """What was said in an interview, where each speaker is heard, and what is doubtful about it."""

    recordings: tuple[Recording, ...]
    utterances: tuple[Utterance, ...]
    places: dict[str, Place]
    source: str
    language: str | None
    duration_s: float
    flags: tuple[Flag, ...]


class Listener:
    """Holds the transcriber and the folder of what was heard before."""

    def __init__(
        self, workspace: Workspace, transcriber: Transcriber, *, language: str | None, max_hours: float
    ) -> None:
        self.workspace = workspace
        self.transcriber = transcriber
        self.language = language
        self.max_hours = max_hours

    def files(self, interview: Interview, known: Sequence[Recording]) -> list[Recording]:
        """The interview's files with their content hashes; a file whose size and time did not change is not read."""
        before = {(r.path, r.size, r.mtime_ns): r for r in known}
        return [self._file(interview, name, before) for name in _names(interview)]

    def _file(self, interview: Interview, name: str, before: dict[tuple[str, int, int], Recording]) -> Recording:
        path = resolve(Path(interview.folder), name)
        status = path.stat()
        same = before.get((name, status.st_size, status.st_mtime_ns))
        if same is not None:
            return same
        sha256 = sha256_of(path)
        return Recording(
            recording_id=f"r-{sha256[:16]}",
            interview_id=interview.interview_id,
            path=name,
            sha256=sha256,
            kind="audio" if name in interview.recordings else "transcript",
            size=status.st_size,
            mtime_ns=status.st_mtime_ns,
        )

    def listen(self, interview: Interview, files: Sequence[Recording], progress: Progress) -> Said:
        """Everything said in the interview. Raises MediaError, TranscriptError or ModelMissingError."""
        audio = [f for f in files if f.kind == "audio"]
        text = next((f for f in files if f.kind == "transcript"), None)
        imported = self._import(interview, text) if text else None
        if not audio:
            assert imported is not None
            return imported.model_copy(update={"recordings": tuple(files)})
        heard, streams, seen, flags = self._hear_all(interview, audio, progress)
        if imported and len(heard) == 1:
            heard = attribute(heard[0], imported.utterances)
            streams = [streams[0].model_copy(update={"speaker": h.speaker}) for h in heard]
            flags += imported.flags
        elif imported:
            flags.append(Flag(kind="transcript", detail="not used: each person is heard on a track or channel alone"))
        places = {s.speaker: Place(recording_id=s.recording_id, channel=s.channel) for s in streams}
        return Said(
            recordings=(*seen, *([text] if text else [])),
            utterances=tuple(weave(heard)),
            places=places,
            source=next((h.model for h in heard if h.model), "nothing heard"),
            language=main_language(heard),
            duration_s=max((r.duration_s or 0.0 for r in seen), default=0.0),
            flags=tuple(flags),
        )

    def _hear_all(
        self, interview: Interview, audio: Sequence[Recording], progress: Progress
    ) -> tuple[list[Heard], list[Stream], list[Recording], list[Flag]]:
        folder = Path(interview.folder)
        caps = media.Caps(max_duration_s=int(self.max_hours * 3600))
        once = {recording.recording_id: recording for recording in audio}  # the same bytes twice are one recording
        learnt: dict[str, dict[str, Any]] = {}
        layout: list[tuple[str, str, int, bool]] = []
        flags: list[Flag] = []
        heard: dict[tuple[str, int | None], Heard] = {}
        sounds = [_Sound(folder / recording.path, recording, self.workspace.asr, caps) for recording in once.values()]
        with ExitStack() as stack:
            for sound in sounds:
                stack.callback(sound.close)
            for number, sound in enumerate(sounds):
                progress("decode", number, len(once))
                facts = self._facts(sound)
                if sound.begun and number + 1 < len(sounds):
                    sounds[number + 1].begin()  # what follows a recording that is new is new as well
                recording = sound.recording
                learnt[recording.recording_id] = {k: facts[k] for k in ("duration_s", "channels")}
                flags += [Flag(kind="recording", detail=f"{recording.path}: {note}") for note in facts["flags"]]
                layout.append((recording.path, recording.recording_id, facts["channels"], facts["differ"]))
                for stream in _streams_of(interview, layout, len(once), recording.recording_id):
                    heard[(stream.recording_id, stream.channel)] = self._hear(stream, sound, progress)
                sound.close()
        if len(once) < len(audio):
            flags.append(
                Flag(kind="recording", detail=f"{len(audio) - len(once)} of {len(audio)} files repeat another")
            )
        streams = plan_streams(interview, layout)
        named = [heard[(s.recording_id, s.channel)].model_copy(update={"speaker": s.speaker}) for s in streams]
        seen = [recording.model_copy(update=learnt[recording.recording_id]) for recording in audio]
        return named, streams, seen, flags + self._doubts(named)

    def _facts(self, sound: _Sound) -> dict[str, Any]:
        """Length, channels and faults of a recording, kept beside what was heard so that it is decoded once."""

        def look() -> dict[str, Any]:
            sound.begin()
            with suppress(VerbatimError):  # hearing asks again, and tells of it
                self.transcriber.prepare()
            decoded = sound.decoded()
            return {
                "duration_s": decoded.duration_s,
                "channels": decoded.channels,
                "differ": media.channels_differ(decoded),
                "flags": list(decoded.flags),
            }

        return self._kept(f"{sound.recording.sha256[:16]}-{VERSION}-facts", look)

    def _hear(self, stream: Stream, sound: _Sound, progress: Progress) -> Heard:
        key = content_hash(sound.recording.sha256, stream.channel, self.transcriber.fingerprint(), VERSION)

        def listen() -> dict[str, Any]:
            decoded = sound.decoded()
            samples = decoded.mono() if stream.channel is None else decoded.channel(stream.channel)
            heard = self.transcriber.hear(
                samples, speaker="", on_progress=lambda done, total: progress("transcribe", done, total)
            )
            return heard.model_dump(mode="json")

        return Heard.model_validate(self._kept(key, listen))

    def _kept(self, key: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The kept answer for `key`, or a new one, on disk before it is used. A damaged file is made again."""
        path = self.workspace.asr / f"{key}.json"
        try:
            envelope = json.loads(path.read_bytes())
            if envelope["hash"] == content_hash(envelope["content"]):
                return dict(envelope["content"])
        except (OSError, ValueError, KeyError, TypeError):
            pass
        content = json.loads(json.dumps(make()))
        write_private(path, json.dumps({"hash": content_hash(content), "content": content}).encode())
        return dict(content)

    def _doubts(self, heard: Sequence[Heard]) -> list[Flag]:
        return [
            Flag(
                kind=f"heard_{doubt.kind}",
                detail=f"{stream.speaker} {doubt.start_s:.0f}-{doubt.end_s:.0f} s: {doubt.detail}",
            )
            for stream in heard
            for doubt in doubts_of(stream, self.language)
        ]

    def _import(self, interview: Interview, text: Recording) -> Said:
        from pipeline.adapters.subtitles import read_transcript

        imported = read_transcript(resolve(Path(interview.folder), text.path))
        said = tuple(imported.utterances())
        return Said(
            recordings=(text,),
            utterances=said,
            places={u.speaker: Place(recording_id=text.recording_id) for u in said},
            source=f"imported {imported.kind}",
            language=imported.language,
            duration_s=max((u.words[-1].end_s for u in said if u.words), default=0.0),
            flags=tuple(Flag(kind="transcript", detail=note) for note in imported.flags),
        )


class _Sound:
    """A recording that is decoded at most once, in a thread of its own: the next is ready when this one was heard."""

    def __init__(self, path: Path, recording: Recording, workdir: Path, caps: media.Caps) -> None:
        self.path, self.recording, self.workdir, self.caps = path, recording, workdir, caps
        self.begun: Future[media.Decoded] | None = None

    def begin(self) -> Future[media.Decoded]:
        """Start decoding, if that was not done before."""
        if self.begun is None:
            self.begun = Future()
            threading.Thread(target=self._work, args=(self.begun,), name="decode", daemon=True).start()
        return self.begun

    def decoded(self) -> media.Decoded:
        """The samples of the bytes that were hashed. Raises MediaError when they are others by now."""
        return self.begin().result()

    def _work(self, promise: Future[media.Decoded]) -> None:
        try:
            promise.set_result(self._decode())
        except BaseException as fault:
            promise.set_exception(fault)

    def _decode(self) -> media.Decoded:
        decoded = media.decode(self.path, workdir=self.workdir, caps=self.caps)
        status = self.path.stat()
        if (status.st_size, status.st_mtime_ns) != (self.recording.size, self.recording.mtime_ns):
            decoded.close()
            raise MediaError(
                f"{shown(self.path)} changed while it was read.",
                next_step="wait until it is complete, then run the same command again.",
            )
        return decoded

    def close(self) -> None:
        """Free the disk space, now or when the decoder ends."""
        if self.begun is not None:
            self.begun.add_done_callback(_close)


def _close(promise: Future[media.Decoded]) -> None:
    if promise.exception() is None:
        promise.result().close()


def _names(interview: Interview) -> list[str]:
    return [*dict.fromkeys(interview.recordings), *([interview.transcript] if interview.transcript else [])]


def _streams_of(
    interview: Interview, layout: Sequence[tuple[str, str, int, bool]], files: int, recording_id: str
) -> list[Stream]:
    """The streams of one recording; with several files each is one stream, whatever its channels."""
    if files > 1:
        return [Stream(recording_id=recording_id, channel=None, speaker="")]
    return plan_streams(interview, layout)
