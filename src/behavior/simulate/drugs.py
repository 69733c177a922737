"""What drugs do to the simulated rat: sigmoid effects E(d) = d^h / (d^h + ED50^h) on a few parameters of behavior.

The parameters were chosen to give the directions and the few sizes that are published (ipsapirone and diazepam raise
punished responding 2.5 to 4.7 times and lower unpunished responding at high doses; ipsapirone and buspirone suppress
conditioned vocalization, diazepam hardly does: Sanger 1992, Cervo & Samanin 1995 and 2000, De Vry et al. 1993,
Molewijk et al. 1995). They are a design for testing software, and no finding about the drugs.
"""

from __future__ import annotations

from dataclasses import dataclass

from behavior.model.errors import BadInput


def effect(dose_mg_kg: float, ed50_mg_kg: float, hill: float) -> float:
    """Share of the full effect, from 0 without drug to 1.

    >>> effect(0, 4, 2), effect(4, 4, 2)
    (0.0, 0.5)
    """
    ratio = float((dose_mg_kg / ed50_mg_kg) ** hill)
    return ratio / (1 + ratio)


@dataclass(frozen=True, slots=True)
class Drug:
    """Effects of a compound.

    Attributes
    ----------
    conflict_emax, conflict_ed50_mg_kg : punished responding times 1 + emax E, with h = 2
    motor_ed50_mg_kg : unpunished responding times 1 - 0.8 E, with h = 1.6
    calling_ed50_mg_kg : conditioned vocalization reduced by E, with h = 1.3; None: not reduced
    """

    conflict_emax: float
    conflict_ed50_mg_kg: float
    motor_ed50_mg_kg: float
    calling_ed50_mg_kg: float | None

    def punished(self, dose_mg_kg: float) -> float:
        """Factor on the punished rate."""
        return 1 + self.conflict_emax * effect(dose_mg_kg, self.conflict_ed50_mg_kg, 2.0)

    def unpunished(self, dose_mg_kg: float) -> float:
        """Factor on the unpunished rate."""
        return 1 - 0.8 * effect(dose_mg_kg, self.motor_ed50_mg_kg, 1.6)

    def calming(self, dose_mg_kg: float) -> float:
        """Share by which conditioned vocalization is reduced."""
        return effect(dose_mg_kg, self.calling_ed50_mg_kg, 1.3) if self.calling_ed50_mg_kg else 0.0


DRUGS = {
    "ipsapirone": Drug(2.4, 4.0, 14.0, 1.2),
    "buspirone": Drug(0.9, 0.5, 1.2, 1.0),
    "alnespirone": Drug(2.0, 0.45, 1.4, 0.7),
    "diazepam": Drug(4.6, 1.2, 6.0, None),
}
"""The compounds that the simulated rat knows."""


def find_drug(compound: str) -> Drug:
    """The drug of this name.

    Raises
    ------
    BadInput
        The simulated rat does not know it.
    """
    try:
        return DRUGS[compound.lower()]
    except KeyError:
        known = ", ".join(DRUGS)
        raise BadInput(f"{compound}: the simulated rat does not know this compound; choose one of {known}") from None
