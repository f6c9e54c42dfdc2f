"""How long anything may take at most whose length somebody says."""

LENGTH_MAX_S = 3650 * 86_400.0
"""Ten years. The end of what takes much longer would be on no calendar."""
