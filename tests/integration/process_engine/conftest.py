"""One process engine a test, and its directory to look behind it."""

from tests.contract.engine.conftest import data, engine

__all__ = ["data", "engine"]
