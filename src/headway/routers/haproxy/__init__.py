"""The front door filled with HAProxy."""

from headway.routers.haproxy.router import HaproxyRouter

__all__ = ["HaproxyRouter"]
