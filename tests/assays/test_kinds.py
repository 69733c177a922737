"""All kinds of assay walked: templates run, reports are whole and repeatable, bad tables get one clear sentence."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from behavior.assays.kinds import KINDS, analyse, kind_named
from behavior.assays.report import read_endpoints, write_report
from behavior.assays.table import header_of
from behavior.config.shipped import shipped
from behavior.model.errors import BadInput

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = ROOT / "docs" / "tutorial" / "companion-assays.md"

kinds = pytest.mark.parametrize("name", sorted(KINDS))


def template(name: str) -> Path:
    return shipped("configs", "assays", f"{name}.csv")


@kinds
def test_every_template_can_be_analysed_as_it_is(name):
    result = analyse(name, template(name)).result
    assert result.kind == name
    assert result.endpoints and result.drawings and result.methods
    assert all(one.assay == name and (one.value is not None or one.text) for one in result.endpoints)


@kinds
def test_templates_show_every_required_column(name):
    columns = KINDS[name].columns_for(header_of(template(name)))
    header = header_of(template(name))
    for column in columns:
        if column.required:
            assert any(head == column.name or head.startswith(f"{column.name}_") for head in header), column.name


@kinds
def test_the_tutorial_documents_every_column(name):
    text = TUTORIAL.read_text(encoding="utf-8")
    for _, columns in KINDS[name].layouts:
        for column in columns:
            assert f"`{column.name}" in text, column.name


@kinds
def test_settings_that_are_shipped_are_those_of_the_record(name):
    text = shipped("configs", "assays", f"{name}.toml").read_text(encoding="utf-8")
    for field in KINDS[name].settings.model_fields:
        if field not in ("conf_level", "targets", "r2_tolerance", "large_extrapolation", "baseline_s", "baseline_dose"):
            assert field in text, f"{field} is not shown in {name}.toml"


class Links(HTMLParser):
    """Everything a page would fetch, and the ids in it."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag, attrs):
        for key, value in attrs:
            if (key in ("src", "href") and value and not value.startswith(("#", "data:"))) or tag in ("script", "link"):
                self.fetched.append(f"{tag} {value}")
            if key == "id":
                self.ids.append(value or "")


@kinds
def test_a_report_needs_nothing_else_and_its_files_are_there(name, tmp_path):
    page = write_report(analyse(name, template(name)), tmp_path / "out")
    text = page.read_text(encoding="utf-8")
    links = Links()
    links.feed(text)
    assert not links.fetched
    assert len(links.ids) == len(set(links.ids))
    assert "nan" not in re.findall(r"<td[^>]*>([^<]*)</td>", text)
    assert "None" not in re.findall(r"<td[^>]*>([^<]*)</td>", text)
    for path in re.findall(r"<code>(tables/[^<]+)</code>", text):
        assert (page.parent / path).is_file()
    svgs = list((page.parent / "figures").glob("*.svg"))
    assert svgs and all(svg.with_suffix(".png").read_bytes()[:4] == b"\x89PNG" for svg in svgs)
    results = json.loads((page.parent / "results.json").read_text(encoding="utf-8"))
    assert results["provenance"]["table_sha256"] and results["settings"]["conf_level"] == 0.95


@pytest.mark.parametrize("name", ["firing", "exposure"])
def test_equal_inputs_give_equal_bytes(name, tmp_path):
    folders = [write_report(analyse(name, template(name)), tmp_path / out).parent for out in ("a", "b")]
    files = [sorted(p.relative_to(folder) for p in folder.rglob("*") if p.is_file()) for folder in folders]
    assert files[0] == files[1]
    assert all((folders[0] / path).read_bytes() == (folders[1] / path).read_bytes() for path in files[0])


def test_a_report_is_never_overwritten(tmp_path):
    analysis = analyse("firing", template("firing"))
    write_report(analysis, tmp_path / "out")
    with pytest.raises(BadInput, match="is not overwritten"):
        write_report(analysis, tmp_path / "out")
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadInput, match="is not overwritten"):
        write_report(analysis, tmp_path / "file")


