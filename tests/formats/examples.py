"""Files that the tests of formats share, made as the programs make them, and what hypothesis may put into tables."""

from __future__ import annotations

from hypothesis import strategies as st

from behavior.formats.calls import Annotation, CallTable

RAVEN_WHOLE_HERTZ = (
    "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tRater\tDelta Time (s)\n"
    "1\tWaveform 1\t1\t0.5\t0.75\t\t\tflat\t0.25\n"
    "1\tSpectrogram 1\t1\t0.5\t0.75\t21000\t24000\tflat\t0.25\n"
    "2\tSpectrogram 1\t1\t1.5\t1.6\t48000\t61000\ttrill\t0.1\n"
)
"""Two selections, the first in two views; whole hertz; a label column of the lab's own; a measurement."""

words = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=12)
seconds = st.floats(0, 1e5)
hertz = st.none() | st.floats(0, 5e5)


@st.composite
def call_tables(draw: st.DrawFn, *, band: bool = True, labels: bool = True, more: bool = False) -> CallTable:
    """Annotations with what a format can hold."""
    rows = []
    for _ in range(draw(st.integers(0, 5))):
        onset_s, offset_s = sorted(draw(st.tuples(seconds, seconds)))
        low_hz, high_hz = draw(st.tuples(hertz, hertz)) if band else (None, None)
        columns = draw(st.dictionaries(st.sampled_from(["peak_hz", "score"]), st.sampled_from(["1.5", "71234.25"])))
        label = draw(words) if labels else ""
        rows.append(Annotation(onset_s, offset_s, low_hz, high_hz, label, "", columns if more else {}))
    return CallTable(tuple(rows))
