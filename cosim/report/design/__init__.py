"""The report of a run in design mode."""

from cosim.report.design.sections import design_banner, design_facts, design_sections, design_tiles

__all__ = ["design_banner", "design_facts", "design_sections", "design_tiles"]
