"""What a person decides about an assay, as TOML beside the table. Every rule that changes a number is here,
with its default.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from behavior.config import Record


class Common(Record):
    """What every assay's settings may say."""

    title: str = ""
    species: str = "rat"
    conf_level: float = Field(default=0.95, gt=0.5, lt=1)


class Target(Record):
    """The radioligand at one target."""

    radioligand: str = ""
    ligand_nM: float = Field(gt=0)  # noqa: N815
    """Free radioligand in the tubes."""
    kd_nM: float = Field(gt=0)  # noqa: N815
    kd_se_nM: float = Field(default=0.0, ge=0)  # noqa: N815
    """Its standard error, which then widens the limits of Ki."""
    ligand_se_nM: float = Field(default=0.0, ge=0)  # noqa: N815
    tissue: str = ""


class BindingSettings(Common):
    """Competition binding."""

    targets: dict[str, Target] = Field(min_length=1)
    """By the name that the table's column `target` has; a table without that column needs exactly one."""
    slope: Literal["one", "free"] = "one"
    spread: Literal["constant", "grows"] = "grows"
    """Whether the tubes' error is taken as constant or as growing with their counts."""
    hold_bottom: bool = False
    """Hold the lower plateau at the nonspecific mean."""
    total_label: str = "TOTAL"
    nonspecific_label: str = "NSB"
    reference_target: str = ""
    """Selectivity is given over this target; the first one where it is left out."""
    added: float | None = Field(default=None, gt=0)
    """Counts added to a tube, in the unit of the counts, for the check of ligand depletion."""

    @model_validator(mode="after")
    def _reference_is_known(self) -> BindingSettings:
        if self.reference_target and self.reference_target not in self.targets:
            raise ValueError(f"reference_target {self.reference_target!r} is not among the targets; name one of them")
        return self


class SaturationSettings(Common):
    """Saturation binding."""

    compound: str = ""
    """The treatment whose effect on the receptors is asked for."""
    radioligand: str = ""
    target: str = ""
    control: str = "control"
    """The group that the others are compared with."""
    spread: Literal["constant", "grows"] = "grows"
    """Whether the tubes' error is taken as constant or as growing with their binding."""
    nonspecific: Literal["measured", "fitted"] = "measured"
    """Subtract each tube's measured nonspecific binding, or fit totals and nonspecific tubes together."""


class MicrodialysisSettings(Common):
    """Microdialysis."""

    compound: str = ""
    baseline_from_min: float | None = None
    baseline_to_min: float = 0.0
    """Samples that end at or before this time are baseline."""
    least_baseline_samples: int = Field(default=3, ge=1)
    unstable_cv: float = Field(default=0.15, gt=0)
    """A baseline with a larger coefficient of variation is flagged."""
    unstable_drift: float = Field(default=0.25, gt=0)
    """A baseline that drifts by a larger fraction of its mean from its first to its last sample is
    flagged."""
    leave_out_unstable: bool = False
    auc_to_min: float | None = Field(default=None, gt=0)
    """The area is taken to this time; to the last sample where it is left out."""
    below_limit: Literal["missing", "half", "zero"] = "missing"
    vehicle_dose: float = 0.0
    alpha: float = Field(default=0.05, gt=0, lt=1)


class FiringSettings(Common):
    """Firing rates."""

    compound: str = ""
    cells: str = ""
    """Which neurons, such as `dorsal raphe`."""
    count_s: float | None = Field(default=None, gt=0)
    """Seconds over which spikes were counted; needed for a column of counts and for spike times."""
    delay_s: float = Field(default=0.0, ge=0)
    """From an injection to the counting window, for spike times."""
    baseline_s: float | None = Field(default=None, gt=0)
    baseline_dose: float = 0.0
    criterion_percent: float = Field(default=50.0, gt=0, lt=100)


class KineticsSettings(Common):
    """Kinetics."""

    route: Literal["extravascular", "iv_bolus"] = "extravascular"
    main_trapezoid: Literal["lin", "linup_logdown"] = "lin"
    design: Literal["by_animal", "sparse", "auto"] = "auto"
    """`auto` is sparse where most animals gave fewer than four samples."""
    min_points: int = Field(default=3, ge=3)
    include_cmax: bool = False
    r2_tolerance: float = Field(default=1e-4, ge=0)
    below_before: Literal["zero", "missing", "half"] = "zero"
    below_between: Literal["zero", "missing", "half"] = "missing"
    parent: str = ""
    metabolites: tuple[str, ...] = ()
    molar_mass_g_mol: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    large_extrapolation: float = Field(default=0.2, gt=0, lt=1)
    """A larger extrapolated fraction of the area is flagged."""


class ExposureSettings(Common):
    """Exposure beside effect."""

    compound: str = ""
    effect: str = "effect"
    """Name of the effect with its unit, for the axis."""
    vehicle_dose: float = 0.0
    ki_nM: float | None = Field(default=None, gt=0)  # noqa: N815
    """With it and `fraction_unbound` the expected receptor occupancy is given."""
    fraction_unbound: float | None = Field(default=None, gt=0, le=1)
