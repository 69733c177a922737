"""Squads: which subjects go into which chambers together. A squad of one's own is a file; a study's are in its plan."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from behavior.config.read import Record
from behavior.config.rig import Name


class Start(Record):
    """One session that is to be started. What was given is a blind code, or a dose of something in something."""

    chamber: Name
    subject: str
    paradigm: str
    parameters: str | None = None
    """TOML file of the paradigm's parameters, or name of a shipped preset."""
    master: str | None = None
    """Folder of the master's session, for a yoked subject."""
    free_feeding_g: Annotated[float | None, Field(gt=0)] = None
    """The subject's weight before food was restricted, g."""
    blind_code: str | None = None
    compound: str | None = None
    dose_mg_kg: Annotated[float | None, Field(ge=0)] = None
    vehicle: str | None = None
    route: str | None = None
    pretreatment_min: Annotated[float | None, Field(ge=0)] = None
    precedes: str | None = None
    """The stage that the treatment was given before."""
    day: Annotated[int | None, Field(ge=1)] = None
    """Of the study."""
    study: str | None = None
    arm: str | None = None

    @property
    def is_treated(self) -> bool:
        """Whether it says what was given, be it under a code."""
        return self.blind_code is not None or self.dose_mg_kg is not None

    def options(self) -> list[str]:
        """As options of `behavior run`, but for what is asked at the start."""
        given = self.model_dump(exclude={"subject"}, exclude_none=True)
        return [text for name, value in given.items() for text in (f"--{name.replace('_', '-')}", str(value))]


class SquadFile(Record):
    """The sessions that are to be started together."""

    sessions: Annotated[tuple[Start, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_each(self) -> Self:
        for what in ("chamber", "subject"):
            names = [getattr(session, what) for session in self.sessions]
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"sessions: {what} {twice[0]!r} stands twice; each can hold or be in one session")
        return self
