"""Sessions as tables, BIDS, Harp and NWB: nothing lost that the format can hold, and others' readers open them."""

from __future__ import annotations

import json
import struct
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from behavior.config.study import Animals
from behavior.formats import bids, events_csv, events_parquet, harp_folder, nwb
from behavior.formats.nwb import lacking, pharmacology
from behavior.formats.own import example_session
from behavior.formats.record import SessionRecord, session_of
from behavior.formats.rows import KINDS, kinds_lost
from behavior.model import commands as c
from behavior.model import events as e
from behavior.model.doses import Treatment
from behavior.model.errors import BadFile, BadInput
from behavior.session.folder import SessionFolder
from behavior.session.journal import Item

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data" / "study"
TABLES = [events_csv, events_parquet, bids]
ANIMALS = Animals(strain="Wistar", sex="male", weight_g=280, age_weeks=10)

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8) | st.just("n/a")
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(0, 2**45),
    str: texts,
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    float | None: st.none() | st.floats(0, 5),
    int | None: st.none() | st.integers(0, 2**45),
    tuple[int, ...]: st.lists(st.integers(0, 2**45), max_size=3).map(tuple),
    tuple[float, ...]: st.lists(st.floats(-1e9, 1e9), max_size=3).map(tuple),
}


def any_of_kind(kind: type[Item]) -> st.SearchStrategy[Item]:
    fields = msgspec.structs.fields(kind)
    return st.builds(kind, **{field.name: VALUES[field.type] for field in fields})


items = st.lists(st.one_of([any_of_kind(kind) for kind in KINDS.values()]), max_size=8).map(tuple)


def bare(items: tuple[Item, ...], **more: Any) -> SessionRecord:
    header = msgspec.structs.replace(example_session().header, paradigm="any")
    return replace(example_session(), header=header, items=items, host_us=(), calls=None, **more)


