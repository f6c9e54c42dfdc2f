#!/bin/sh
# Healthy is a server that takes connections: not one that still recovers from a crash.
exec "${TMPDIR:-/tmp}/postgres/bin/pg_isready" -h 127.0.0.1 -p "$PORT" -d shop -U shop -t 2
