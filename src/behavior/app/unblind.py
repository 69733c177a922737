"""`behavior unblind`: lock scores and exclusions, open the key, and put both on record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def unblind(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="Folder of the study.")],
    reason: Annotated[str, typer.Option(help="Why now, as in 'all sessions are scored'.")] = "",
    passphrase_file: Annotated[Path | None, typer.Option(help="Holds the key's passphrase; asked otherwise.")] = None,
    by: Annotated[
        str | None, typer.Option(help="Who unblinds, for the audit log; by default who is logged in.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Open the sealed key, after scores and exclusions were locked. What is changed later is labelled so."""
    from behavior.app.passphrase import passphrase, who_is_it
    from behavior.app.records import designed_study
    from behavior.study.audit import read_audit
    from behavior.study.blinding import KEY_FILE, sealed_bytes
    from behavior.study.dataset import read_dataset
    from behavior.study.unblind import unblind as unblinded

    study, who = designed_study(dataset), who_is_it(by)
    sealed_bytes(dataset / KEY_FILE, study)
    before = read_dataset(dataset)
    unscored = before.sessions.loc[before.sessions["left_out"].str.contains("no score|score was made"), "session"]
    if len(unscored):
        typer.echo(f"warning: {len(unscored)} sessions have no score that holds: {', '.join(unscored)}", err=True)
    key = unblinded(dataset, passphrase(passphrase_file), study, who=who, reason=reason)
    log = read_audit(dataset)
    if as_json:
        locked = {"n_sessions": len(before.sessions), "n_exclusions": len(before.exclusions)}
        told = {"dataset": dataset.as_posix(), **locked, "n_codes": len(key.administrations), "audit_head": log.head}
        typer.echo(json.dumps(told, indent=2))
        return
    typer.echo(f"Locked the scores of {len(before.sessions)} sessions and {len(before.exclusions)} exclusions.")
    typer.echo(f"Unblinded: {len(key.administrations)} codes have their doses. Audit log: {log.head}")
    typer.echo(f"Next: behavior summarize {dataset}")
