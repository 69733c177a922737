"""The simulated twin of a shocker on a serial line: it reads what the dialect's table says, and answers as it should.

It knows a message by its table's text with anything in the place of values, takes the current out of it, and answers
with the reply's text. It cuts the current off to its steps, as real ones do.
"""

from __future__ import annotations

import re
from string import Formatter

from behavior.config.dialect import Command, Dialect
from behavior.model.events import ShockEnded, ShockStarted
from behavior.simulate.bad_line import BadLine
from behavior.simulate.twin import Faults, Happening

NEVER = 2**63 - 1
REPORT_US = 50_000
NUMBER = r"-?[0-9.]+"


class SimulatedLineShocker:
    """A shocker that speaks a dialect.

    Parameters
    ----------
    dialect : what it speaks
    set_ma : the current that was set by hand, where it cannot be set by command
    faults, seed : as of every twin
    """

    kind = "line_shocker"

    def __init__(
        self, dialect: Dialect, set_ma: float | None = None, *, faults: Faults | None = None, seed: int = 0
    ) -> None:
        self.dialect, self.faults = dialect, faults or Faults()
        self._line = BadLine(seed)
        self._waiting = b""
        self._outgoing: list[tuple[int, bytes]] = []
        self._happenings: list[Happening] = []
        self._set_ma = set_ma or 0.0
        self._duration_s = dialect.limits.fixed_s or 0.0
        self._n_pulses = 0
        self._on_since_us: int | None = None
        self._off_us = NEVER
        self._now_us = 0
        self._report_us = REPORT_US if dialect.report else NEVER
        self.heard: list[str] = []
        """What it understood, in order."""
        self.unknown: list[str] = []
        """What it did not."""

    @property
    def current_ma(self) -> float:
        """What flows while its gate is open."""
        grid = 0.0 if self.faults.grid == "open" else 1 + self.faults.delivered_percent / 100
        return self._set_ma * grid

    @property
    def gate_open(self) -> bool:
        """Whether a pulse of its own is on."""
        return self._on_since_us is not None

    @property
    def unplugged(self) -> bool:
        """Whether somebody pulled the plug."""
        return self.faults.unplugged

    @property
    def next_us(self) -> int:
        """When `advance` or `take_outgoing` has something to do."""
        return min(self._report_us, self._off_us, *(due_us for due_us, _ in self._outgoing), NEVER)

    def receive(self, data: bytes, now_us: int) -> None:
        """Take bytes from the host."""
        self.advance(now_us)
        if self.faults.unplugged:
            return
        self._waiting += self._line.spoiled(data, self.faults)
        end = self.dialect.frame.end.encode("ascii")
        while (stop := self._waiting.find(end)) >= 0:
            raw, self._waiting = self._waiting[:stop], self._waiting[stop + len(end) :]
            self._frame(raw)

    def advance(self, now_us: int) -> None:
        """Do what is due by now."""
        while min(self._off_us, self._report_us) <= now_us:
            self._now_us = min(self._off_us, self._report_us)
            if self._off_us <= self._report_us:
                self._end("completed")
            else:
                self._report_us += REPORT_US
                self._tell_current()
        self._now_us = max(self._now_us, now_us)

    def take_outgoing(self) -> bytes:
        """Give the bytes for the host."""
        data = b"".join(data for due_us, data in self._outgoing if due_us <= self._now_us)
        self._outgoing = [one for one in self._outgoing if one[0] > self._now_us]
        return self._line.spoiled(data, self.faults)

    def suffer(self, faults: Faults, now_us: int) -> None:
        """From now on this is wrong with it."""
        self.advance(now_us)
        self.faults = faults
        if faults.unplugged:
            self._outgoing.clear()

    def restart(self, now_us: int) -> None:
        """Switch it off and on again."""
        self.advance(now_us)
        self._end("restarted")
        self._waiting, self._set_ma = b"", 0.0 if self.dialect.set_current else self._set_ma

    def take_happenings(self) -> list[Happening]:
        """What an animal in the chamber perceived since the last call."""
        happened, self._happenings = self._happenings, []
        return happened

    # ---- what it understands

    def _frame(self, raw: bytes) -> None:
        frame = self.dialect.frame
        text = raw.decode("ascii", errors="replace")
        _, found, body = text.rpartition(frame.start) if frame.start else ("", "x", text)
        if not found:
            return
        if frame.checksum == "sum8_hex":
            body, mark, digits = body.rpartition(frame.mark)
            if not mark or digits != f"{sum(body.encode('ascii', errors='replace')) % 256:02X}":
                return
        self._understand(body.strip())

    def _understand(self, body: str) -> None:
        dialect = self.dialect
        keep_alive = dialect.keep_alive
        if keep_alive and body == keep_alive.send:
            self.heard.append(body)
            return
        named = {
            "set_current": dialect.set_current,
            "set_duration": dialect.set_duration,
            "pulse": dialect.pulse,
            "stop": dialect.stop,
            "identify": dialect.identify,
        }
        lines = [*((name, line) for name, line in named.items() if line), *(("off", line) for line in dialect.off)]
        lines += [("setup", line) for line in dialect.setup]
        for name, line in lines:
            values = _values(line.send, body)
            if values is not None:
                self.heard.append(body)
                if self._do(name, values, body):
                    self._answer(line, values)
                return
        self.unknown.append(body)

    def _do(self, name: str, values: dict[str, str], body: str) -> bool:
        match name:
            case "set_current" | "off" if values or name == "off":
                return self._set(values)
            case "set_duration":
                self._duration_s = float(values["s"]) if "s" in values else int(values.get("ms", 0)) / 1_000
            case "pulse":
                self._begin()
            case "stop":
                self._end("stopped")
        return True

    def _set(self, values: dict[str, str]) -> bool:
        limits = self.dialect.limits
        if not values:
            self._set_ma = 0.0 if self.dialect.set_current else self._set_ma
            self._end("stopped")
            return True
        ma = self._ma_of(values)
        if not 0 <= ma <= limits.max_ma:
            self._say(self.dialect.errors[0].replace("*", "no such current") if self.dialect.errors else "")
            return False
        self._set_ma = int(ma / limits.step_ma + 1e-6) * limits.step_ma
        return True

    def _ma_of(self, values: dict[str, str]) -> float:
        if "code" in values:
            return next((float(ma) for ma, code in self.dialect.codes.items() if code == values["code"]), -1.0)
        if "ua" in values:
            return int(values["ua"]) / 1_000
        if "steps" in values:
            return int(values["steps"]) * self.dialect.limits.step_ma
        return float(values.get("ma_mid", values.get("ma", "-1")))

    # ---- what it says

    def _answer(self, line: Command, values: dict[str, str]) -> None:
        if not line.reply:
            return
        reply = line.reply.replace("*", f"{self._set_ma:.2f}")
        self._say(re.sub(r"\{(\w+)[^}]*\}", lambda one: values.get(one[1], f"{self._set_ma:.2f}"), reply))

    def _say(self, body: str) -> None:
        if not body or self.faults.unplugged:
            return
        frame = self.dialect.frame
        check = f"{frame.mark}{sum(body.encode('ascii')) % 256:02X}" if frame.checksum == "sum8_hex" else ""
        message = f"{frame.start}{body}{check}{frame.end}".encode("ascii")
        self._outgoing.append((self._now_us + self.faults.late_us, message))

    def _tell_current(self) -> None:
        """What HSCK100A boxes tell: a pin for each bit of the current, then test and trigger pins and counters."""
        report = self.dialect.report
        if report is None:
            return
        on, off = report.bits_active, "10"[int(report.bits_active)]
        steps = round(self._set_ma / self.dialect.limits.step_ma)
        bits = "".join(f"{on if steps >> place & 1 else off}," for place in range(8))
        for body in (f"D:{bits}1,1,1,-1,-1,0,", f"{bits}", f"{self._set_ma:.3f}", f"{round(self._set_ma * 1000)}"):
            if re.fullmatch(report.pattern, body):
                self._say(body)
                return

    # ---- its own pulse

    def _begin(self) -> None:
        if self._on_since_us is None and self._duration_s > 0:
            self._n_pulses += 1
            number, at_us = self._n_pulses, self._now_us
            self._on_since_us, self._off_us = at_us, at_us + round(self._duration_s * 1e6)
            self._happenings.append((at_us, ShockStarted(at_us, number)))

    def _end(self, cause: str) -> None:
        if self._on_since_us is not None:
            us, at_us = self._now_us - self._on_since_us, self._now_us
            self._on_since_us, self._off_us = None, NEVER
            self._happenings.append((at_us, ShockEnded(at_us, self._n_pulses, us, self.current_ma, cause)))


def _values(text: str, body: str) -> dict[str, str] | None:
    """The values in a message, if its text is this one."""
    pattern = ""
    for literal, name, _, _ in Formatter().parse(text):
        pattern += re.escape(literal)
        if name is not None:
            pattern += f"(?P<{name}>{NUMBER if name != 'code' else '.+'})"
    found = re.fullmatch(pattern, body)
    return found.groupdict() if found else None
