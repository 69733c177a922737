"""Valid examples made into what a broken disk, another program or somebody malicious might give.

Every mutation is of the bytes alone, or of what they say: numbers replaced by extremes, cells moved, values of a JSON
or TOML tree exchanged, members of an archive changed inside it, and the checksums that a journal or a log carries made
anew, so that what is behind them is reached. All of it comes from one `Random`.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tomllib
import zipfile
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any
from zlib import crc32

MOST_BYTES = 1 << 16
"""Of what is made, or twice the example: cut shorter than that it would be refused for its length alone."""
NUMBERS = (
    "0", "-0", "-1", "1e308", "-1e308", "1e-320", "1e999", "inf", "-inf", "nan", "NaN", "Infinity",
    "9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551616", "4294967296",
    "1" * 400, "9" * 5000, "0x10", "1_000", "1,5", "٣", "1e", "+1", "", "1000000000000",
)  # fmt: skip
MARK = "<mark-4711 onload=alert(1)>"
"""Never stands in a page as it is."""
WORDS = (
    MARK, MARK,
    "", " ", "../../x", "/etc/passwd", "C:\\x", "CON", "a" * 3000, "\u202e", "\ufeff", "é", "\U0001f400", "null",
    "true", "<script>alert(1)</script>", "=1+1", "\x00", "\x1b]0;x\x07", "\ud7ff", "'; DROP", "{{7*7}}", "%s%n",
    "\r", "\n", "\t", '"', "2026-02-30", "0000-00-00T00:00:00", "9999-12-31T23:59:59+23:59", "R01", "nan",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**53, 2**63, -(2**63) - 1, 10**30, 0.0, -0.0, 1e308, -1e308, 5e-324, 1e12,
    float("inf"), float("nan"), "", [], {}, [[]], {"": None}, "../../x", "a" * 3000, [None], [0] * 2000,
)  # fmt: skip
INTEGERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
_NUMBER = re.compile(rb"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")

Mutation = Callable[[bytes, Random], bytes]


def mutated(data: bytes, random: Random, others: Sequence[bytes] = ()) -> bytes:
    """One to four mutations of valid bytes, of the kinds that suit them."""
    ways = [*ANY, *_suiting(data)]
    most = max(MOST_BYTES, 2 * len(data))
    if others:
        ways.append(lambda whole, random: spliced(whole, random.choice(others), random))
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 4))):
        data = random.choice(ways)(data, random)[:most]
    return data


def _suiting(data: bytes) -> Sequence[Mutation]:
    start = data[:4096].lstrip()
    if data.startswith(b"PK\x03\x04"):
        return ARCHIVE * 3
    if b"\0" in data[:4096] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return BINARY
    if b'"crc":"' in start or b'"digest":"' in start:
        return CHAINED * 3 + TEXT
    if start.startswith((b"{", b"[")) and not start.startswith(b"[["):
        return (json_changed,) * 8 + TEXT
    if re.match(rb"(?m)^(\[|#|[\w-]+ *= )", start):
        return (toml_changed,) * 8 + TEXT
    return TEXT * 2


# -- bytes ------------------------------------------------------------------------------------------------------------


def _at(data: bytes, random: Random) -> int:
    return random.randrange(len(data) + 1)


def bit_flipped(data: bytes, random: Random) -> bytes:
    if not data:
        return b"\x00"
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]


def byte_set(data: bytes, random: Random) -> bytes:
    at = _at(data, random)
    return (
        data[:at]
        + bytes([random.choice((0, 1, 0x0A, 0x22, 0x2C, 0x7F, 0x80, 0xFF, random.randrange(256)))])
        + data[at + 1 :]
    )


def cut(data: bytes, random: Random) -> bytes:
    return data[: _at(data, random)]


def beginning_cut(data: bytes, random: Random) -> bytes:
    return data[_at(data, random) :]


def part_left_out(data: bytes, random: Random) -> bytes:
    at = _at(data, random)
    return data[:at] + data[at + random.choice((1, 2, 4, 16, 256)) :]


def part_doubled(data: bytes, random: Random) -> bytes:
    at, n = _at(data, random), random.choice((1, 4, 64, 1024))
    return data[:at] + data[at : at + n] * random.choice((2, 3, 100)) + data[at + n :]


def noise_put_in(data: bytes, random: Random) -> bytes:
    at = _at(data, random)
    return data[:at] + random.randbytes(random.choice((1, 2, 8, 64))) + data[at + random.choice((0, 1, 8)) :]


def spliced(data: bytes, other: bytes, random: Random) -> bytes:
    return data[: _at(data, random)] + other[_at(other, random) :]


def word_put_in(data: bytes, random: Random) -> bytes:
    at = _at(data, random)
    return data[:at] + random.choice(WORDS).encode("utf-8", "surrogatepass") + data[at:]


ANY: tuple[Mutation, ...] = (bit_flipped, byte_set, cut, part_left_out, part_doubled, noise_put_in)


def integer_set(data: bytes, random: Random) -> bytes:
    """One of the integers that a binary layout may hold here, in either order of bytes."""
    n = random.choice((1, 2, 4, 8))
    at = random.randrange(max(1, min(len(data), random.choice((64, 512, len(data) + 1)))))
    value = (random.choice(INTEGERS) + random.choice((-1, 0, 0, 0, 1))) % 256**n
    return data[:at] + value.to_bytes(n, random.choice(("little", "big"))) + data[at + n :]


BINARY: tuple[Mutation, ...] = (integer_set, integer_set, integer_set, beginning_cut)


# -- text -------------------------------------------------------------------------------------------------------------


def number_set(data: bytes, random: Random) -> bytes:
    found = list(_NUMBER.finditer(data[:65536]))
    if not found:
        return byte_set(data, random)
    one = random.choice(found)
    return data[: one.start()] + random.choice(NUMBERS).encode() + data[one.end() :]


def line_moved(data: bytes, random: Random) -> bytes:
    lines = data.split(b"\n")
    i, j = random.randrange(len(lines)), random.randrange(len(lines))
    match random.randrange(4):
        case 0:
            lines[i], lines[j] = lines[j], lines[i]
        case 1:
            lines.insert(j, lines[i])
        case 2:
            del lines[i]
        case 3:
            lines[i:i] = [lines[j]] * 50
    return b"\n".join(lines)


def cell_changed(data: bytes, random: Random) -> bytes:
    lines = data.split(b"\n")
    i = random.randrange(len(lines))
    sign = max((b",", b"\t", b";", b" "), key=lines[i].count)
    cells = lines[i].split(sign)
    at = random.randrange(len(cells))
    match random.randrange(5):
        case 0:
            cells[at] = random.choice(NUMBERS).encode()
        case 1:
            cells[at] = random.choice(WORDS).encode("utf-8", "surrogatepass")
        case 2:
            cells[at] = b""
        case 3:
            cells.insert(at, cells[at])
        case 4:
            del cells[at]
    lines[i] = sign.join(cells)
    return b"\n".join(lines)


def encoded_anew(data: bytes, random: Random) -> bytes:
    text = data.decode("utf-8", "replace")
    return text.encode(random.choice(("utf-16", "utf-16-be", "cp1252", "latin-1", "utf-8-sig", "utf-32")), "replace")


def line_ends_changed(data: bytes, random: Random) -> bytes:
    return data.replace(b"\n", random.choice((b"\r\n", b"\r", b"\x0b", b"\n\n", b"\xe2\x80\xa8", b"")))


def nested(data: bytes, random: Random) -> bytes:
    """Brackets within brackets, deeper than any reader's stack."""
    at, n = _at(data, random), random.choice((50, 1200, 12_000))
    return data[:at] + random.choice((b"[", b'{"a":', b"(", b"[[", b"x.")) * n + data[at:]


