"""The HTTP API: one file a noun; it translates, and holds no rules."""

import sys

# FastAPI looks at each parameter whether it is of pydantic's first version, and loads all of that,
# 1.6 MiB, to see. Nothing here is of it; where it cannot be loaded, FastAPI goes without.
sys.modules.setdefault("pydantic.v1", None)  # type: ignore[arg-type]
