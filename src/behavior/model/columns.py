"""What columns mean that many tables have. Those of one table stand in the `columns.py` of the room that writes it.

A meaning names the unit that the column's name ends with; measures with a label of their own stand in `measures.py`.
"""

from __future__ import annotations

ANYWHERE: dict[str, str] = {
    "session": "the session's folder below the dataset",
    "subject": "whose session it is",
    "arm": "of the study; with groups, ARM.GROUP",
    "dose_mg_kg": "mg/kg; 0 is vehicle, missing as long as the study is blind",
    "left_out": "why the session takes no part in the analysis; empty if it does",
    "resumed": "whether the session had been interrupted and gone on with",
    "shock_verified": "whether the delivered currents were measured",
    "interrupted": (
        "whether a gap lies in it (nobody drove the session, or a device was gone), or its end was cut, or "
        "the wire to a device was disturbed: a trial at all, a component for more than a twentieth of its "
        "time"
    ),
    "disturbed_s": "time in which the wire to a device was disturbed, and responses may be late or missing, s",
    "begin_s": "when it began, s of session time",
    "time_s": "how long it was under control, s",
    "trial": "number, from 1",
    "valid": "whether its shock was delivered as asked",
    "censored": "whether the latency is that of the cut-off: the animal did not do it",
    "shock_onset_s": "when its shock began, s of session time",
    "shock_ma": "current that was asked for, mA",
    "delivered_ma": "current that the device measured, mA; missing where it does not measure",
    "shock_s": "time with shock on, s, of those that were delivered",
    "gated_s": "time in which the apparatus itself sounded, s",
    "n_calls": "22-kHz calls that began in it",
    "calling_time_s": "22-kHz calling, s",
    "n_shocks_delivered": "shocks that arrived as asked",
    "n_shocks_invalid": "shocks that were commanded and did not arrive as asked",
    "window_s": "time in which it could happen, s",
    "n_entries": "full entries",
    "time_in_start_s": "time where it was put in, s",
    "stage": "of the paradigm's course: training, test, …",
    "group": "as the animal was prepared or tested, whatever its dose",
    "unit": "the experimental unit",
    "cage": "of the animal",
    "day": "of the unit's schedule",
    "blind_code": "under which the dose is sealed",
    "chamber": "of the rig",
    "period": "within subjects: which of its tests",
    "compound": "that was given",
    "endpoint": "name of the measure",
    "method": "by which it was compared, or that gave the number",
    "n": "units that the number rests on",
    "file": "name of the recording",
    "onset_s": "from the first sample of the recording, or of session time where there is no file, s",
    "offset_s": "end, s; the first moment after it",
    "low_hz": "lowest frequency of the contour, Hz",
    "high_hz": "highest frequency of the contour, Hz",
    "score": "the detector's evidence; comparable within a profile only",
}
"""Of any table."""


CALLS: dict[str, str] = {
    "duration_s": "offset minus onset, s",
    "peak_hz": "frequency where it is loudest, Hz",
    "mean_hz": "mean of the contour, Hz",
    "start_hz": "where the contour begins, Hz",
    "end_hz": "where it ends, Hz",
    "bandwidth_hz": "highest minus lowest, Hz",
    "slope_hz_per_s": "of a line through the contour, Hz/s",
    "sinuosity": "length of the contour over that of the straight line",
    "tonality": "1 − geometric / arithmetic mean of the power spectrum in the call's band: 0 noise, 1 pure tone",
    "level_db": "along the contour, dB re a sine of full scale",
    "snr_db": "over the noise floor of its own frequencies, dB",
    "call_type": "22-kHz, 50-kHz and their kinds; see what counts as a call",
}
"""Of tables of calls."""
