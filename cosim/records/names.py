"""Names that are no participant's: rows of the cost table, terminals that drive pumps."""

NETWORK = "network"
"""The network account: losses and pump electricity above those of the background alone."""
OPERATOR = "system_operator"
"""Whoever runs the sharing."""
PUMP_PREFIX = "pump:"
"""Before a pipe network's name: the electric terminal that feeds its pump."""
HYDROGEN_PREFIX = "hydrogen:"
"""Before a participant's name: its terminal for hydrogen in a gas network."""


def party_of(terminal: str) -> str:
    """Return the participant behind a terminal's name (or the name of a pump's terminal)."""
    return terminal.removeprefix(HYDROGEN_PREFIX)


def carrier_at(terminal: str, network_carrier: str) -> str:
    """Return what is exchanged at a terminal of a network for a carrier."""
    return "hydrogen" if terminal.startswith(HYDROGEN_PREFIX) else network_carrier
