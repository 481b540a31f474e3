"""How the exact method proves its bound: narrower ranges, step by step and at the root."""
