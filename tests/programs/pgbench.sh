#!/bin/sh
# A PostgreSQL server of its own under pgbench: pgbench.sh [SECONDS]; prints `pid PID` of the server.
#
# The server listens on a socket in its own folder only, and is gone with its files at the end. It
# cannot run as root, so root lends itself to the user postgres. Status 77: PostgreSQL is not here.
set -eu
seconds=${1:-5}
for folder in /usr/lib/postgresql/*/bin; do
    bin=$folder
done
if [ ! -x "$bin/postgres" ] || ! command -v "$bin/pgbench" >/dev/null; then
    echo "skipped: PostgreSQL is not installed" >&2
    exit 77
fi
as=
if [ "$(id -u)" = 0 ]; then
    as="setpriv --reuid=postgres --regid=postgres --clear-groups --"
    id postgres >/dev/null 2>&1 || exit 77
fi
home=$(mktemp -d "${TMPDIR:-/tmp}/pgbench-XXXXXX")
server=
end()
{
    if [ -n "$server" ]; then
        kill -INT "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$home"
}
trap end EXIT
trap 'exit 130' INT TERM HUP

[ -z "$as" ] || chown postgres: "$home"
cd "$home"
# shellcheck disable=SC2086 # a command and its arguments
{
    $as "$bin/initdb" -D "$home/data" -A trust -U bench --no-sync >/dev/null
    $as "$bin/postgres" -D "$home/data" -k "$home" -c listen_addresses= -c fsync=off \
        >"$home/log" 2>&1 &
    server=$!
    for _ in $(seq 100); do
        "$bin/pg_isready" -q -h "$home" -U bench && break
        sleep 0.1
    done
    "$bin/pgbench" -q -i -s 5 -h "$home" -U bench postgres >/dev/null 2>&1
    echo "pid $server"
    "$bin/pgbench" -c 4 -j 1 -T "$seconds" -h "$home" -U bench postgres 2>/dev/null |
        sed -n 's/^tps = \([0-9.]*\).*/tps \1/p'
}
