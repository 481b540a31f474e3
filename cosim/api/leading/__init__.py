"""A run in which an operator sets prices and its followers answer."""
