"""`python -m headway.sim`: what `headway sim` runs."""

from headway.sim.command import sim

if __name__ == "__main__":
    sim(prog_name="headway sim")