TEXT: tuple[Mutation, ...] = (
    number_set, number_set, number_set, line_moved, cell_changed, cell_changed, cell_changed, encoded_anew,
    line_ends_changed, nested, word_put_in,
)  # fmt: skip


# -- trees ------------------------------------------------------------------------------------------------------------


def tree_changed(tree: Any, random: Random) -> Any:
    """A copy in which one node is another value, left out, doubled, or named otherwise."""
    tree = json.loads(json.dumps(tree))
    places = list(_places(tree))
    if not places:
        return random.choice(VALUES)
    holder, key = random.choice(places)
    match random.randrange(7):
        case 0 | 1 | 2:
            holder[key] = random.choice(VALUES)
        case 3:
            holder[key] = random.choice(WORDS) if isinstance(holder[key], str) else _nearby(holder[key], random)
        case 4:
            del holder[key]
        case 5:
            other_holder, other_key = random.choice(places)
            if other_key in other_holder if isinstance(other_holder, dict) else other_key < len(other_holder):
                holder[key] = json.loads(json.dumps(other_holder[other_key]))
        case 6 if isinstance(holder, dict):
            holder[random.choice(WORDS)] = holder[key]
        case _:
            holder[key] = [holder[key]] * random.choice((2, 300))
    return tree


def _nearby(value: Any, random: Random) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300:
        return str(value)[:4000]
    return random.choice(
        (-value, value * 1000, value / 1000, value + 0.5, round(value) if value == value else 0, str(value))
    )


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in list(pairs):
        yield tree, key
        yield from _places(value)


def json_changed(data: bytes, random: Random) -> bytes:
    try:
        return json.dumps(tree_changed(json.loads(data), random)).encode()
    except (ValueError, RecursionError):
        return number_set(data, random)


