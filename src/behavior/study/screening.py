"""What a drug-free screening said of a subject, beside its other sessions.

A subject that hardly called without drug can stratify an analysis, by a rule that stands before the drug; it is never a
reason to leave out a silent test (`docs/decisions/screening-flags-and-never-leaves-out.md`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

FLAG, SCREENED = "non_caller", "screened_non_caller"


def with_screening(sessions: pd.DataFrame) -> pd.DataFrame:
    """The session table with the flag of each subject's last screening on its other sessions.

    Parameters
    ----------
    sessions : of `study.dataset`; `non_caller` holds True or False on screening sessions and nothing on others

    Returns
    -------
    DataFrame
        With a column `screened_non_caller`, if some subject was screened; empty for those that were not, and on the
        screenings themselves.
    """
    if FLAG not in sessions.columns or not sessions[FLAG].notna().any():
        return sessions
    screenings = sessions[sessions[FLAG].notna()].sort_values("started_at", kind="stable")
    said = dict(zip(screenings["subject"], screenings[FLAG].astype(bool), strict=True))
    was_one = sessions[FLAG].notna()
    beside = [None if one else said.get(subject) for subject, one in zip(sessions["subject"], was_one, strict=True)]
    return sessions.assign(**{SCREENED: beside})
