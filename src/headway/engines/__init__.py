"""The hands: fillings of the Engine port. Engines carry out and report; they decide nothing."""
