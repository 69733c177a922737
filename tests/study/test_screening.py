"""What a screening said stands beside the subject's tests, and leaves nobody out."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from behavior.study.screening import with_screening


def sessions(*rows: tuple[str, object, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["subject", "non_caller", "started_at"]).assign(left_out="")


def test_the_flag_of_a_screening_stands_beside_the_tests_of_its_subject() -> None:
    found = with_screening(
        sessions(("R1", True, "01"), ("R2", False, "02"), ("R1", None, "03"), ("R2", None, "04"), ("R3", None, "05"))
    )
    assert found["screened_non_caller"].tolist() == [None, None, True, False, None]


def test_of_two_screenings_the_last_counts() -> None:
    found = with_screening(sessions(("R1", None, "09"), ("R1", False, "05"), ("R1", True, "02")))
    assert found["screened_non_caller"].tolist() == [False, None, None]


def test_without_a_screening_the_table_is_as_it_was() -> None:
    table = sessions(("R1", None, "01"))
    assert with_screening(table) is table
    bare = table.drop(columns="non_caller")
    assert with_screening(bare) is bare


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from([True, False, None])), min_size=1, max_size=12))
def test_nobody_is_left_out_and_nothing_else_changes(rows: list[tuple[str, bool | None]]) -> None:
    table = sessions(*((subject, flag, f"{place:02d}") for place, (subject, flag) in enumerate(rows)))
    found = with_screening(table)
    pd.testing.assert_frame_equal(found[table.columns], table)
    if "screened_non_caller" in found:
        tests = found[found["non_caller"].isna()]
        screened = {subject for subject, flag in rows if flag is not None}
        assert set(tests.loc[tests["screened_non_caller"].notna(), "subject"]) == screened & set(tests["subject"])
