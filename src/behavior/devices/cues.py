"""What paradigms call the lights and the tone of a box: one mapping for every device that has any.

Each cue bears the name of its output in snake case (`tone`, `house_light`, `cue_light_left`). `light` is the cue light
of the side that is called "light", or all cue lights where no side is.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

LIGHTS = "cue_light_"
NO_SIDES: Mapping[str, str] = MappingProxyType({})


def cue_bits(outputs: Mapping[str, int], sides: Mapping[str, str] = NO_SIDES) -> dict[str, int]:
    """The bits of each cue.

    Parameters
    ----------
    outputs : bit of each output by its name in snake case
    sides : what "left" and "right" are called in this box; themselves by default

    Examples
    --------
    >>> cue_bits({"tone": 1, "cue_light_left": 2, "cue_light_right": 4, "gate_open": 8})["light"]
    6
    >>> cue_bits({"cue_light_left": 2, "cue_light_right": 4}, {"left": "dark", "right": "light"})["light"]
    4
    """
    cues = {name: bit for name, bit in outputs.items() if name in ("tone", "house_light") or name.startswith(LIGHTS)}
    lights = {name.removeprefix(LIGHTS): bit for name, bit in cues.items() if name.startswith(LIGHTS)}
    lit = [bit for side, bit in lights.items() if sides.get(side) == "light"] or list(lights.values())
    return {**cues, "light": sum(lit)} if lit else cues
