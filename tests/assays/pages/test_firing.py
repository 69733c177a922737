"""The page of a firing study: layouts, neurons that cannot be used, figures without an ED50, published figures."""

from __future__ import annotations

import numpy as np
import pytest

from behavior.model.errors import BadFile, BadInput

HEAD = "neuron,cum_dose_ug_kg,rate_hz\n"
STRONG = {0: 2.0, 10: 1.6, 100: 0.4, 1000: 0.1}
PUBLISHED = """[[figures]]
compound = "x"
quantity = "ed50"
target = "dorsal raphe firing"
value = 0.05
unit = "mg/kg"
source = "me"
"""


def rows(**neurons):
    return HEAD + "".join(f"{name},{d},{r}\n" for name, rates in neurons.items() for d, r in rates.items())


def endpoints(result):
    return {(one.endpoint, one.of): one for one in result.endpoints}


def test_mean_inhibition_and_interpolated_ed50_worked_by_hand(written):
    result = written("firing", rows(a=STRONG, b={0: 4.0, 10: 3.6, 100: 1.2}), 'compound = "x"\ncells = "raphe"\n')
    found = endpoints(result)
    assert found["inhibition", "x, raphe, 10 µg/kg"].value == pytest.approx((20 + 10) / 2)
    assert found["inhibition", "x, raphe, 100 µg/kg"].value == pytest.approx((80 + 70) / 2)
    assert found["inhibition", "x, raphe, 1000 µg/kg"].n == 1
    # 50 % is half of the way from 20 to 80 on log dose, and two thirds from 10 to 70
    by_hand = np.sqrt(10 ** (1 + 1 / 2) * 10 ** (1 + 2 / 3))
    assert found["ED50", "x, raphe"].value == pytest.approx(by_hand)


def test_a_name_that_was_not_given_leaves_no_comma_behind(written):
    assert all(not one.of.startswith(",") for one in written("firing", rows(a=STRONG)).endpoints)


@pytest.mark.parametrize(
    "table",
    [
        rows(a={0: 2.0}),
        rows(a={0: 2.0, 10: 1.0}),
        rows(a={0: 2.0, 10: 1.9, 100: 1.8}, b={0: 1.0, 10: 1.1, 100: 0.9}),
        rows(a=STRONG),
        rows(a={0: 2.0, 10: 0.0, 100: 0.0}),
    ],
    ids=["baseline only", "one dose", "no neuron reaches half", "one neuron", "silent at once"],
)
def test_whatever_the_neurons_do_the_report_is_drawn(report_of, table):
    assert "Figure 1" in report_of("firing", table)


def test_neurons_that_cannot_be_used_are_named_and_the_others_stay(written):
    table = rows(a=STRONG, silent={0: 0.0, 10: 1.0}, late={10: 1.0, 100: 0.5}) + "blank,0,\nblank,10,1\n"
    result = written("firing", table)
    (neurons,) = (table.frame for table in result.tables if table.name == "neurons")
    assert neurons["neuron"].tolist() == ["a"]
    assert [flag.split(":")[0] for flag in result.flags if flag.endswith("(left out)")] == ["silent", "late", "blank"]


def test_all_neurons_out_of_order_are_said_at_once(written):
    wrong = {0: 2.0, 100: 1.0, 10: 1.5}
    with pytest.raises(BadFile) as caught:
        written("firing", rows(a=wrong, b=STRONG, c=wrong))
    assert [problem.what.split(":")[0] for problem in caught.value.problems] == ["a", "c"]


def test_counts_are_taken_over_the_stated_seconds_and_rates_as_they_are(written):
    counts = HEAD.replace("rate_hz", "spikes") + "".join(f"a,{d},{int(100 * r)}\n" for d, r in STRONG.items())
    by_count, by_rate = written("firing", counts, "count_s = 100\n"), written("firing", rows(a=STRONG))
    assert [one.value for one in by_count.endpoints] == pytest.approx([one.value for one in by_rate.endpoints])
    (neurons,) = (table.frame for table in by_count.tables if table.name == "neurons")
    assert neurons["baseline_hz"].tolist() == [2.0]


def test_the_criterion_moves_the_interpolated_ed50_along_the_line(written):
    values = [
        endpoints(written("firing", rows(a=STRONG), f"criterion_percent = {criterion}\n"))["ED50", ""].value
        for criterion in (20.0001, 35, 50, 65, 80)
    ]
    assert np.diff(np.log10(values)) == pytest.approx([0.25] * 4, abs=1e-4)


EVENTS = "neuron,event,time_s,cum_dose_ug_kg\n"


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (EVENTS + "a,injection,100,0\na,injection,200,50\n", r"a: cumulative doses .*above 0 and increase .are 0, 50."),
        (EVENTS + "a,injection,100,50\na,injection,200,50\n", r"are 50, 50.*mend the entry"),
        (EVENTS + "a,injection,100,50\na,injection,90,60\n", r"a: injection times must be given and increase"),
        (EVENTS + "a,spike,1,\n", r"a: injection times must be given"),
        (EVENTS + "a,injection,10,50\n", r"a: the first injection is at 10 s: no 60 s of baseline stand before it"),
    ],
    ids=["vehicle injection", "dose given twice", "times fall", "no injection", "no baseline"],
)
def test_recordings_that_cannot_be_read(written, table, sentence):
    with pytest.raises(BadInput, match=sentence):
        written("firing", table, "count_s = 60\n")


def test_spike_times_without_a_counting_window_ask_for_it(written):
    with pytest.raises(BadInput, match="over how many seconds after an injection"):
        written("firing", EVENTS + "a,injection,100,50\n")


@pytest.mark.parametrize(
    ("unit", "relation"), [("ug_kg", "own / published "), ("nM", "not comparable: units of different kinds")]
)
def test_a_published_ed50_stands_beside_the_own_whatever_the_unit(written, unit, relation):
    table = rows(a=STRONG, b=STRONG).replace("ug_kg", unit)
    result = written("firing", table, 'compound = "x"\n', PUBLISHED)
    (one,) = result.published
    assert one.relation.startswith(relation) and one.published == "0.05 mg/kg"
    if unit == "ug_kg":
        own = endpoints(result)["ED50", "x"].value
        assert float(one.relation.removeprefix(relation)) == pytest.approx(own / 50, rel=1e-3)


def test_without_a_compound_nothing_stands_beside(written):
    assert written("firing", rows(a=STRONG), "", PUBLISHED).published == ()
