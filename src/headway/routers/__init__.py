"""The front door: fillings of the Router port."""