def toml_changed(data: bytes, random: Random) -> bytes:
    try:
        tree = tomllib.loads(data.decode())
        return as_toml(tree_changed(json.loads(json.dumps(tree, default=str)), random)).encode("utf-8", "replace")
    except (ValueError, RecursionError):
        return number_set(data, random)


def as_toml(tree: Any) -> str:
    """A tree as TOML; what TOML has no word for, `null`, is a string."""
    if not isinstance(tree, dict):
        return f"x = {_inline(tree)}\n"
    return "".join(f"{json.dumps(str(key))} = {_inline(value)}\n" for key, value in tree.items())


def _inline(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float() if value != value or value in (float("inf"), float("-inf")):
            return str(value)
        case int() | float():
            return repr(value)
        case dict():
            return "{" + ", ".join(f"{json.dumps(str(key))} = {_inline(one)}" for key, one in value.items()) + "}"
        case list():
            return "[" + ", ".join(_inline(one) for one in value) + "]"
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


# -- lines that carry checksums ---------------------------------------------------------------------------------------


def _lines_changed(data: bytes, random: Random) -> list[dict[str, Any]] | None:
    try:
        lines = [json.loads(line) for line in data.split(b"\n") if line]
    except (ValueError, RecursionError):
        return None
    if not lines or not all(isinstance(line, dict) for line in lines):
        return None
    i = random.randrange(len(lines))
    if random.random() < 0.3:
        lines[i], lines[random.randrange(len(lines))] = lines[random.randrange(len(lines))], lines[i]
    if random.random() < 0.8 and isinstance(changed := tree_changed(lines[i], random), dict):
        lines[i] = changed
    return lines


def journal_changed(data: bytes, random: Random, header: bytes = b"") -> bytes:
    """A journal with other lines, its numbers and checksums made anew; the first keeps what it remembers."""
    lines = _lines_changed(data, random)
    if lines is None:
        return line_moved(data, random)
    after = re.search(rb'"after":"([0-9a-f]{8})"', data)
    remembered, made = after[1] if after else b"%08x" % crc32(header), []
    for seq, line in enumerate(lines):
        rest = {key: value for key, value in line.items() if key not in ("seq", "after", "crc", "host_us")}
        host = json.dumps(line.get("host_us", 0)).encode()
        body = b'%b,"host_us":%b,"seq":%d,"after":"%b"' % (
            json.dumps(rest, separators=(",", ":")).encode()[:-1], host, seq, remembered,
        )  # fmt: skip
        remembered = b"%08x" % crc32(body)
        made.append(b'%b,"crc":"%b"}\n' % (body, remembered))
    return b"".join(made)


def log_changed(data: bytes, random: Random) -> bytes:
    """An audit log with other lines, its chain made anew."""
    lines = _lines_changed(data, random)
    if lines is None:
        return line_moved(data, random)
    previous, made = "0" * 64, []
    for seq, line in enumerate(lines, start=1):
        line = {**line, "seq": seq, "previous": previous, "digest": ""}
        previous = hashlib.sha256(json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()
        made.append(
            json.dumps({**line, "digest": previous}, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        )
    return b"".join(made)


def chained(data: bytes, random: Random) -> bytes:
    try:
        return (journal_changed if b'"crc":"' in data[:4096] else log_changed)(data, random)
    except (ValueError, RecursionError, UnicodeEncodeError):
        return line_moved(data, random)


CHAINED: tuple[Mutation, ...] = (chained, chained, line_moved)


# -- archives ---------------------------------------------------------------------------------------------------------


def member_changed(data: bytes, random: Random) -> bytes:
    """A zip archive, as xlsx is one, in which a member is changed, lost, doubled, or grows a thousandfold unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    except Exception:
        return byte_set(data, random)
    if not members:
        return data
    name = random.choice(list(members))
    match random.randrange(6):
        case 0:
            del members[name]
        case 1:
            members[random.choice(("../../x", "/x", "xl/x" * 50))] = members[name]
        case 2:
            members[name] = members[name][:200] + members[name][200:600] * 5000 + members[name][600:]
        case _:
            members[name] = mutated(members[name], random)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return stream.getvalue()


ARCHIVE: tuple[Mutation, ...] = (member_changed,)


# -- smaller ----------------------------------------------------------------------------------------------------------


def smallest(data: bytes, fails: Callable[[bytes], bool], tries: int = 400) -> bytes:
    """As small an input as parts can be left out of, so that it still fails."""
    n = max(1, len(data) // 2)
    while tries and n:
        at = 0
        while at < len(data) and tries:
            tries -= 1
            shorter = data[:at] + data[at + n :]
            if fails(shorter):
                data = shorter
            else:
                at += n
        n //= 2
    return data
