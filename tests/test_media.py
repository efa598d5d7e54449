from __future__ import annotations

import gc
import os
import random
import socket
import threading
import time
from pathlib import Path

import av
import numpy as np
import pytest
from sounds import RATE, tone, video, wav, write

from pipeline.adapters import media
from pipeline.adapters.media import Caps, channels_differ, decode, probe
from pipeline.errors import MediaError

STEREO = np.stack([tone(3, 440), tone(3, 1000, 0.1)], axis=1)
FORMATS = {
    "a.wav": ("pcm_s16le", RATE),
    "a.flac": ("flac", RATE),
    "a.mp3": ("libmp3lame", RATE),
    "a.m4a": ("aac", RATE),
    "a.mp4": ("aac", RATE),
    "a.aac": ("aac", RATE),
    "a.ogg": ("libopus", 48_000),
    "b.ogg": ("vorbis", 44_100),
    "a.webm": ("libopus", 48_000),
    "a.mkv": ("libopus", 48_000),
    "b.wav": ("pcm_s24le", 44_100),
    "c.wav": ("pcm_f32le", 8_000),
}


def loudness(sound: np.ndarray) -> float:
    return float(np.sqrt((sound[RATE // 2 : -RATE // 2] ** 2).mean()))


def pitch(sound: np.ndarray) -> float:
    part = sound[RATE : 2 * RATE]
    return float(np.abs(np.fft.rfft(part)).argmax())


def refusal(path: Path, tmp_path: Path, caps: Caps | None = None) -> str:
    with pytest.raises(MediaError) as caught:
        decode(path, workdir=tmp_path / "work", caps=caps).close()
    assert caught.value.next_step
    return str(caught.value)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_keeps_its_channels_apart(name: str, tmp_path: Path):
    codec, rate = FORMATS[name]
    path = write(tmp_path / name, STEREO, codec=codec, rate=rate, form="adts" if name == "a.aac" else None)
    with decode(path, workdir=tmp_path / "work") as sound:
        assert sound.channels == 2
        assert sound.duration_s == pytest.approx(3.0, abs=0.1)
        assert [flag for flag in sound.flags if "where it ends" not in flag] == []
        assert bool(sound.flags) == (name == "a.aac")
        left, right = sound.channel(0), sound.channel(1)
        assert (left.dtype, left.shape) == (np.float32, (sound.frames,))
        assert pitch(left) == pytest.approx(440, abs=10)
        assert pitch(right) == pytest.approx(1000, abs=10)
        assert loudness(left) == pytest.approx(0.3 / 2**0.5, rel=0.1)
        assert loudness(right) == pytest.approx(0.1 / 2**0.5, rel=0.1)
        np.testing.assert_allclose(sound.mono(), (left + right) / 2, atol=1e-4)


def test_lossless_samples_are_exact(tmp_path: Path):
    path = write(tmp_path / "a.flac", STEREO, codec="flac")
    with decode(path, workdir=tmp_path) as sound:
        np.testing.assert_array_equal(np.round(sound.channel(1) * 32768).astype(np.int16), STEREO[:, 1])


@pytest.mark.parametrize("count", [1, 3, 6, 8, 16])
def test_any_number_of_channels(count: int, tmp_path: Path):
    many = np.stack([tone(2, 200 + 100 * index) for index in range(count)], axis=1)
    with decode(wav(tmp_path / "m.wav", many, rate=44_100), workdir=tmp_path) as sound:
        assert sound.channels == count
        scale = 44_100 / RATE  # the header says 44.1 kHz, so the tones are higher and shorter
        assert sound.duration_s == pytest.approx(2 / scale, abs=0.01)
        part = sound.channel(count - 1)[: RATE // 2]
        assert np.abs(np.fft.rfft(part)).argmax() * 2 == pytest.approx((100 + 100 * count) * scale, abs=3)


def test_surround_flac_is_not_mixed(tmp_path: Path):
    many = np.stack([tone(2, 200 + 100 * index) for index in range(8)], axis=1)
    with decode(write(tmp_path / "m.flac", many, codec="flac"), workdir=tmp_path) as sound:
        np.testing.assert_array_equal(np.round(sound.channel(3) * 32768).astype(np.int16), many[:, 3])


def test_probe_says_what_the_header_says(tmp_path: Path):
    found = probe(write(tmp_path / "a.mp3", STEREO, codec="libmp3lame"))
    assert (found.channels, found.sample_rate, found.tracks) == (2, RATE, 1)
    assert found.duration_s == pytest.approx(3.0, abs=0.1)
    assert found.codec.startswith("mp3")


# --- Files that are not what they seem


def test_no_recordings(tmp_path: Path):
    (tmp_path / "empty.mp3").write_bytes(b"")
    (tmp_path / "text.wav").write_text("Interviewer: tell me about a time\n" * 50)
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "zeros.mp3").write_bytes(bytes(50_000))
    os.mkfifo(tmp_path / "pipe.wav")
    real = wav(tmp_path / "real.wav", STEREO)
    (tmp_path / "link.wav").symlink_to(real)
    assert "empty (0 bytes)" in refusal(tmp_path / "empty.mp3", tmp_path)
    assert "damaged, or no recording" in refusal(tmp_path / "text.wav", tmp_path)
    assert "not a file" in refusal(tmp_path / "folder.wav", tmp_path)
    assert "damaged" in refusal(tmp_path / "zeros.mp3", tmp_path)
    assert "not a file" in refusal(tmp_path / "pipe.wav", tmp_path)
    assert "is a link" in refusal(tmp_path / "link.wav", tmp_path)
    assert "does not exist" in refusal(tmp_path / "none.wav", tmp_path)
    assert "does not exist" in refusal(tmp_path / "nul\0.wav", tmp_path)


def test_video_with_and_without_sound(tmp_path: Path):
    assert "no sound track" in refusal(video(tmp_path / "mute.mp4"), tmp_path)
    with decode(video(tmp_path / "talk.mp4", sound=tone(2)), workdir=tmp_path) as sound:
        assert pitch(sound.mono()) == pytest.approx(440, abs=10)


def test_sound_that_ends_before_the_picture_is_not_truncated(tmp_path: Path):
    with decode(video(tmp_path / "talk.mp4", sound=tone(2), seconds=8), workdir=tmp_path) as sound:
        assert sound.duration_s == pytest.approx(2, abs=0.2)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.mp4", "a.webm", "c.wav", "a.ogg"])
def test_a_truncated_recording_says_how_much_is_readable(name: str, tmp_path: Path):
    codec, rate = FORMATS[name]
    path = write(tmp_path / name, np.tile(STEREO, (4, 1)), codec=codec, rate=rate)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    said = refusal(path, tmp_path)
    assert "truncated" in said
    if name != "a.mp4":  # its index was in the half that is missing
        assert ("breaks off" if name == "a.ogg" else "promises 12.0 s") in said
        readable = float(said.split(" s are readable")[0].split()[-1])
        assert 3 < readable < 9


def test_ends_that_no_header_promises(tmp_path: Path):
    ogg = write(tmp_path / "a.ogg", np.tile(STEREO, (2, 1)), codec="libopus", rate=48_000)
    webm = tmp_path / "a.webm"
    with av.open(str(ogg)) as source, av.open(str(webm), "w", options={"live": "1"}) as sink:
        stream = sink.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = stream
                sink.mux(packet)
    body = ogg.read_bytes()
    ogg.write_bytes(body[: body.rindex(b"OggS")])  # stopped between two pages: nobody can tell
    assert probe(webm).duration_s is None
    for path in (ogg, webm):
        with decode(path, workdir=tmp_path) as sound:
            assert 4.5 < sound.duration_s < 6.1
            assert [flag for flag in sound.flags if "where it ends" in flag]
    body = webm.read_bytes()
    webm.write_bytes(body[: len(body) // 2])
    assert "it breaks off" in refusal(webm, tmp_path)


def test_every_cut_of_a_file_is_an_error_or_the_whole(tmp_path: Path):
    path = write(tmp_path / "a.flac", np.tile(STEREO, (2, 1)), codec="flac")
    whole = path.read_bytes()
    for share in (0.0005, 0.1, 0.8):
        path.write_bytes(whole[: max(1, int(len(whole) * share))])
        assert refusal(path, tmp_path)


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        ({"size": 10_000_000}, "truncated"),
        ({"size": 0}, None),
        ({"size": 0xFFFFFFFF}, None),
        ({"rate": 1}, "sample rate of 1 Hz"),
        ({"rate": 0}, ""),
        ({"rate": 0xFFFFFFFF}, ""),
        ({"count": 0}, ""),
        ({"count": 200}, "200 channels"),
        ({"count": 60_000}, ""),
        ({"bits": 0}, ""),
        ({"fmt": 0x55}, ""),
        ({"fmt": 0x1234}, "codec that is not known"),
    ],
)
def test_lying_wav_headers(lie: dict[str, int], said: str | None, tmp_path: Path):
    path = wav(tmp_path / "lie.wav", STEREO, **lie)
    if said is None:  # what recorders write that could not know the size
        with decode(path, workdir=tmp_path) as sound:
            assert sound.duration_s == pytest.approx(3.0, abs=0.01)
    else:
        assert said in refusal(path, tmp_path)


def test_broken_frames_in_the_middle_leave_a_hole_of_the_same_length(tmp_path: Path):
    path = write(tmp_path / "a.flac", np.tile(STEREO, (4, 1)), codec="flac")
    body = bytearray(path.read_bytes())
    middle = len(body) // 2
    body[middle : middle + len(body) // 8] = bytes(len(body) // 8)
    path.write_bytes(body)
    with decode(path, workdir=tmp_path) as sound:
        assert sound.duration_s == pytest.approx(12.0, abs=0.2)
        assert sound.flags
        assert sound.broken_frames or sound.gaps
        silent = np.abs(sound.channel(0)).reshape(-1, RATE // 10).max(axis=1) < 1e-3
        assert 5 <= silent.sum() <= 40


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.m4a", "a.ogg", "a.webm"])
def test_damage_anywhere_is_an_error_or_a_decode(name: str, tmp_path: Path):
    """Bytes changed in the head, in the body, and a piece cut out: never a crash or a wild length."""
    codec, rate = FORMATS[name]
    path = write(tmp_path / name, STEREO, codec=codec, rate=rate)
    whole = path.read_bytes()
    chance = random.Random(name)
    for reach in (300, len(whole), 0):
        body = bytearray(whole)
        for _ in range(8 if reach else 0):
            body[chance.randrange(min(reach, len(body)))] = chance.randrange(256)
        if not reach:
            at = chance.randrange(len(body))
            del body[at : at + 2000]
        path.write_bytes(body)
        try:
            with decode(path, workdir=tmp_path) as sound:
                assert 0 < sound.duration_s < 6 * 3600
                assert np.isfinite(sound.mono()).all()
        except MediaError as fault:
            assert "crash" not in fault.what  # noqa: PT017


# --- Files that try to reach out


def reaching(folder: Path, port: int) -> dict[str, str]:
    """Play lists and their kin that name another file or an address, under innocent names."""
    secret = folder / "secret.wav"
    url = f"http://127.0.0.1:{port}/x.wav"
    listing = "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{}\n#EXT-X-ENDLIST\n"
    return {
        "ffconcat.mp3": f"ffconcat version 1.0\nfile '{secret}'\n",
        "relative.mp3": "ffconcat version 1.0\nfile secret.wav\n",
        "concat-url.mp3": f"ffconcat version 1.0\nfile '{url}'\n",
        "hls.mp3": listing.format(secret),
        "hls-url.m4a": listing.format(url),
        "dash.mp4": f"<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'><BaseURL>{url}</BaseURL></MPD>",
        "sdp.wav": f"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio {port} RTP/AVP 0\n",
        "m3u.ogg": f"{secret}\n{url}\n",
        "smil.flac": f"<smil><body><audio src='{url}'/></body></smil>",
        "image2.wav": f"concat:{secret}|{secret}",
    }


def test_play_lists_reach_neither_files_nor_network(tmp_path: Path):
    wav(tmp_path / "secret.wav", STEREO)
    calls = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        over = threading.Event()

        def listen() -> None:
            while not over.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                calls.append(1)
                connection.close()

        thread = threading.Thread(target=listen)
        thread.start()
        for name, text in reaching(tmp_path, server.getsockname()[1]).items():
            (tmp_path / name).write_text(text)
            assert "damaged, or no recording" in refusal(tmp_path / name, tmp_path), name
        over.set()
        thread.join()
    assert calls == []


@pytest.mark.parametrize(
    "name", ["http:", "concat:a|b.wav", "-i", "file:x.wav", "a;rm -rf b.wav", "ü \u202e\x1b[31m.wav"]
)
def test_names_are_only_names(name: str, tmp_path: Path):
    with decode(wav(tmp_path / name, STEREO), workdir=tmp_path) as sound:
        assert sound.channels == 2
    (tmp_path / name).write_text("no sound")
    said = refusal(tmp_path / name, tmp_path)
    assert "\x1b" not in said
    assert "\u202e" not in said


@pytest.mark.parametrize(
    "name", ["http://127.0.0.1:9/x.wav", "concat:a.wav|b.wav", "pipe:0", "data:audio/wav;base64,AA"]
)
def test_addresses_are_files_that_do_not_exist(name: str, tmp_path: Path):
    assert "does not exist" in refusal(Path(name), tmp_path)


def test_the_child_can_open_nothing(tmp_path: Path):
    """The jail itself: after it shuts, neither a file nor a socket can be had, and memory is bounded."""
    import subprocess
    import sys

    program = (
        "import sys, socket; sys.path.insert(0, sys.argv[1])\n"
        "import media_child; media_child.jail({'memory_bytes': 1 << 30, 'cpu_s': 5, 'output_bytes': 1000})\n"
        "def refused(act):\n"
        "    try: act()\n"
        "    except (OSError, MemoryError): return True\n"
        "acts = [lambda: open('/etc/passwd'), lambda: socket.socket(), lambda: bytearray(2 << 30)]\n"
        "sys.exit(0 if all(refused(act) for act in acts) else 1)\n"
    )
    child = [sys.executable, "-c", program, str(media.CHILD.parent)]
    assert subprocess.run(child, check=False, cwd=tmp_path, stdin=subprocess.DEVNULL, timeout=30).returncode == 0


# --- Bounds


def test_caps_on_duration_channels_bytes_and_time(tmp_path: Path):
    path = wav(tmp_path / "a.wav", STEREO)
    assert "longer than" in refusal(path, tmp_path, Caps(max_duration_s=2))
    assert "at most 1 are read" in refusal(path, tmp_path, Caps(max_channels=1))
    big = refusal(path, tmp_path, Caps(max_bytes=1000))
    assert "MB" in big
    assert "within 0" in refusal(path, tmp_path, Caps(wall_s=0))


def test_a_header_that_hides_its_length_is_stopped_on_the_way(tmp_path: Path):
    path = write(tmp_path / "a.aac", np.tile(STEREO, (4, 1)), codec="aac", form="adts")
    assert "longer than" in refusal(path, tmp_path, Caps(max_duration_s=2))


def test_an_hour_of_silence_in_a_small_file_is_refused_quickly(tmp_path: Path):
    path = tmp_path / "bomb.flac"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flac", rate=4000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), dtype=np.int16), format="s16", layout="mono")
        frame.sample_rate = 4000
        for number in range(3600 * 4000 // 4096):
            frame.pts = number * 4096
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert path.stat().st_size < 1_000_000
    started = time.monotonic()
    assert "longer than the 0.5 hours" in refusal(path, tmp_path, Caps(max_duration_s=1800))
    assert time.monotonic() - started < 10
    assert Caps().max_duration_s == 6 * 3600


def test_nothing_is_left_on_disk(tmp_path: Path):
    work = tmp_path / "work"
    with decode(wav(tmp_path / "a.wav", STEREO), workdir=work) as sound:
        assert list(work.iterdir()) == []  # unnamed from the start, so a kill leaves nothing either
        assert work.stat().st_mode & 0o077 == 0
        assert sound.channel(0).any()
    with pytest.raises(ValueError):
        sound.channel(0)
    gc.collect()


def test_a_clip_is_the_stretch_that_was_asked_for(tmp_path: Path):
    left = np.concatenate([tone(2, 300), tone(2, 600), tone(2, 900)])
    with decode(wav(tmp_path / "a.wav", np.stack([left, left // 50], axis=1)), workdir=tmp_path) as sound:
        (tmp_path / "clip.mp3").write_bytes(sound.clip(2.0, 4.0, channel=0))
        mixed = sound.clip(2.0, 4.0)
        assert sound.clip(5.5, 99.0)
        assert sound.clip(99.0, 100.0)
    assert len(mixed) < 12_000
    with decode(tmp_path / "clip.mp3", workdir=tmp_path) as cut:
        assert cut.channels == 1
        assert cut.duration_s == pytest.approx(2.0, abs=0.15)
        assert np.abs(np.fft.rfft(cut.mono()[4000:20000])).argmax() == pytest.approx(600, abs=3)


# --- One person a channel?


def speech(turns: list[tuple[float, float]], seconds: float, seed: int) -> np.ndarray:
    """Noise in syllables during the given turns, near silence else; int16."""
    generator = np.random.default_rng(seed)
    time_s = np.arange(int(seconds * RATE)) / RATE
    sound = generator.normal(0, 8, len(time_s))
    for start, end in turns:
        here = (time_s >= start) & (time_s < end)
        sound += here * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * time_s)) * generator.normal(0, 3000, len(time_s))
    return np.clip(sound, -32768, 32767).astype(np.int16)


ASKS = speech([(0, 4), (12, 15)], 20, 1)
ANSWERS = speech([(4.5, 12), (15, 19)], 20, 2)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (ASKS, ANSWERS, True),
        (ASKS + ANSWERS // 8, ANSWERS + ASKS // 8, True),  # each hears the other from a loudspeaker
        (ASKS, ANSWERS // 4, True),
        (ASKS + ANSWERS, ASKS + ANSWERS, False),
        (ASKS + ANSWERS, (ASKS + ANSWERS) // 4, False),  # one mix, panned
        (ASKS + ANSWERS // 2 * 3 // 2, ASKS * 3 // 4 + ANSWERS, False),  # two microphones in one room
        (ASKS + ANSWERS, np.zeros_like(ASKS), False),
        (np.zeros_like(ASKS), np.zeros_like(ASKS), False),
    ],
)
def test_channels_differ(left: np.ndarray, right: np.ndarray, expected: bool, tmp_path: Path):
    with decode(wav(tmp_path / "a.wav", np.stack([left, right], axis=1)), workdir=tmp_path) as sound:
        assert channels_differ(sound) is expected


def test_one_channel_does_not_differ(tmp_path: Path):
    with decode(wav(tmp_path / "a.wav", ASKS.reshape(-1, 1)), workdir=tmp_path) as sound:
        assert channels_differ(sound) is False


@pytest.mark.slow
def test_memory_stays_at_one_channel(tmp_path: Path):
    """In a process of its own: half an hour of stereo costs one channel (115 MB) and little more."""
    import subprocess
    import sys

    long = wav(tmp_path / "long.wav", np.zeros((RATE * 1800, 2), dtype=np.int16))
    program = (
        "import sys, resource; from pathlib import Path; import numpy\n"
        "from pipeline.adapters.media import decode\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "with decode(Path(sys.argv[1]), workdir=Path(sys.argv[2])) as sound:\n"
        "    assert sound.frames == 1800 * 16000\n"
        "    for index in range(2): assert sound.channel(index).nbytes == 1800 * 16000 * 4\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)\n"
    )
    child = [sys.executable, "-c", program, str(long), str(tmp_path)]
    done = subprocess.run(child, check=True, capture_output=True, text=True, timeout=120)
    assert int(done.stdout) < 150
    long.unlink()
