"""Tables in which anything went wrong: every kind of assay gives a whole report or one sentence, never a crash."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.assays.kinds import KINDS, Analysis
from behavior.assays.library import read_library
from behavior.assays.report import as_json
from behavior.assays.table import read_rows
from behavior.config import read_text
from behavior.model.errors import BadInput

WHOLE = {
    "binding": "experiment,target,compound,conc_nM,bound_dpm\n"
    + "".join(
        f"{e},t,TOTAL,0,2000\n{e},t,NSB,,200\n"
        + "".join(
            f"{e},t,a,{x},{200 + 1800 / (1 + x / 20) + i % 3:.6g}\n" for i, x in enumerate((1, 10, 30, 100, 1000))
        )
        for e in (1, 2)
    ),
    "saturation": "group,subject,free_nM,total_fmol_mg,nonspecific_fmol_mg\n"
    + "".join(
        f"{g},{g}{s},{x},{b * x / (1.1 + x) + 6 * x + (i + s) % 2:.6g},{6 * x}\n"
        for g, b in (("control", 220), ("drug", 150))
        for s in (1, 2)
        for i, x in enumerate((0.2, 0.8, 1.5, 6, 12))
    ),
    "microdialysis": "region,subject,dose_mg_kg,time_min,conc_nM\n"
    + "".join(
        f"NAc,{d}{s},{d},{t},{1 + 0.05 * ((i + s) % 3) + (0.1 * d if t > 0 else 0):.6g}\n"
        for d in (0, 3)
        for s in (1, 2, 3)
        for i, t in enumerate((-40, -20, 0, 20, 40))
    ),
    "firing": "neuron,cum_dose_ug_kg,rate_hz\n"
    + "".join(f"n{n},{d},{2 / (1 + (d / (40 + 9 * n)) ** 2):.6g}\n" for n in (1, 2, 3) for d in (0, 10, 30, 100, 300)),
    "kinetics": "subject,analyte,dose_mg_kg,time_h,conc_mg_l\n"
    + "".join(
        f"{s},{a},10,{t},{k * math.exp(-0.2 * t) * (1 + 0.02 * (t % 3)):.6g}\n"
        for s in "ab"
        for a, k in (("p", 10), ("m", 4))
        for t in (1, 2, 4, 8, 12)
    ),
    "exposure": "subject,dose_mg_kg,conc_nM,effect\n"
    + "".join(f"{d}{i},{d},{'' if d == 0 else d * (20 + i)},{100 - 8 * d + i}\n" for d in (0, 1, 3) for i in (1, 2, 3)),
}
SETTINGS = {
    "binding": "[targets.t]\nligand_nM = 1\nkd_nM = 1\n",
    "kinetics": 'parent = "p"\nmetabolites = ["m"]\n[molar_mass_g_mol]\np = 400\nm = 200\n',
    "exposure": "ki_nM = 10\nfraction_unbound = 0.1\n",
}
CELLS = ("", "0", "1e-12", "1e12", "-1", "BLQ", "<0.5", "100", "1e300", "1e-300")


def spoiled(table: str, how: int) -> str:
    """The table with cells changed, rows lost, doubled or exchanged, whole columns made equal or blank."""
    rng = np.random.default_rng(how)
    head, *rows = [line.split(",") for line in table.splitlines()]
    for _ in range(rng.integers(1, 4)):
        row, column = rng.integers(len(rows)), rng.integers(len(head))
        match rng.integers(7):
            case 0 | 1:
                rows[row][column] = CELLS[rng.integers(len(CELLS))]
            case 2:
                del rows[row : row + rng.integers(1, max(2, len(rows) // 2))]
            case 3:
                rows.append(list(rows[row]))
            case 4:
                other = rng.integers(len(rows))
                rows[row], rows[other] = rows[other], rows[row]
            case 5:
                value = rows[row][column]
                for each in rows:
                    each[column] = value
            case 6:
                for each in rows:
                    each[column] = CELLS[rng.integers(len(CELLS))] if rng.random() < 0.3 else each[column]
        if not rows:
            break
    return "\n".join(",".join(row) for row in [head, *rows]) + "\n"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_whole_tables_are_analysed(kind):
    assert analysed(kind, WHOLE[kind]).result.endpoints


def analysed(kind: str, text: str) -> Analysis:
    table = read_rows(text, KINDS[kind].columns_for(text.partition("\n")[0].split(",")), file=f"{kind}.csv")
    record = read_text(SETTINGS.get(kind, ""), KINDS[kind].settings)
    return Analysis(KINDS[kind].page(table, record, LIBRARY), table, "settings", "shipped")


LIBRARY = read_library()


@pytest.mark.parametrize("kind", sorted(KINDS))
@settings(max_examples=12, deadline=None, derandomize=True)
@given(how=st.integers(0, 10**9))
def test_a_spoiled_table_gives_a_whole_result_or_a_sentence(kind, how):
    text = spoiled(WHOLE[kind], how)
    try:
        analysis = analysed(kind, text)
    except BadInput as error:
        assert len(str(error)) > 20
        return
    for one in json.loads(as_json(analysis))["endpoints"]:
        assert one["value"] is not None or one["text"], one
        if one["low"] is not None and one["high"] is not None:
            assert (
                one["low"]
                <= one["value"] * (1 + 1e-9 * np.sign(one["value"]))
                <= one["high"] * (1 + 2e-9 * np.sign(one["high"]))
            ), one
    for drawing in analysis.result.drawings:
        drawing.draw()
