"""What is made from each `device.yml` is up to date: the firmware's headers and the documentation's tables."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from behavior.devices.registers import device_map

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("shock_controller", "operant_chamber", "shuttle_box")


@pytest.fixture(scope="module")
def registers() -> ModuleType:
    spec = importlib.util.spec_from_file_location("registers_script", ROOT / "hardware" / "registers.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_headers_and_tables_are_up_to_date(registers: ModuleType) -> None:
    for path, text in registers.made().items():
        assert path.read_text(encoding="utf-8") == text, f"{path}: run `python hardware/registers.py`"


def test_the_check_tells_what_is_stale(
    registers: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = ROOT / "docs" / "no-such-page.md"
    monkeypatch.setattr(registers, "made", lambda: {stale: "text"})
    monkeypatch.setattr(sys, "argv", ["registers.py", "--check"])
    with pytest.raises(SystemExit, match="1"):
        registers.main()
    assert capsys.readouterr().out == "not up to date: docs/no-such-page.md\n"
    assert not stale.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_every_register_and_bit_stands_in_header_and_page(registers: ModuleType, kind: str) -> None:
    header = (ROOT / "hardware" / "firmware" / "registers" / kind / "registers.h").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "reference" / "registers.md").read_text(encoding="utf-8")
    found = device_map(kind)
    for name, register in found.registers.items():
        assert f"#define REG_{registers.screaming(name)} {register.address}\n" in header
        assert f"| {register.address} | {name} |" in page
    for bit in found.module.Faults:
        assert f"#define FAULTS_{bit.name} {int(bit)}\n" in header


def test_a_gap_between_addresses_is_refused(registers: ModuleType) -> None:
    found, schema, _ = registers._read("shuttle_box")
    lacking = {name: one for name, one in found.registers.items() if name != "Debounce"}
    gap = type("Gap", (), {"registers": lacking, "firmware": (1, 0), "device_name": "X", "digest": b""})
    with pytest.raises(SystemExit, match=r"x\.yml: the firmware wants addresses from 32 on without gaps"):
        registers.header(gap, schema, "x.yml")
