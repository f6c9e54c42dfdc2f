"""The workshop: fillings of the Sources and Builder ports."""
