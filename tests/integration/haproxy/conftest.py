"""The same routers as in the contract."""

from tests.contract.router.conftest import binary, make, router

__all__ = ["binary", "make", "router"]
