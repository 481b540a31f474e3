"""Design mode: which units to buy and which heat pipes to lay, verified on typical days."""
