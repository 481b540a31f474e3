"""The `participants` section: who they are, where they connect, what they need and own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import ErrorDetails, InitErrorDetails

from cosim.scenario.base import Strict
from cosim.scenario.carbon import Quota
from cosim.scenario.carriers import CARRIERS, Carrier
from cosim.scenario.networks import NonNegative, Positive
from cosim.scenario.series import Series
from cosim.scenario.tariffs import Tariff


class DeviceSpec(Strict):
    """Base of every device: what it is called in files, and its running cost."""

    type: str
    """Key in the mapping of device types."""

    def periods_h(self, *, carries: bool) -> Mapping[str, float]:
        """Return field -> hours of what has to fit into the windows of a long horizon.

        Args:
            carries: whether windows hand on what the device carries.
        """
        return {}

    def reach_h(self) -> Mapping[str, float]:
        """Return field -> hours that the look-ahead of a window has to cover."""
        return {}

    def weather_needs(self) -> tuple[tuple[str, ...], ...]:
        """Return the sets of weather quantities of which one has to be there; empty for none."""
        return ()

    def relieves(self) -> Mapping[Carrier, float]:
        """Return carrier -> largest share of the participant's demand that may be taken away."""
        return {}


class Connection(Strict):
    """Where and how strongly a participant is connected for one carrier."""

    network: str | None = None
    """Network of the scenario; the only one of the fitting kind if missing. A carrier without
    any network in the scenario is traded without physical verification."""
    at: int | str | tuple[int | str, ...] | Mapping[int | str, Positive] | None = None
    """Bus, heat consumer or junction by index or name; several share the power equally, or with
    the given weights. Missing only with `at_slack` or without a network."""
    at_slack: bool = False
    """At the balancing plant of a heat or cooling network."""
    import_max_kw: NonNegative = 1e5
    """Most that may be drawn (contracted power)."""
    export_max_kw: NonNegative = 1e5
    """Most that may be fed in."""
    power_factor: Annotated[float, Field(gt=0.0, le=1.0)] = 0.95
    """Of the participant's inflexible electric demand (inductive)."""
    reactive_max_kvar: NonNegative = 0.0
    """Reactive power that inverters may freely inject or absorb (VDE-AR-N 4105 capability)."""
    inverter_power_factor_min: Annotated[float, Field(gt=0.0, le=1.0)] | None = None
    """Triangular capability: free reactive power is also at most tan(acos(this)) times what the
    participant's devices generate, charge and discharge; VDE-AR-N 4105: 0.95 to 13.8 kVA, then
    0.9."""
    inverter_max_kva: Positive | None = None
    """Circular capability: what the participant's devices generate, charge and discharge, and free
    reactive power, together stay within this apparent power."""
    apparent_max_kva: Positive | None = None
    """Contracted apparent power of the whole connection, in and out."""
    feed_temperature_c: float | None = None
    """Temperature of heat fed in; the network's set-point if missing."""
    tariff: Tariff | None = None
    """A tariff of its own in place of the carrier's in `tariffs`."""
    utility: bool = True
    """Buys from and sells to the utility; if not, it only trades with other participants."""

    @model_validator(mode="after")
    def _triangle_has_a_size(self) -> Connection:
        if self.inverter_power_factor_min is not None and self.reactive_max_kvar == 0.0:
            raise ValueError(
                "inverter_power_factor_min without reactive_max_kvar; give reactive_max_kvar, the "
                "most that all inverters together can inject or absorb"
            )
        return self


class Participant(Strict):
    """One party of the community."""

    connections: Mapping[Carrier, Connection]
    """Carriers it can exchange; electricity and others not listed cannot be bought or sold."""
    demand: Mapping[Carrier, Series] = {}
    """Inflexible demand in kW per carrier."""
    devices: Mapping[str, Any] = {}
    """Devices by a name of the user's choice, each with its `type`."""
    carbon_quota: Quota | None = None
    """Its own allowances in place of `carbon.trading.quota`."""
    role: str = ""
    """One line for the report."""

    @field_validator("devices", mode="before")
    @classmethod
    def _devices(cls, value: Any, info: ValidationInfo) -> Any:
        """Validate each device with the spec that its type names (types come by context)."""
        if not isinstance(value, Mapping):
            return value
        types: Mapping[str, type[DeviceSpec]] = (info.context or {}).get("device_types", {})
        devices, errors = {}, []
        for name, spec in value.items():
            try:
                devices[name] = _validate_device(name, spec, types)
            except ValidationError as error:
                errors += [_below(str(name), item) for item in error.errors()]
        if errors:
            raise ValidationError.from_exception_data("devices", errors)
        return devices

    @model_validator(mode="after")
    def _carriers_reachable(self, info: ValidationInfo) -> Participant:
        if (info.context or {}).get("design", False):
            return self
        for carrier in self.demand:
            feeding = any(carrier in _outputs(spec) for spec in self.devices.values())
            if carrier not in self.connections and not feeding:
                raise ValueError(
                    f"demand for {carrier} has neither a connection nor a device that supplies it; "
                    f"add connections.{carrier} or a device"
                )
        return self


def _outputs(spec: Any) -> tuple[str, ...]:
    return tuple(getattr(spec, "supplies", ()))


def _below(name: str, item: ErrorDetails) -> InitErrorDetails:
    """Return an error of a device with the device's name in its path."""
    moved = InitErrorDetails(type=item["type"], loc=(name, *item["loc"]), input=item["input"])
    if "ctx" in item:
        moved["ctx"] = item["ctx"]
    return moved


def _validate_device(name: str, spec: Any, types: Mapping[str, type[DeviceSpec]]) -> Any:
    if isinstance(spec, DeviceSpec):
        return spec
    if not isinstance(spec, Mapping) or "type" not in spec:
        raise ValueError(f"device {name} has no type; give one of {', '.join(sorted(types))}")
    kind = spec["type"]
    if kind not in types:
        raise ValueError(
            f"device {name}: unknown type {kind!r}; give one of {', '.join(sorted(types))}"
        )
    return types[kind].model_validate(dict(spec))


__all__ = ["CARRIERS", "Carrier", "Connection", "DeviceSpec", "Participant"]