@kinds
def test_endpoints_read_back_for_a_table_beside_the_behavioral_ones(name, tmp_path):
    analysis = analyse(name, template(name))
    frame = read_endpoints(write_report(analysis, tmp_path / "out").parent)
    assert len(frame) == len(analysis.result.endpoints)
    for row, one in zip(frame.to_dict("records"), analysis.result.endpoints, strict=True):
        assert (row["endpoint"], row["of"], row["qualifier"], row["text"]) == (
            one.endpoint,
            one.of,
            one.qualifier,
            one.text,
        )
        if one.value is None:
            assert row["value"] != row["value"]
        else:
            assert row["value"] == pytest.approx(one.value, rel=1e-9)


def test_a_folder_without_endpoints(tmp_path):
    with pytest.raises(BadInput, match=r"holds no endpoints\.csv"):
        read_endpoints(tmp_path)


def test_an_unknown_kind():
    with pytest.raises(BadInput, match="name one of binding, saturation"):
        kind_named("elisa")


# --- bad input: one clear sentence each -------------------------------------------------------------------------------

BINDING = "[targets.t]\nligand_nM = 1\nkd_nM = 1.1\n"
TUBES = "compound,conc_nM,bound_dpm\nTOTAL,0,{total}\nTOTAL,0,{total}\nNSB,,{nsb}\nNSB,,{nsb}\n"


def curve(total=2000, nsb=200, concentrations=(0.1, 1, 10, 100, 1000), ic50=20):
    rows = [f"a,{x},{nsb + (total - nsb) / (1 + x / ic50) + 3 * (i % 2)}" for i, x in enumerate(concentrations)]
    return TUBES.format(total=total, nsb=nsb) + "\n".join(rows) + "\n"


def test_a_binding_table_without_experiment_and_target(written):
    (one,) = written("binding", curve(), BINDING).endpoints
    assert one.value == pytest.approx(20 / (1 + 1 / 1.1), rel=0.05)
    assert one.low < one.value < one.high


