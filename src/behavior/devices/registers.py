"""What registers a device has, and what may be written to them: `hardware/<kind>/device.yml` made into data.

The official packages (`harp-protocol`, `harp-device`) turn a `device.yml` into register classes that format and parse
frames. Three things they lack are added here by hand, and nothing else:

* the common registers 15 to 19 of protocol 1.13, which their map does not know;
* access, range and mask of each register as data, because `format` checks none of them;
* an error where two registers share an address, which would shadow one another.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from behavior.config.shipped import shipped
from behavior.model.errors import BadFile, BadInput, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harp.device.schema import DeviceModule
    from harp.protocol import RegisterBase

    RegisterClass: TypeAlias = type[RegisterBase[Any]]

N_BYTES = {"U8": 1, "S8": 1, "U16": 2, "S16": 2, "U32": 4, "S32": 4, "U64": 8, "S64": 8, "Float": 4}


@dataclass(frozen=True, slots=True)
class Register:
    """One register of one kind of device.

    Attributes
    ----------
    name, address : as in `device.yml`
    type : element type, as in `device.yml`: "U8", "U16", ...
    length : number of elements
    writable, reports : may be written; is sent by the device on its own
    minimum, maximum, default : of a scalar, as in `device.yml`; the type's range where it is silent
    bits : all bits that the register's mask names, or None if it has no bit mask
    codec : the official register class, to format and parse frames with
    """

    name: str
    address: int
    type: str
    length: int
    writable: bool
    reports: bool
    minimum: int
    maximum: int
    default: int
    bits: int | None
    codec: RegisterClass

    @property
    def n_bytes(self) -> int:
        """Size of the payload."""
        return N_BYTES[self.type] * self.length

    def allows(self, value: int) -> bool:
        """Whether a value may be written, as far as its range and mask say."""
        if self.bits is not None and value & ~self.bits:
            return False
        return self.minimum <= value <= self.maximum


@dataclass(frozen=True, slots=True)
class DeviceMap:
    """All registers of one kind of device.

    Attributes
    ----------
    kind : name of the folder in `hardware/`
    device_name : what the device answers when asked for its name
    firmware : version (major, minor) that this map is for
    digest : SHA-1 of `device.yml`, which the device answers as part of its version
    registers, common : of this device, by name; of every Harp device, by name
    module : the official device module, with the mask enumerations
    """

    kind: str
    device_name: str
    firmware: tuple[int, int]
    digest: bytes
    registers: Mapping[str, Register]
    common: Mapping[str, Register]
    module: DeviceModule

    def __getitem__(self, name: str) -> Register:
        found = self.registers.get(name)
        return found if found is not None else self.common[name]

    @property
    def by_address(self) -> Mapping[int, Register]:
        """Both sets of registers, by address."""
        both = (*self.common.values(), *self.registers.values())
        return {register.address: register for register in sorted(both, key=lambda register: register.address)}


@cache
def device_map(kind: str) -> DeviceMap:
    """The registers of a kind of device that this package knows.

    Parameters
    ----------
    kind : a folder of `hardware/`, as in "shock_controller"

    Raises
    ------
    BadInput
        There is no such kind.
    BadFile
        Its `device.yml` cannot be used.
    """
    path = shipped("hardware", kind, "device.yml")
    if not path.is_file():
        known = ", ".join(sorted(folder.parent.name for folder in shipped("hardware").glob("*/device.yml")))
        raise BadInput(f"{kind}: there is no such kind of device; it must be one of {known}")
    return read_device_map(kind, path.read_bytes(), file=path)


def read_device_map(kind: str, text: bytes, *, file: object = "device.yml") -> DeviceMap:
    """Like `device_map`, from the bytes of a `device.yml`; `file` names it in errors."""
    from harp.device.schema import create_device_module, parse_device_schema
    from ruamel.yaml.error import YAMLError

    try:
        schema, module = parse_device_schema(text), create_device_module(text)
        masks = {name: sum(int(bit) for bit in mask.bits.values()) for name, mask in (schema.bitMasks or {}).items()}
        found = {name: _register(name, spec, masks, getattr(module, name)) for name, spec in schema.registers.items()}
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError, YAMLError) as error:
        why = (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()
        raise BadFile(file, [Problem("", f"is not a Harp device description ({why})")]) from None
    problems = _address_problems(found)
    major, _, minor = str(getattr(schema, "firmwareVersion", None) or "").partition(".")
    if not (major.isdecimal() and minor.isdecimal()):
        problems.append(Problem("firmwareVersion", 'is missing; write it as in "1.0"'))
    if problems:
        raise BadFile(file, problems)
    return DeviceMap(
        kind,
        module.DEVICE_NAME,
        (int(major), int(minor)),
        hashlib.sha1(text, usedforsecurity=False).digest(),
        MappingProxyType(found),
        common_registers(),
        module,
    )


def _register(name: str, spec: Any, masks: Mapping[str, int], codec: RegisterClass) -> Register:
    access = {one.value for one in (spec.access if isinstance(spec.access, list) else [spec.access])}
    type_ = spec.type.value
    top = 256 ** N_BYTES[type_] - 1
    return Register(
        name,
        spec.address,
        type_,
        spec.length or 1,
        "Write" in access,
        "Event" in access,
        minimum=int(spec.minValue.root) if spec.minValue else 0,
        maximum=int(spec.maxValue.root) if spec.maxValue else top,
        default=int(spec.defaultValue.root) if spec.defaultValue else 0,
        bits=masks.get(spec.maskType.root) if spec.maskType else None,
        codec=codec,
    )


def _address_problems(registers: Mapping[str, Register]) -> list[Problem]:
    problems, owner = [], dict[int, str]()
    for register in registers.values():
        if register.address < 32:
            problems.append(Problem(register.name, f"address {register.address} belongs to Harp; begin at 32"))
        elif register.address in owner:
            what = f"has the address {register.address} of {owner[register.address]}; give it one of its own"
            problems.append(Problem(register.name, what))
        owner.setdefault(register.address, register.name)
    return problems


WRITABLE_COMMON = frozenset(
    {
        "TimestampSeconds",
        "OperationControl",
        "ResetDevice",
        "DeviceName",
        "ClockConfiguration",
        "TimestampOffset",
    }
)


@cache
def common_registers() -> Mapping[str, Register]:
    """The registers 0 to 19 that every Harp device has (protocol 1.13)."""
    from harp.device.core import REGISTER_MAP
    from harp.protocol import RegisterU8, RegisterU8Array, RegisterU16

    codecs: dict[str, RegisterClass] = {codec.__name__: codec for codec in REGISTER_MAP.values()}
    lacking: dict[str, tuple[Any, dict[str, int]]] = {
        "TimestampOffset": (RegisterU8, {"address": 15}),
        "UID": (RegisterU8Array, {"address": 16, "length": 16}),
        "Tag": (RegisterU8Array, {"address": 17, "length": 8}),
        "Heartbeat": (RegisterU16, {"address": 18}),
        "Version": (RegisterU8Array, {"address": 19, "length": 32}),
    }
    codecs |= {name: base(**where) for name, (base, where) in lacking.items()}
    found = {}
    for name, codec in codecs.items():
        type_ = codec.payload_type.name
        length = codec.payload_class.payload_dtype.itemsize // N_BYTES[type_]
        reports = name in ("TimestampSeconds", "Heartbeat")
        top = 256 ** N_BYTES[type_] - 1
        writable = name in WRITABLE_COMMON
        found[name] = Register(name, codec.address, type_, length, writable, reports, 0, top, 0, None, codec)
    return MappingProxyType(found)
