"""The client: everything the HTTP API offers, typed.

>>> from headway.sdk import Client
>>> client = Client("http://127.0.0.1:7070", "hw_…")
"""

from headway.sdk.client import Client
from headway.sdk.errors import RefusedError, SdkError, UnreachableError

__all__ = ["Client", "RefusedError", "SdkError", "UnreachableError"]
