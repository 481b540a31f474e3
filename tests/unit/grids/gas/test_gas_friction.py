import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from cosim.grids.gas.friction import friction

MODELS = ("nikuradse", "colebrook", "swamee-jain")


def one(model: str, reynolds: float, roughness: float) -> tuple[float, float]:
    factor, slope = friction(model, np.array([[reynolds]]), np.array([[roughness]]))
    return float(factor[0, 0]), float(slope[0, 0])


@given(st.floats(10.0, 1e8), st.floats(1e-6, 0.05))
def test_colebrook_solves_its_implicit_equation(reynolds: float, roughness: float) -> None:
    def residual(x: float) -> float:
        return x + 2.0 * np.log10(2.51 * x / reynolds + roughness / 3.71)

    x = brentq(residual, 1e-9, 100.0, xtol=1e-14, rtol=1e-14)
    assert one("colebrook", reynolds, roughness)[0] == pytest.approx(x**-2, rel=1e-9)


def test_textbook_values() -> None:
    """Moody chart: Re = 1e5 and k/d = 1e-4 give 0.0185; the rough limit of k/d = 0.01 is 0.038."""
    assert one("colebrook", 1e5, 1e-4)[0] == pytest.approx(0.0185, abs=1e-4)
    assert one("colebrook", 1e9, 0.01)[0] == pytest.approx(0.0379, abs=1e-4)
    assert one("nikuradse", 1e9, 0.01)[0] == pytest.approx(0.0379, abs=1e-4)


@given(st.floats(5e3, 1e8), st.floats(1e-6, 0.01))
def test_swamee_jain_is_within_three_percent_of_colebrook(re: float, roughness: float) -> None:
    """Swamee and Jain (1976) claim 1 % for 5e3 < Re and k/d < 0.01; 3 % at the corners."""
    assert one("swamee-jain", re, roughness)[0] == pytest.approx(
        one("colebrook", re, roughness)[0], rel=0.03
    )


def test_nikuradse_adds_the_laminar_term() -> None:
    rough = one("nikuradse", 1e300, 1e-3)[0]
    assert one("nikuradse", 64.0, 1e-3)[0] == pytest.approx(1.0 + rough)


@pytest.mark.parametrize("model", MODELS)
@given(reynolds=st.floats(30.0, 1e7), roughness=st.floats(1e-5, 0.02))
def test_slope_is_the_elasticity(model: str, reynolds: float, roughness: float) -> None:
    step = 1e-5
    low, high = (one(model, reynolds * np.exp(s), roughness)[0] for s in (-step, step))
    assert one(model, reynolds, roughness)[1] == pytest.approx(
        np.log(high / low) / (2.0 * step), rel=1e-4, abs=1e-8
    )


@pytest.mark.parametrize("model", MODELS)
def test_standing_gas_has_a_finite_factor_without_slope(model: str) -> None:
    factor, slope = one(model, 0.0, 1e-3)
    assert np.isfinite(factor)
    assert slope == 0.0


def test_pole_of_swamee_jain_stays_finite() -> None:
    pole = 5.74 ** (1.0 / 0.9)
    assert np.isfinite(one("swamee-jain", pole, 1e-15)[0])


def test_unknown_model_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown friction model 'hofer'"):
        one("hofer", 1e5, 1e-3)
