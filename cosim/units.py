"""Unit conversions, the only place where factors between units are written down.

The market and the results speak kW, kWh, kg and the scenario's currency; the network
adapters convert to MW, W, kg/s, bar and K with the functions and constants below.
"""

KW_PER_MW = 1000.0
W_PER_KW = 1000.0
PA_PER_BAR = 1.0e5
M_PER_KM = 1000.0
MM_PER_M = 1000.0
SECONDS_PER_HOUR = 3600.0
MINUTES_PER_HOUR = 60.0
KG_PER_T = 1000.0
G_PER_KG = 1000.0
ZERO_CELSIUS_K = 273.15

GAS_LHV_KWH_PER_KG = 13.1
"""Lower heating value of high-calorific natural gas (group H), kWh/kg.

Source: DVGW G 260 group H, 10.0 kWh/m3 (LHV, normal conditions) at about 0.76 kg/m3.
"""


def celsius_to_kelvin(temperature_c: float) -> float:
    """Return a temperature in K from one in degrees Celsius."""
    return temperature_c + ZERO_CELSIUS_K


def kelvin_to_celsius(temperature_k: float) -> float:
    """Return a temperature in degrees Celsius from one in K."""
    return temperature_k - ZERO_CELSIUS_K


def gas_kw_to_kg_per_s(power_kw: float, lhv_kwh_per_kg: float = GAS_LHV_KWH_PER_KG) -> float:
    """Return the gas mass flow in kg/s that carries `power_kw` of lower heating value."""
    return power_kw / lhv_kwh_per_kg / SECONDS_PER_HOUR
