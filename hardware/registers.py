"""Makes what follows from each `device.yml`: the firmware's header and the register tables of the documentation.

python hardware/registers.py            # writes hardware/firmware/registers/*/registers.h, docs/reference/registers.md
python hardware/registers.py --check    # exit code 1 and the names of the files that are not up to date
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harp.device.schema import parse_device_schema

from behavior.devices.registers import DeviceMap, Register, read_device_map

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "reference" / "registers.md"
OURS = ("shock_controller", "operant_chamber", "shuttle_box")


def screaming(name: str) -> str:
    """`HouseLight` as C writes a constant: `HOUSE_LIGHT`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()


def header(device: DeviceMap, schema: Any, source: str) -> str:
    """The C header of one device: name, version, digest, addresses, masks and the table that the core checks by."""
    registers = sorted(device.registers.values(), key=lambda one: one.address)
    if [one.address for one in registers] != list(range(32, 32 + len(registers))):
        raise SystemExit(f"{source}: the firmware wants addresses from 32 on without gaps")
    major, minor = device.firmware
    digest = ", ".join(f"0x{byte:02x}" for byte in device.digest)
    lines = [
        f"/* Made from {source} by hardware/registers.py. Do not edit. */",
        "#ifndef REGISTERS_H",
        "#define REGISTERS_H",
        "",
        f'#define DEVICE_NAME "{device.device_name}"',
        f"#define FIRMWARE_MAJOR {major}",
        f"#define FIRMWARE_MINOR {minor}",
        f"#define DEVICE_YML_SHA1 {{{digest}}}",
        "",
        *(f"#define REG_{screaming(one.name)} {one.address}" for one in registers),
        f"#define N_REGISTERS {len(registers)}",
        "",
    ]
    masks = {name: mask.bits for name, mask in (schema.bitMasks or {}).items()}
    masks |= {name: mask.values for name, mask in (schema.groupMasks or {}).items()}
    for name, members in masks.items():
        lines += [f"#define {screaming(name)}_{screaming(one)} {int(members[one])}" for one in members]
        lines += [""]
    lines += [f"#define DEFAULT_{screaming(one.name)} {one.default}UL" for one in registers if one.length == 1]
    lines += ["", "/* type, length, writable, minimum, maximum, default, bits that a value may have */"]
    lines += ["#define REGISTER_TABLE \\", *(f"    {_row(one)}, \\" for one in registers)]
    return "\n".join([*lines, "", "#endif", ""])


def _row(one: Register) -> str:
    bits = 0xFFFFFFFF if one.bits is None else one.bits
    values = ", ".join(f"{value}UL" for value in (one.minimum, min(one.maximum, 2**32 - 1), one.default))
    return f"{{{one.type}, {one.length}, {int(one.writable)}, {values}, 0x{bits:X}UL}} /* {one.name} */"


def page() -> str:
    """The register tables of all devices of ours."""
    parts = [
        "# Registers of our devices",
        "",
        "<!-- Made from hardware/*/device.yml by `python hardware/registers.py`. Do not edit. -->",
        "",
        "Registers 0 to 19 are those of every Harp device (protocol 1.13). The rules that a table cannot hold stand at",
        "the head of each `device.yml`. **R** can be read, **W** written, **E** is reported by the device itself.",
        "",
    ]
    for kind in OURS:
        device, schema, source = _read(kind)
        parts += [f"## {device.device_name}", "", f"`{source}`, firmware {'.'.join(map(str, device.firmware))}", ""]
        parts += ["| address | register | type | access | range | default | |", "|---|---|---|---|---|---|---|"]
        for one in sorted(device.registers.values(), key=lambda register: register.address):
            parts.append(_table_row(one, schema.registers[one.name]))
        parts += ["", *_mask_tables(schema)]
    return "\n".join(parts)


def _table_row(one: Register, spec: Any) -> str:
    type_ = one.type if one.length == 1 else f"{one.type}[{one.length}]"
    access = "R" + "W" * one.writable + "E" * one.reports
    masked = f"`{spec.maskType.root}`" if spec.maskType else ""
    range_ = masked or (f"{one.minimum}–{one.maximum}" if spec.maxValue is not None and one.writable else "")
    default = str(one.default) if spec.defaultValue is not None else ""
    members = "".join(f"<br>`{name}`: {part.description}" for name, part in (spec.payloadSpec or {}).items())
    text = " ".join((spec.description or "").split()) + members
    return f"| {one.address} | {one.name} | {type_} | {access} | {range_} | {default} | {text} |"


def _mask_tables(schema: Any) -> Iterator[str]:
    for name, mask in {**(schema.bitMasks or {}), **(schema.groupMasks or {})}.items():
        members = mask.bits if hasattr(mask, "bits") else mask.values
        yield from (f"`{name}`", "", "| value | | |", "|---|---|---|")
        for one, bit in members.items():
            value = f"0x{int(bit):02X}" if hasattr(mask, "bits") else str(int(bit))
            yield f"| {value} | {one} | {' '.join((getattr(bit.root, 'description', None) or '').split())} |"
        yield ""


def _read(kind: str) -> tuple[DeviceMap, Any, str]:
    path = HERE / kind / "device.yml"
    return (
        read_device_map(kind, path.read_bytes(), file=path),
        parse_device_schema(path.read_bytes()),
        f"hardware/{kind}/device.yml",
    )


def made() -> dict[Path, str]:
    """What every file should hold."""
    files = {HERE / "firmware" / "registers" / kind / "registers.h": header(*_read(kind)) for kind in OURS}
    return {**files, PAGE: page()}


def main() -> None:
    """Write the files, or with `--check` tell which differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    stale = [path for path, text in made().items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        print(("not up to date: " if check else "written: ") + str(path.relative_to(HERE.parent)))  # noqa: T201
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(made()[path], encoding="utf-8")
    if check and stale:
        sys.exit(1)


if __name__ == "__main__":
    main()
