"""Names that are no participant's: rows of the cost table, terminals that drive pumps."""

NETWORK = "network"
"""The network account: losses and pump electricity above those of the background alone."""
OPERATOR = "system_operator"
"""Whoever runs the sharing."""
PUMP_PREFIX = "pump:"
"""Before a pipe network's name: the electric terminal that feeds its pump."""
