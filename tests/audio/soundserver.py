"""A sound server without a sound card: PulseAudio with a sink that plays into nothing, and PortAudio listening to it.

Its recipe and its traps: the sink's monitor is a microphone at any rate; asked for another rate the server resamples
in silence; when it dies, PortAudio says nothing.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

MISSING = (
    "needs PulseAudio, its ALSA plugin and PortAudio: "
    "apt-get install pulseaudio pulseaudio-utils libasound2-plugins libportaudio2"
)
NAME = "usv250"


def is_installed() -> bool:
    """Whether all parts of the recipe are here."""
    try:
        import sounddevice  # noqa: F401
    except (ImportError, OSError):
        return False
    return bool(shutil.which("pulseaudio") and shutil.which("pactl") and shutil.which("paplay"))


@dataclass
class SoundServer:
    """Runs while the `with` block lasts, in a home of its own.

    Attributes
    ----------
    environment : for the processes that are to hear it
    """

    home: Path
    rate_hz: int = 250_000
    channels: int = 1

    def __post_init__(self) -> None:
        self.environment = os.environ | {"HOME": str(self.home), "XDG_RUNTIME_DIR": str(self.home / "run")}
        self._players: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> SoundServer:
        run = self.home / "run"
        run.mkdir(mode=0o700, parents=True)
        (self.home / "usv.pa").write_text(
            "load-module module-native-protocol-unix\n"
            f"load-module module-null-sink sink_name={NAME} rate={self.rate_hz} channels={self.channels} format=s16le\n"
        )
        (self.home / ".asoundrc").write_text(
            f'pcm.{NAME} {{ type pulse device "{NAME}.monitor" hint {{ show on description "usv" }} }}\n'
        )
        self._server = subprocess.Popen(
            ["pulseaudio", "-n", "-F", self.home / "usv.pa", "--daemonize=no", "--exit-idle-time=-1",
             "--use-pid-file=no"],
            env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for _ in range(500):  # until it answers
            asked = subprocess.run(["pactl", "info"], env=self.environment, capture_output=True, check=False)
            if asked.returncode == 0:
                return self
            time.sleep(0.02)
        self.__exit__()
        raise RuntimeError("the sound server does not answer")

    def __exit__(self, *_: object) -> None:
        for one in (*self._players, self._server):
            one.kill()
            one.wait()

    def play(self, file: Path) -> None:
        """Play a recording, at its own rate, to whoever listens."""
        self._players.append(
            subprocess.Popen(
                ["paplay", f"--device={NAME}", str(file)],
                env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
        )  # fmt: skip

    def die(self) -> None:
        """As a crash would."""
        self._server.send_signal(signal.SIGKILL)
        self._server.wait()
