"""Calls to another app of the environment, with bounds on time, size and repetition."""

import json
import os
from typing import Any

import urllib3

_ANSWER_BYTES_MAX = 256 * 1024
_TIMEOUT = urllib3.Timeout(connect=1, read=4)  # seconds
# Everything this app asks of others may be asked twice, so any method is tried again.
_RETRY = urllib3.Retry(
    total=2,
    backoff_factor=0.1,
    status_forcelist=(502, 503, 504),
    allowed_methods=None,
    raise_on_status=False,
    redirect=False,
)


class Unavailable(Exception):
    """The app gave no usable answer."""


class Refused(Exception):
    """The app answered that the request was wrong."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Dependency:
    """Another app, by its name; `trouble` says what went wrong the last time it was called."""

    def __init__(self, name: str) -> None:
        word = f"SERVICE_{name}_HTTP".upper().replace("-", "_")
        host, port = os.environ[f"{word}_HOST"], os.environ[f"{word}_PORT"]
        self.name = name
        self.trouble = ""
        self._address = f"http://{host}:{port}"
        self._pool = urllib3.PoolManager(maxsize=8, retries=_RETRY, timeout=_TIMEOUT)

    def get(self, path: str) -> Any:
        """Ask for something."""
        return self._call("GET", path, None)

    def post(self, path: str, body: object = None) -> Any:
        """Have something done; the other side must bear being asked twice."""
        return self._call("POST", path, json.dumps(body).encode())

    def _call(self, method: str, path: str, body: bytes | None) -> Any:
        try:
            answer = self._ask(method, path, body)
        except Unavailable as error:
            self.trouble = str(error)
            raise
        except Refused:
            self.trouble = ""
            raise
        self.trouble = ""
        return answer

    def _ask(self, method: str, path: str, body: bytes | None) -> Any:
        asked = f"{method} {self._address}{path}"
        headers = {"Content-Type": "application/json"} if body is not None else {}
        try:
            response = self._pool.request(
                method, self._address + path, body=body, headers=headers, preload_content=False
            )
            content = response.read(_ANSWER_BYTES_MAX + 1)
            response.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise Unavailable(f"{asked}: {getattr(error, 'reason', None) or error}") from error
        if response.status >= 500 or len(content) > _ANSWER_BYTES_MAX:
            raise Unavailable(f"{asked}: status {response.status}, {len(content)} bytes")
        try:
            answer = json.loads(content)
        except ValueError as error:
            raise Unavailable(f"{asked}: status {response.status}, not JSON") from error
        if response.status >= 400:
            raise Refused(response.status, str(answer.get("error", f"{asked}: refused")))
        return answer