@pytest.mark.parametrize("module", TABLES, ids=["CSV", "Parquet", "BIDS"])
@settings(max_examples=40)
@example(
    items=(e.Noted(0, "a lone\rreturn"), e.Noted(1, 'a "quote", a\ttab\n'), e.Noted(2, "n/a"), e.Noted(3, "\\n/a"))
)
@given(items=items)
def test_any_journal_comes_back_to_the_last_bit(
    module: Any, items: tuple[Item, ...], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("tables") / f"x{module.FORMAT.extensions[-1].replace('/', '')}"
    module.write(path, bare(items))
    assert module.read(path).items == items


@settings(max_examples=6)
@given(items=items)
def test_any_journal_comes_back_from_nwb(items: tuple[Item, ...], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("nwb") / "x.nwb"
    nwb.write(path, bare(items))
    assert nwb.read(path).items == items


@pytest.mark.parametrize("name", ["events-csv", "events-parquet", "bids", "harp", "nwb"])
def test_a_simulated_session_and_what_each_format_loses_of_it(name: str, tmp_path: Path) -> None:
    from behavior.formats.catalogue import find_format

    record = session_of(SessionFolder(next(SAMPLE.glob("sub-R01/ses-*"))))
    one = find_format(name)
    one.write(tmp_path / "x", record)
    lost = kinds_lost(record, one.read(tmp_path / "x"))
    if name == "harp":
        assert {part.split()[-1] for part in lost} == {"BeginComponent", "Drawn", "EndComponent", "times"}
    else:
        assert lost == ()


def test_a_sample_session_knows_the_animals_of_its_study() -> None:
    record = session_of(SessionFolder(next(SAMPLE.glob("sub-R07/ses-*"))))
    assert record.animals is not None
    assert (record.animals.strain, [path.name for path in record.sound]) == ("Wistar", ["audio.flac"])


def test_a_damaged_journal_is_not_exported(tmp_path: Path) -> None:
    import shutil

    folder = Path(shutil.copytree(next(SAMPLE.glob("sub-R01/ses-*")), tmp_path / "ses"))
    data = bytearray((folder / "journal.jsonl").read_bytes())
    data[200] ^= 1
    (folder / "journal.jsonl").write_bytes(bytes(data))
    with pytest.raises(BadInput, match="its journal is damaged"):
        session_of(SessionFolder(folder))


# -- tables -----------------------------------------------------------------------------------------------------------


def test_rows_that_are_no_journal_are_named(tmp_path: Path) -> None:
    events_csv.write(tmp_path / "x.csv", example_session())
    text = (tmp_path / "x.csv").read_text()
    (tmp_path / "x.csv").write_text(text.replace("LeverPressed", "LeverEaten", 1).replace("SetGate", "SetGoat"))
    with pytest.raises(BadFile, match=r"line 8: is no event or command .*'LeverEaten'"):
        events_csv.read(tmp_path / "x.csv")
    (tmp_path / "x.json").unlink()
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(BadInput, match=r"x.json: there is no such file"):
        events_csv.read(tmp_path / "x.csv")


def test_bids_names_and_sidecars(tmp_path: Path) -> None:
    bids.write(tmp_path / "x", example_session())
    names = sorted(path.relative_to(tmp_path / "x").as_posix() for path in (tmp_path / "x").rglob("*.*"))
    stem = "sub-R01/ses-20260302T090000/beh/sub-R01_ses-20260302T090000_task-gellerseifter"
    sidecars = [f"{stem}_{kind}.{suffix}" for kind in ("beh", "events") for suffix in ("json", "tsv")]
    assert names == sorted(["dataset_description.json", "participants.tsv", *sidecars])
    events = (tmp_path / "x" / f"{stem}_events.tsv").read_text().splitlines()
    assert events[0].startswith("onset\tduration\ttrial_type\t")
    assert events[7].split("\t")[:3] == ["2.000007", "n/a", "LeverPressed"]
    assert {len(line.split("\t")) for line in events} == {len(events[0].split("\t"))}
    beh = (tmp_path / "x" / f"{stem}_beh.tsv").read_text().splitlines()
    assert beh[0].startswith("component\tpunished\t")
    described = json.loads((tmp_path / "x" / f"{stem}_beh.json").read_text())
    assert set(beh[0].split("\t")) <= set(described)
    assert described["Measures"]["n_unpunished_presses"] == 1


# -- Harp -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def registers(tmp_path: Path) -> Path:
    harp_folder.write(tmp_path / "x", harp_folder.FORMAT.example())
    return tmp_path / "x"


def test_harp_python_opens_the_folder(registers: Path) -> None:
    import harp

    reader = harp.create_reader(registers / "OperantChamber.harp")
    inputs = reader.Inputs.read()
    assert list(inputs.index) == pytest.approx([2.000032, 2.16, 3, 4, 9, 10], abs=1e-9)
    assert list(inputs["LeverLeft"]) == [True, False, False, False, True, False]
    assert list(reader.Delivered.read().iloc[:, 0]) == [1]
    shock = harp.create_reader(registers / "ShockController.harp")
    ended = shock.PulseEnded.read()
    assert list(ended.iloc[0])[:3] == [1, 250_016, 398]
    assert list(shock.Intensity.read().iloc[:, 0]) == [400]


def test_harp_data_opens_the_folder(registers: Path) -> None:
    import harp.data

    dataset = harp.data.open_dataset(registers / "OperantChamber.harp")
    inputs = dataset.read("Inputs")
    assert list(inputs.index) == pytest.approx([2.000032, 2.16, 3, 4, 9, 10], abs=1e-9)
    shock = harp.data.open_dataset(registers / "ShockController.harp")
    assert len(shock.read("PulseEnded")) == len(shock.read("PulseStarted")) == 1


def test_every_message_has_its_length_and_checksum(registers: Path) -> None:
    for file in registers.rglob("*.bin"):
        data, at = file.read_bytes(), 0
        while at < len(data):
            frame = data[at : at + 2 + data[at + 1]]
            assert sum(frame[:-1]) & 0xFF == frame[-1]
            assert struct.unpack_from("<IH", frame, 5)[1] < 31_250
            at += len(frame)


@pytest.mark.parametrize("at", [0, 1, 2, 4, 7, -1])
def test_a_damaged_message_is_named(registers: Path, at: int) -> None:
    file = registers / "OperantChamber.harp" / "OperantChamber_32.bin"
    data = bytearray(file.read_bytes())
    data[at] ^= 0x40
    file.write_bytes(bytes(data))
    with pytest.raises(BadInput, match=r"OperantChamber_32.bin: the message at byte \d+ is damaged"):
        harp_folder.read(registers)


def test_sides_of_any_name_and_a_gate(tmp_path: Path) -> None:
    s = 1_000_000
    items = (e.SessionStarted(0), c.SetGate(open=True), e.Crossed(s, "light"), e.Crossed(2 * s, "dark"),
             c.SetCue("tone", on=True), e.TimerFired(3 * s), c.SetGate(open=False),
             c.EndSession("completed"))  # fmt: skip
    harp_folder.write(tmp_path / "x", bare(items))
    assert harp_folder.read(tmp_path / "x").items == items


def test_a_light_is_all_cue_lights_of_the_box(tmp_path: Path) -> None:
    items = (e.SessionStarted(0), c.SetCue("light", on=True), c.SetCue("no such lamp", on=True), c.EndSession("over"))
    harp_folder.write(tmp_path / "x", bare(items))
    lights = [item for item in harp_folder.read(tmp_path / "x").items if isinstance(item, c.SetCue)]
    assert lights == [c.SetCue("cue_light_left", on=True), c.SetCue("cue_light_right", on=True)]


# -- NWB --------------------------------------------------------------------------------------------------------------


def complaints(path: Path) -> list[str]:
    import nwbinspector

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = list(nwbinspector.inspect_nwbfile(nwbfile_path=str(path)))
    worse = ("CRITICAL", "BEST_PRACTICE_VIOLATION", "PYNWB_VALIDATION", "ERROR")
    return [f"{one.importance.name} {one.message}" for one in found if one.importance.name in worse]


@pytest.mark.parametrize("name", ["R01", "R07", "example"])
def test_nwbinspector_finds_nothing_critical_and_no_violation(name: str, tmp_path: Path) -> None:
    record = replace(example_session(), animals=ANIMALS)
    if name != "example":
        record = session_of(SessionFolder(next(SAMPLE.glob(f"sub-{name}/ses-*"))))
    nwb.write(tmp_path / "x.nwb", record)
    assert complaints(tmp_path / "x.nwb") == []
    assert lacking(record) == ()


def opened(path: Path) -> tuple[Any, Any]:
    import pynwb

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        io = pynwb.NWBHDF5IO(str(path), "r")
        return io, io.read()


def test_what_stands_in_an_nwb_file(tmp_path: Path) -> None:
    record = replace(example_session(), animals=ANIMALS)
    sound = tmp_path / "sound" / "audio.flac"
    sound.parent.mkdir()
    sound.write_bytes(b"sound")
    nwb.write(tmp_path / "x.nwb", replace(record, sound=(sound,)))
    io, file = opened(tmp_path / "x.nwb")
    with io:
        assert (file.subject.species, file.subject.sex, file.subject.age) == ("Rattus norvegicus", "M", "P70D")
        assert file.subject.weight == "0.2815 kg"
        assert file.pharmacology == "ipsapirone, 5 mg/kg, i.p., in saline, 30 min before the session"
        assert list(file.events["LeverPressed"]["timestamp"][:]) == [2.000007, 9.0]
        assert list(file.events["LeverPressed"]["lever"][:]) == ["left", "left"]
        assert (list(file.trials["start_time"][:]), list(file.trials["stop_time"][:])) == ([8.0], [9.300001])
        components = file.intervals["components"]
        assert list(components["component"][:]) == ["unpunished", "punished"]
        assert list(components["n_presses"][:]) == [1.0, 1.0]
        (calls,) = [file.events["calls"]]
        assert list(calls["timestamp"][:]) == pytest.approx([10.5 + 0.001234])
        recordings = file.acquisition["recordings"].to_dataframe()
        assert list(recordings["external_file"]) == ["sound/audio.flac"]
        assert list(recordings["n_samples"]) == [3_250_000]


def test_a_blind_code_stays_blind(tmp_path: Path) -> None:
    treatment = Treatment(blind_code="K7", vehicle="saline", route="i.p.", pretreatment_min=30)
    header = msgspec.structs.replace(example_session().header, treatment=treatment)
    record = replace(example_session(), header=header)
    nwb.write(tmp_path / "x.nwb", record)
    bids.write(tmp_path / "bids", record)
    io, file = opened(tmp_path / "x.nwb")
    with io:
        assert file.pharmacology == "blind code K7; what it stands for is not known here"
    for path in (tmp_path / "x.nwb", *(tmp_path / "bids").rglob("*.*")):
        assert b"ipsapirone" not in path.read_bytes()
        assert b"mg/kg" not in path.read_bytes()
    assert nwb.read(tmp_path / "x.nwb").header.treatment == treatment


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (Treatment(), "not recorded"),
        (Treatment(dose_mg_kg=0.0, vehicle="saline", compound="x"), "vehicle alone, 0 mg/kg, in saline"),
        (Treatment(dose_mg_kg=2.5, compound="x", precedes="test"), "x, 2.5 mg/kg, before test"),
    ],
)
def test_treatments_in_words(given: Treatment, sentence: str) -> None:
    assert pharmacology(given) == sentence


