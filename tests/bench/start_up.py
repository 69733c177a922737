"""What it costs that the program starts, against a bare interpreter: `python tests/bench/start_up.py [--rounds 9]`.

CPU time of `behavior --help` and `behavior --version`, and of `python -c ""`; the least of interleaved rounds counts.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys

BEHAVIOR = [sys.executable, "-c", "from behavior.app.cli import main; main()"]
BARE = [sys.executable, "-c", ""]


def cpu_ms(command: list[str]) -> float:
    """CPU time of a process, ms."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1e3 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def main() -> None:
    """Measure, and print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rounds", type=int, default=9)
    rounds = asked.parse_args().rounds
    commands = {"help": [*BEHAVIOR, "--help"], "version": [*BEHAVIOR, "--version"], "bare": BARE}
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            times[name].append(cpu_ms(command))
    least = {name: min(values) for name, values in times.items()}
    print(
        f"behavior --help {least['help']:.0f} ms, --version {least['version']:.0f} ms, "
        f"python alone {least['bare']:.0f} ms: ratio {least['help'] / least['bare']:.1f}"
    )


if __name__ == "__main__":
    main()
