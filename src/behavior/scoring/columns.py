"""What the columns of scores mean; a name that ends with `_` stands for all that begin with it."""

from __future__ import annotations

SESSION: dict[str, str] = {
    "duration_s": "from start to end, s",
    "completed": "whether it ran to its planned end",
    "end_reason": "why it ended",
    "n_resumed": "how often it was gone on with",
    "gap_s": "time in which nobody drove it, s",
    "n_shocks_commanded": "shocks that were asked for",
    "n_deliveries": "deliveries that the feeder's sensor saw",
    "n_deliveries_failed": "deliveries that it did not see",
    "n_punished_presses": "presses in punished components",
    "n_unpunished_presses": "presses in unpunished components",
    "n_other_lever_presses": "presses of a lever that earns nothing",
    "fraction_suppressed": "1 − punished / unpunished rate",
    "strongest_shock_ma": "strongest current that was asked for, mA",
    "n_components": "that began",
    "n_components_interrupted": "of these, interrupted",
    "n_pairings": "of cue and shock that were given",
    "n_pairings_valid": "of these, with a shock as asked",
    "unheard_s": "time that is on no recording, s",
    "median_call_duration_s": "median 22-kHz call, s",
    "latency_first_call_censored": "whether it did not call at all",
    "mean_intercall_interval_s": "between the end of a 22-kHz call and the next, within bouts and between, s",
    "mean_peak_hz": "mean peak frequency of the 22-kHz calls, Hz",
    "n_short_calls": "calls of the 22-kHz band that are shorter than 0.3 s",
    "non_caller": "of a screening: called less than the rule in the parameters",
    "n_trials": "that began",
    "n_trials_invalid": "of these, invalid or interrupted",
    "mean_escape_latency_successes_s": "mean over escapes alone, s",
    "n_latencies_censored": "latencies that are cut-offs",
    "helpless": "whether the failures reach the rule in the parameters",
    "n_failures_block_": "failures in the first, second … block of trials",
    "n_habituation_crossings": "crossings before the first trial",
    "mean_shock_s": "mean shock, s",
    "mean_interval_s": "mean time between shocks' onsets, s",
    "min_interval_s": "shortest time between shocks' onsets, s",
    "max_interval_s": "longest time between shocks' onsets, s",
    "fraction_escaped": "of the shocks, share that it ended",
    "n_crossings": "crossings",
    "n_crossings_in_shock": "crossings while the shock was on",
    "treatment_acts_on": "what a drug can have changed: acquisition, consolidation or retrieval",
    "training_latency_capped_s": "training latency, the cut-off where it did not enter, s",
    "training_latency_censored": "whether it did not enter",
    "avoided": "whether it did not enter before the cut-off",
    "slow_to_train": "whether it broke the rule of training in the parameters",
    "shock_valid": "whether its shock was delivered as asked",
    "retention_latency_capped_s": "retention latency, the cut-off where it did not enter, s",
    "retention_latency_censored": "whether it did not enter",
    "n_fights_in_window": "fights that began within the window after a shock",
    "n_fights_outside_window": "fights that did not",
    "latency_first_fight_censored": "whether they did not fight",
    "mean_fight_latency_s": "mean latency of fights from the shock's onset, s",
    "n_shocks_with_fight_second_rater": "the same by the second rater",
    "fraction_agreement": "of the shocks, share on which raters agree",
    "cohens_kappa": "their agreement beyond chance",
}
"""Of a session, in `score.json` and `sessions.csv`."""


ROWS: dict[str, str] = {
    "component": "its name",
    "punished": "whether its parameters punish",
    "cycle": "occurrence, from 1",
    "n_presses": "presses in it",
    "rate_per_min": "presses over its time, 1/min",
    "n_pellets": "reinforcers",
    "cs_s": "length of the cue, s",
    "block": "of trials, from 1",
    "outcome": "avoidance, escape or failure",
    "latency_cs_s": "from the cue's onset; the cut-off where censored, s",
    "latency_us_s": "from the shock's onset; missing where there was none, s",
    "n_crossings": "crossings in it",
    "n_crossings_in_shock": "crossings while the shock was on",
    "escaped": "whether it ended its shock",
    "latency_s": "to the entry; missing where it did not enter, s",
    "latency_capped_s": "the same, the cut-off where it did not enter, s",
    "fight_": "whether this rater saw a fight",
    "latency_": "from the shock's onset to the fight by this rater, s",
    "bin": "number, from 1",
}
"""Of components, trials and bins."""


RESPONSES: dict[str, str] = {
    "kind": "lever, crossing, head entry",
    "where": "which lever, or to which side",
    "component": "in which it fell; empty outside of all",
    "cycle": "occurrence of the component, from 1",
}
"""Of `responses.csv`."""


MANIFEST: dict[str, str] = {
    "item": "path in the archive",
    "kind": "session or recording",
    "state": "done, unchanged or error",
    "place": "where its results are",
    "software": "that made them",
    "sha256": "digest of what it was made from",
    "error": "why it could not be done",
}
"""Of `rescored/manifest.csv`."""