def test_a_start_without_a_time_zone_says_what_to_do(tmp_path: Path) -> None:
    header = msgspec.structs.replace(example_session().header, started_at="2026-03-02T09:00:00")
    with pytest.raises(BadInput, match="its start has no time zone, which NWB needs; import it with --time-zone"):
        nwb.write(tmp_path / "x.nwb", replace(example_session(), header=header))
    assert list(tmp_path.iterdir()) == []


def test_an_nwb_file_of_another_program_is_refused(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    import pynwb

    file = pynwb.NWBFile(session_description="x", identifier="x", session_start_time=datetime(2026, 1, 1, tzinfo=UTC))
    with pynwb.NWBHDF5IO(str(tmp_path / "x.nwb"), "w") as io:
        io.write(file)
    with pytest.raises(BadInput, match="is an NWB file of another program"):
        nwb.read(tmp_path / "x.nwb")


def test_what_dandi_asks_for_is_named() -> None:
    assert "species, sex and age" in lacking(example_session())[0]
    young = replace(example_session(), animals=ANIMALS.model_copy(update={"age_weeks": None}))
    assert "add age_weeks" in lacking(young)[0]


def test_a_missing_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pynwb", None)
    with pytest.raises(BadInput, match=r"NWB needs pynwb, which is not installed; run pip install 'behavior\[nwb\]'"):
        nwb.write(tmp_path / "x.nwb", example_session())
