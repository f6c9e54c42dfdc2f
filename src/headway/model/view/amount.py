"""One resource of a node, or of many together: what is there, reserved and used."""

from headway.model.value import Value


class Amount(Value, kw_only=True):
    """So much of a resource, in a unit that people read."""

    name: str
    """Such as `cpu`."""
    unit: str
    """Such as `cores`."""
    there: float
    reserved: float
    used: float | None = None
    """None: nobody measured it."""

    @property
    def free(self) -> float:
        """What is left to reserve, whether what is reserved is used or not."""
        return max(0.0, self.there - self.reserved)