@pytest.mark.parametrize(
    ("name", "table", "settings", "sentence"),
    [
        ("binding", curve(total=200, nsb=2000), BINDING, r"experiment 1, t: specific binding is negative .*exchanged"),
        (
            "binding",
            curve(concentrations=(10,)),
            BINDING,
            r"no compound has an affinity: .*three concentrations above 0",
        ),
        ("binding", curve().replace("a,10,", "a,10 µM,"), BINDING, r"line 8: conc \(nM\) has its own unit \('10 µM'\)"),
        ("binding", curve().replace("NSB", "ns"), BINDING, r"no tubes for nonspecific"),
        ("binding", curve().replace("a,10,", "a,,"), BINDING, r"line 8: a has no concentration"),
        ("binding", curve(), None, r"binding needs settings \(targets\); write them to .*--settings"),
        ("binding", curve(), BINDING.replace("1.1", "0"), r"targets\.t\.kd_nM: must be more than 0"),
        (
            "binding",
            "target," + curve().replace("\n", "\nu,", 10).removesuffix("u,"),
            BINDING,
            r"target u has no radioligand",
        ),
        (
            "saturation",
            "free_nM,total_dpm,nonspecific_dpm\n1,10,30\n2,20,60\n4,40,90\n",
            None,
            r"no curve could be fitted.*specific binding is negative",
        ),
        (
            "saturation",
            "free_nM,total_dpm,nonspecific_dpm\n1,10,3\n1,20,6\n",
            None,
            r"at least three concentrations, here are 1",
        ),
        (
            "microdialysis",
            "subject,dose_mg_kg,time_min,conc_nM\na,0,20,1\na,0,40,1\n",
            None,
            r"no animal has a usable baseline",
        ),
        (
            "microdialysis",
            "subject,dose_mg_kg,time_min,conc_nM\na,0,0,1\na,0,-20,1\na,0,20,1\n",
            None,
            r"a: time -20 follows 0",
        ),
        ("microdialysis", "subject,dose_mg_kg,time_min,conc_nM\na,0,0,1\na,1,20,1\n", None, r"a: two doses \(0, 1\)"),
        ("firing", "neuron,cum_dose_ug_kg,spikes\na,0,10\na,1,5\n", None, r"give count_s in the settings"),
        ("firing", "neuron,cum_dose_ug_kg\na,0\na,1\n", None, r"neither a column spikes nor rate_hz"),
        (
            "firing",
            "neuron,cum_dose_ug_kg,rate_hz\na,1,1\na,2,1\n",
            None,
            r"no neuron can be used: a: there is no baseline sample",
        ),
        (
            "firing",
            "neuron,cum_dose_ug_kg,rate_hz\na,0,1\na,2,1\na,1,1\n",
            None,
            r"a: cumulative doses do not increase",
        ),
        ("firing", "neuron,event,time_s,cum_dose_ug_kg\na,burst,1,\n", "count_s = 60", r"event 'burst' is not known"),
        (
            "firing",
            "neuron,event,time_s,cum_dose_ug_kg\na,injection,1,\n",
            "count_s = 60",
            r"an injection without cum_dose",
        ),
        (
            "kinetics",
            "subject,time_min,conc_nM\na,0,BLQ\na,10,BLQ\na,20,BLQ\na,30,BLQ\n",
            None,
            r"every sample is below the limit",
        ),
        ("kinetics", "subject,time_min,conc_nM\na,0,1\na,20,2\na,10,1\na,30,1\n", None, r"a: time 10 follows 20"),
        (
            "kinetics",
            "subject,time_min,conc_nM\na,0,BLQ\nb,10,BLQ\nc,20,BLQ\n",
            None,
            r"every sample is below the limit",
        ),
        ("kinetics", "subject,time_min,conc_nM\na,0,1\nb,0,2\nc,5,1\n", None, r"only one animal was sampled at time 5"),
        ("exposure", "subject,dose_mg_kg,effect\na,0,1\nb,1,\n", None, r"dose 1 has neither concentration nor effect"),
        (
            "exposure",
            "subject,dose_mg_kg,conc_ng_ml,effect\na,0,,1\nb,1,2,3\n",
            "ki_nM = 10\nfraction_unbound = 0.1",
            r"ki_nM is molar and the concentrations are in ng/ml",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and value in KINDS else "",
)
def test_bad_tables_get_a_clear_sentence(written, name, table, settings, sentence):
    with pytest.raises(BadInput, match=sentence) as caught:
        written(name, table, settings)
    assert "Traceback" not in str(caught.value)


# --- what a study really brings ---------------------------------------------------------------------------------------


def test_a_zero_dose_on_a_log_axis_is_drawn_behind_a_break(written):
    table = "subject,dose_mg_kg,effect\n" + "".join(f"s{i},{d},{10 + i}\n" for i, d in enumerate([0, 0, 1, 1, 10, 10]))
    result = written("exposure", table)
    figure = result.drawings[0].draw()
    axis = figure.axes[1]
    assert "//" in {text.get_text() for text in axis.texts}
    figure.draw_without_rendering()
    assert [label.get_text() for label in axis.get_xticklabels()] == ["0", "1", "10"]


def test_concentrations_in_mixed_units_are_converted_where_every_row_says_its_own(written):
    table = TUBES.format(total=2000, nsb=200).replace("conc_nM", "conc,conc_unit")
    table = re.sub(r"^(TOTAL|NSB),(0?),", r"\1,\2,nM,", table, flags=re.MULTILINE)
    for x, unit in ((0.1, "nM"), (1, "nM"), (10, "nM"), (0.1, "uM"), (1, "µM")):
        nm = x * (1000 if unit != "nM" else 1)
        table += f"a,{x},{unit},{200 + 1800 / (1 + nm / 20) + 2 * (nm > 1)}\n"
    result = written("binding", table, BINDING)
    assert result.endpoints[0].value == pytest.approx(20 / (1 + 1 / 1.1), rel=0.05)
    assert any("were all turned into nM" in flag for flag in result.flags)


def test_an_experiment_with_a_bound_is_flagged_and_the_bound_is_in_the_table(written):
    result = written("binding", curve(ic50=1e6), BINDING)
    (one,) = result.endpoints
    assert one.qualifier == ">" and one.low is None and one.shown().startswith("> ")
    assert any("less than half" in flag for flag in result.flags)
    result.drawings[1].draw()


def test_depletion_and_odd_slopes_are_flagged(written):
    result = written("binding", curve(), "added = 4000\n" + BINDING)
    assert any("50% of the radioligand is bound" in flag for flag in result.flags)
    steep = TUBES.format(total=2000, nsb=200) + "".join(
        f"a,{x},{200 + 1800 / (1 + (x / 20) ** 2.5) + i}\n" for i, x in enumerate([0.1, 1, 3, 10, 30, 100, 1000])
    )
    result = written("binding", steep, 'slope = "free"\n' + BINDING)
    assert any("Hill slope 2.5" in flag for flag in result.flags)


def saturation_rows(group, bmax, subjects):
    return "".join(
        f"{group},{s},{x},{bmax * x / (1.1 + x) + 6 * x + (0.5 if (i + j) % 2 else -0.5)},{6 * x}\n"
        for j, s in enumerate(subjects)
        for i, x in enumerate((0.1, 0.4, 1.5, 6, 12))
    )


def test_pooled_tissue_is_compared_by_tubes_and_says_so(written):
    table = "group,subject,free_nM,total_fmol_mg,nonspecific_fmol_mg\n"
    result = written("saturation", table + saturation_rows("control", 220, [""]) + saturation_rows("drug", 150, [""]))
    assert any("tests see tubes and not animals" in flag for flag in result.flags)
    ratio = next(one for one in result.endpoints if one.endpoint == "Bmax ratio to control")
    assert ratio.value == pytest.approx(150 / 220, rel=0.03) and "extra sum of squares" in ratio.method


def test_nonspecific_binding_may_be_fitted_from_totals_alone(written):
    rows = saturation_rows("control", 220, ["a"])
    totals = "group,subject,free_nM,total_fmol_mg\n" + re.sub(r",[^,]+$", "", rows, flags=re.MULTILINE)
    with pytest.raises(BadInput, match='set nonspecific = "fitted"'):
        written("saturation", totals)
    bmax = written("saturation", totals, 'nonspecific = "fitted"').endpoints[0]
    assert bmax.low < 220 < bmax.high


def test_an_unnamed_control_group_is_asked_for(written):
    table = "group,subject,free_nM,total_fmol_mg,nonspecific_fmol_mg\n"
    rows = saturation_rows("vehicle", 220, ["a", "b"]) + saturation_rows("drug", 150, ["c", "d"])
    with pytest.raises(BadInput, match="name the control group as control in the settings"):
        written("saturation", table + rows)
    assert written("saturation", table + rows, 'control = "vehicle"\nnonspecific = "fitted"\n').endpoints


def dialysis(levels_by_subject, header="subject,dose_mg_kg,time_min,conc_nM"):
    rows = [
        f"{subject},{dose},{at},{level}"
        for (subject, dose), levels in levels_by_subject.items()
        for at, level in zip((-40, -20, 0, 20, 40, 60), levels, strict=True)
    ]
    return header + "\n" + "\n".join(rows) + "\n"


STUDY = {
    ("a", 0): (1, 1.1, 0.9, 1, 1.1, 1),
    ("b", 0): (2, 2.1, 2, 2.2, 1.9, 2),
    ("c", 0): (1, 0.9, 1.1, 1, 1, 1.1),
    ("d", 3): (1, 1.1, 1, 0.5, 0.4, 0.6),
    ("e", 3): (2, 1.9, 2, 1.1, 0.9, ""),
    ("f", 3): (1, 1.05, 1, 0.55, "<0.3", 0.6),
}


def test_missing_and_unquantified_samples_are_kept_apart_and_counted(written):
    result = written("microdialysis", dialysis(STUDY))
    animals = next(table.frame for table in result.tables if table.name == "animals")
    assert animals.set_index("subject")["n_missing"].to_dict() == {"a": 0, "b": 0, "c": 0, "d": 0, "e": 1, "f": 1}
    halves = written("microdialysis", dialysis(STUDY), 'below_limit = "half"')
    counted = next(table.frame for table in halves.tables if table.name == "animals").set_index("subject")
    assert counted["n_missing"]["f"] == 0
    terms = next(table.frame for table in result.tables if table.name == "mixed_model")
    assert terms["term"].tolist() == ["dose", "time", "dose × time"]
    assert terms["p"][0] < 0.01


def test_an_animal_that_stops_early_has_no_area_to_the_stated_time(written):
    result = written("microdialysis", dialysis(STUDY), "auc_to_min = 60")
    assert any(flag.endswith("e: no area, its samples end before 60 min") for flag in result.flags)
    doses = next(table.frame for table in result.tables if table.name == "doses")
    assert doses["n"].tolist() == [3, 2]


def test_an_animal_without_baseline_is_left_out_and_named(written):
    result = written("microdialysis", dialysis(STUDY | {("g", 3): ("", "", "", 1, 1, 1)}))
    assert any("g: no baseline sample" in flag for flag in result.flags)


def test_unstable_baselines_are_left_out_only_when_asked(written):
    study = STUDY | {("g", 3): (1, 3, 1, 1, 1, 1)}
    kept = written("microdialysis", dialysis(study))
    left = written("microdialysis", dialysis(study), "leave_out_unstable = true")
    assert any("g: unstable baseline" in flag for flag in kept.flags)
    n_kept, n_left = (
        next(t.frame for t in result.tables if t.name == "doses")["n"].tolist()[1] for result in (kept, left)
    )
    assert (n_kept, n_left) == (4, 3)


def test_one_region_in_two_units_of_dose_is_two_panels(written):
    one = dialysis(STUDY, "subject,dose,time_min,conc_nM").replace("subject,dose,", "subject,dose,dose_unit,")
    rows = [re.sub(r"^(\w+),(\d+),", r"\1,\2,mg/kg,", line) for line in one.splitlines()]
    other = [line.replace("mg/kg", "mM").replace(",3,mM", ",1,mM") for line in rows[1:]]
    other = [re.sub(r"^(\w)", r"p\1", line) for line in other]
    result = written("microdialysis", "\n".join([*rows, *other]) + "\n")
    assert {one.of for one in result.endpoints if one.endpoint == "shape"} == {
        "region=region, doses in mg/kg",
        "region=region, doses in mM",
    }


def test_without_vehicle_no_direction_is_given(written):
    result = written("microdialysis", dialysis({key: value for key, value in STUDY.items() if key[1]}))
    (one,) = result.endpoints
    assert one.text.startswith("not given: no animal has the vehicle's dose 0")
    for drawing in result.drawings:
        drawing.draw()


def test_spike_times_give_the_same_as_their_counts(written):
    rates = {0: 2.0, 50: 1.5, 150: 0.5}
    events, counts = ["neuron,event,time_s,cum_dose_ug_kg"], ["neuron,cum_dose_ug_kg,spikes"]
    for neuron in ("a", "b"):
        for i, (dose, rate) in enumerate(rates.items()):
            start = 100 * i
            if dose:
                events.append(f"{neuron},injection,{start},{dose}")
            events += [f"{neuron},spike,{start + (k + 0.5) / rate:.4f}," for k in range(int(100 * rate))]
            counts.append(f"{neuron},{dose},{int(100 * rate)}")
    settings = "count_s = 100\n"
    by_time, by_count = (written("firing", "\n".join(rows) + "\n", settings) for rows in (events, counts))
    assert [one.value for one in by_time.endpoints] == pytest.approx([one.value for one in by_count.endpoints])


def test_neurons_without_an_ed50_stay_beside_the_mean(written):
    rows = "neuron,cum_dose_ug_kg,rate_hz\n"
    for name, rates in {"a": (2, 1.6, 0.4), "b": (2, 1.7, 0.5), "c": (2, 1.9, 1.5)}.items():
        rows += "".join(f"{name},{dose},{rate}\n" for dose, rate in zip((0, 10, 100), rates, strict=True))
    result = written("firing", rows)
    assert "1 of 3 neurons have no ED50" in " ".join(result.flags)
    assert next(one for one in result.endpoints if one.endpoint == "ED50").n == 2


def test_a_compound_that_does_not_inhibit_has_no_ed50(written):
    rows = "neuron,cum_dose_ug_kg,rate_hz\na,0,2\na,10,2\na,100,1.9\nb,0,2\nb,10,1.8\nb,100,1.9\n"
    endpoints = {one.endpoint: one for one in written("firing", rows).endpoints}
    assert endpoints["ED50"].value is None and "no neuron has one" in endpoints["ED50"].text
    assert "hold no ED50" in endpoints["ED50, pooled curve"].text


SPARSE = "subject,time_min,conc_ng_ml\n" + "".join(
    f"r{i}{j},{at},{100 * 2.718 ** (-at / 100) * (1 + 0.05 * j)}\n"
    for i, at in enumerate((15, 60, 120, 240))
    for j in range(3)
)


def test_a_sparse_design_has_one_mean_profile(written):
    result = written("kinetics", SPARSE)
    assert "sparse" in result.title
    area = next(one for one in result.endpoints if one.endpoint == "auc_last_lin")
    assert area.low < area.value < area.high and "Bailer" in area.method
    half = next(one for one in result.endpoints if one.endpoint == "half_life")
    assert half.value == pytest.approx(69.3, rel=0.02)


def test_samples_below_the_limit_in_a_sparse_design_count_as_0_and_are_said(written):
    result = written("kinetics", SPARSE + "z1,480,BLQ\nz2,480,3\nz3,480,4\n")
    assert any("1 samples below quantification count as 0" in flag for flag in result.flags)


def test_clearance_and_ratio_need_molar_masses_and_say_so(written):
    rows = "subject,analyte,dose_mg_kg,time_min,conc_ng_ml\n"
    for animal in ("a", "b"):
        for analyte, scale in (("p", 100), ("m", 50)):
            rows += "".join(
                f"{animal},{analyte},10,{at},{scale * 2.718 ** (-at / 100) * (1 + 0.01 * (i % 3))}\n"
                for i, at in enumerate((10, 60, 120, 240, 360))
            )
    names = 'parent = "p"\nmetabolites = ["m"]\n'
    result = written("kinetics", rows, names)
    assert any("counts molecules" in flag for flag in result.flags)
    assert any(one.endpoint == "clearance_over_f" for one in result.endpoints)
    molar = written("kinetics", rows, names + "[molar_mass_g_mol]\np = 400\nm = 200\n")
    ratio = next(one for one in molar.endpoints if one.endpoint == "auc_ratio_infinity")
    assert ratio.value == pytest.approx(1, rel=0.01)
    wrong = written("kinetics", rows, names.replace('"m"', '"x"'))
    assert any("check the names of parent and metabolites" in flag for flag in wrong.flags)


def test_one_animal_of_many_below_the_limit_is_left_out_and_named(written):
    rows = analysed = "subject,time_h,conc_nM\n" + "".join(
        f"{s},{at},{100 * 0.5**at}\n" for s in ("a", "b") for at in (1, 2, 4, 6, 8)
    )
    rows += "".join(f"c,{at},BLQ\n" for at in (1, 2, 4, 6, 8))
    result = written("kinetics", rows)
    assert any(flag.startswith("c: no sample is above the limit") for flag in result.flags)
    assert next(one for one in result.endpoints if one.endpoint == "half_life").n == 2
    assert len(written("kinetics", analysed).flags) < len(result.flags)


def test_own_results_stand_beside_the_published_with_their_contradictions(written):
    table = curve().replace("\na,", "\nipsapirone,")
    result = written("binding", table, BINDING.replace("targets.t", "targets.D2"))
    assert {one.published for one in result.published} == {"> 10,000 nM", "moderate to high affinity"}
    assert any("moderate to high" in one for one in result.disagreements)


def test_receptor_densities_stand_beside_the_published_of_their_dose_and_region(written):
    header = "region,group,subject,free_nM,total_fmol_mg,nonspecific_fmol_mg\n"
    table = header + "".join(
        "".join(f"{region},{line}\n" for line in saturation_rows(group, bmax, subjects).splitlines())
        for region, lost in (("Frontal cortex", 0.5), ("hippocampus", 1.0))
        for group, bmax, subjects in (
            ("control", 220, ["a", "b", "c"]),
            ("10 mg/kg twice daily", 220 * lost, ["d", "e", "f"]),
        )
    )
    result = written("saturation", table, 'compound = "ipsapirone"\ntarget = "5-HT1A"\n')
    assert [(one.published, one.relation) for one in result.published] == [
        ("10 mg/kg: reduced after 21 days twice daily", "agrees"),
        ("10 mg/kg: unchanged after 21 days twice daily", "as far as the limits go"),
    ]
