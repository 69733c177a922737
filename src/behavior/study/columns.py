"""What the columns of a study's own tables mean."""

from __future__ import annotations

SESSIONS: dict[str, str] = {
    "study": "its name",
    "paradigm": "that was run",
    "vehicle": "its name",
    "route": "of administration",
    "pretreatment_min": "from injection to test, min",
    "precedes": "the stage that the drug was given before: training, retention, test",
    "weight_g": "of the animal on the day, g",
    "experimenter": "who ran it",
    "rig": "name of the rig file",
    "started_at": "date and time, ISO 8601",
    "ended_at": "date and time, ISO 8601",
    "duration_s": "from start to end, s",
    "end_reason": "why it ended",
    "n_shocks": "shocks that the device reported",
    "n_deliveries": "deliveries that the sensor reported",
    "n_responses": "all responses",
    "simulated": "whether an animal was simulated",
    "software": "that ran it",
    "scored_by": "software that scored it",
    "journal_sha256": "digest of the journal",
    "score_sha256": "digest of the score",
}
"""Of `sessions.csv`, before the measures."""


PLAN: dict[str, str] = {
    "starts_at": "when it is to begin",
    "allocation_seed": "of the chance that allocated",
    "untreated": "`yes` for sessions before all treatments",
}
"""Of `plan.csv`."""


INTAKE: dict[str, str] = {
    "until_day": "last day of the bottle",
    "intake_ml_per_animal_day": "what an animal drank a day, ml",
    "dose_mg_kg_per_day": "the dose that this was, mg/kg a day; missing while blind",
}
"""Of `intake.csv`."""
