"""Coordinates: everything becomes WGS84 (lon, lat), distances are taken in UTM zone 32."""

from __future__ import annotations

import json
from collections.abc import Iterable

import numpy as np
from pyproj import Transformer

GAUSS_KRUEGER_3 = 31467
WGS84 = 4326
UTM_32 = 25832
DECIMALS = 6  # about 0.1 m


def from_gauss_krueger(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return lon, lat of shape (n, 2); x is the easting with its zone digit 3."""
    return np.column_stack(
        Transformer.from_crs(GAUSS_KRUEGER_3, WGS84, always_xy=True).transform(x, y)
    )


def from_lat_lon(points: Iterable[dict]) -> np.ndarray:
    """Return lon, lat from GeoJSON-like points whose coordinates were written as [lat, lon]."""
    return np.array([point["coordinates"][::-1] for point in points])


def from_geojson(points: Iterable[str]) -> np.ndarray:
    """Return lon, lat from GeoJSON strings."""
    return np.array([json.loads(point)["coordinates"] for point in points])


def to_metres(lon_lat: np.ndarray) -> np.ndarray:
    """Return UTM coordinates in m, shape (n, 2)."""
    transformer = Transformer.from_crs(WGS84, UTM_32, always_xy=True)
    return np.column_stack(transformer.transform(lon_lat[:, 0], lon_lat[:, 1]))


def to_geojson(lon_lat: np.ndarray) -> list[str]:
    """Return one GeoJSON point per row."""
    rounded = np.round(lon_lat, DECIMALS)
    return [json.dumps({"type": "Point", "coordinates": [float(x), float(y)]}) for x, y in rounded]
