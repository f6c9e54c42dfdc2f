"""The form every value of the model has: frozen, keyword-only, and tolerant of newer rows."""

from typing import dataclass_transform

import msgspec


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Value(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A frozen value. Change one with `msgspec.structs.replace(value, field=...)`.

    Every subclass says `kw_only=True` itself: msgspec does not pass that on.

    Unknown fields are ignored when reading, so that a row written by a newer version
    can still be read by an older one during an upgrade.

    What is made once and never changed is in no circle, so the garbage collector need not look at
    it: a large installation has many thousands of them.
    """
