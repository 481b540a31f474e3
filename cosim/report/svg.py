"""A figure as SVG text, as small as it can be without looking any different."""

from __future__ import annotations

import base64
import io
import re

from matplotlib.figure import Figure
from PIL import Image

RASTER_DPI = 220
COLOURS = 256
OUTLINE = re.compile(r' d="([^"]+)"')
DECIMALS = re.compile(r"(\.\d\d)\d+")
PIXELS = re.compile(r"data:image/png;base64,\s*([A-Za-z0-9+/=\s]+)")


def svg(drawn: Figure) -> str:
    """Return a figure as SVG text; the same figure always gives the same text."""
    stream = io.StringIO()
    drawn.savefig(stream, format="svg", dpi=RASTER_DPI, metadata={"Date": None, "Creator": "cosim"})
    text = OUTLINE.sub(_shorter_outline, stream.getvalue())
    return PIXELS.sub(_smaller_image, text)


def _shorter_outline(match: re.Match[str]) -> str:
    """Write coordinates to a hundredth of a point."""
    shorter = DECIMALS.sub(r"\1", match.group(1))
    return f' d="{shorter}"'


def _smaller_image(match: re.Match[str]) -> str:
    """Store a rasterised part with a palette where that takes less room."""
    raw = base64.b64decode(match.group(1))
    stream = io.BytesIO()
    with Image.open(io.BytesIO(raw)) as image:
        small = image.quantize(COLOURS, method=Image.Quantize.FASTOCTREE)
        small.save(stream, "PNG", optimize=True)
    best = min(raw, stream.getvalue(), key=len)
    return "data:image/png;base64," + base64.b64encode(best).decode()
