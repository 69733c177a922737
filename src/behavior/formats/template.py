"""A profile to fill in for a file that has none: what stands in the file, and a question wherever it does not say.

Every `?` is a decision that only the program's text can tell. A template that still has one is refused by its key.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from behavior.formats.decode import is_number
from behavior.formats.medpc import MedPCSession, Variable
from behavior.formats.pycontrol import PyControlSession

_HEAD = """\
# Decoder profile for {program!r}, to be filled in. Every "?" is a decision that the file does not hold: look it up in
# the program's text ({where}). Then: behavior convert FILE DATASET --profile THIS
"""


def template(session: MedPCSession | PyControlSession) -> str:
    """A profile to fill in, as TOML text."""
    lines = _pycontrol(session) if isinstance(session, PyControlSession) else _medpc(session)
    return "\n".join(lines) + "\n"


def _medpc(session: MedPCSession) -> Iterator[str]:
    yield _HEAD.format(program=session.program, where="the .MPC file")
    yield f"programs = [{_text(session.program)}]"
    yield '# source = "who looked it up, and where"'
    yield '# paradigm = "geller_seifter"   # by which it is scored, if it is one of ours'
    yield '# time_zone = "Europe/Berlin"    # of that computer'
    yield from _scalars(session)
    for variable in session.variables.values():
        if variable.is_array:
            yield from _array(variable)
    yield ""
    yield '# If there are codes: what each stands for. Write event = "ignore" for what is not needed.'
    yield "# [codes]"
    yield '# 1 = { event = "press", name = "left" }'
    yield '# 2 = { event = "delivery" }'
    yield '# 3 = { event = "shock", ma = 0.4, shock_s = 0.25 }'
    yield '# 4 = { event = "component begin", name = "punished" }'
    yield "# The header of the file, for subject, dose or weight:"
    for key in ("Experiment", "Group"):
        yield f"#   {key}: {session.header.get(key, '')}"
    yield "# [[fields]]"
    yield '# field = "Group"'
    yield "# pattern = '(?P<compound>\\w+) (?P<dose_mg_kg>[\\d.]+)'"


def _scalars(session: MedPCSession) -> Iterator[str]:
    scalars = {name: one.texts[0] for name, one in session.variables.items() if not one.is_array and one.texts}
    if scalars:
        yield f"# scalars: {', '.join(f'{name} = {text}' for name, text in scalars.items())}"
        yield '# lasts = { variable = "?", unit = "?" }   # if one of them is how long the session was'


def _array(variable: Variable) -> Iterator[str]:
    numbers = [Decimal(text) for text in variable.texts if is_number(text)]
    zeros = next((i for i, one in enumerate(reversed(numbers)) if one), len(numbers))
    filled = numbers[: len(numbers) - zeros]
    rises = all(one <= other for one, other in pairwise(filled))
    yield ""
    yield f"# {variable.name}: {len(numbers):,} numbers, {', '.join(variable.texts[:5])} …"
    facts = ["never falls" if rises else "falls somewhere, so it is not times from the begin"]
    facts += [f"ends in {zeros:,} zeros"] if zeros > 1 else []
    yield f"#    {'; '.join(facts)}; largest {max(filled, default=Decimal(0)):f}"
    yield "[[streams]]               # or remove this part, if it holds no events"
    yield f"array = {_text(variable.name)}"
    yield 'encoding = "?"            # times, times beside codes, time.code, time then code, code then time, counts'
    yield 'unit = "?"                # s, ms or min; or instead tick_s = 0.01, the tick of the program'
    yield '# event = { event = "press", name = "left" }   # for times and counts: of what'
    yield '# codes_array = "E"        # for times beside codes'
    yield "# code_digits = 3          # for time.code"
    yield "# factor = 10000           # for time then code, and code then time"
    yield "# relative = true          # if each time counts from the one before"
    if zeros > 1:
        yield '# padding = "zeros"        # if the array was not sealed; or n_in = "G", which holds how many there are'


def _pycontrol(session: PyControlSession) -> Iterator[str]:
    yield _HEAD.format(program=session.program, where="the task's file")
    yield 'system = "pycontrol"'
    yield f"programs = [{_text(session.program)}]"
    yield '# paradigm = "geller_seifter"'
    yield ""
    yield '# What each event and state stands for. "component" ends the one before it; "ignore" leaves out.'
    yield "[codes]"
    for key in dict.fromkeys(f"{row.type} {row.content}" for row in session.rows if row.type in ("event", "state")):
        yield f'{_text(key)} = {{ event = "?" }}'


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
