#!/bin/sh
# The part of the official image's entry point that its documented variables describe:
#   POSTGRES_USER (default postgres), POSTGRES_PASSWORD (required), POSTGRES_DB (default: the user's name),
#   POSTGRES_INITDB_ARGS, PGDATA, PGPORT.
# The cluster is made at the first start. The server that makes it listens on a private socket only, so that a
# connection over TCP always means: ready.
set -eu

fail() { printf 'docker-entrypoint: error: %s\n' "$*" >&2; exit 1; }

[ $# -gt 0 ] || set -- postgres
case $1 in
    -*) set -- postgres "$@" ;;
esac
[ "$1" = postgres ] || exec "$@"

: "${PGDATA:=/var/lib/postgresql/data}"
export PGDATA

# As root: put the folders in order, then come back as the database's own user.
if [ "$(id -u)" -eq 0 ]; then
    mkdir -p "$PGDATA" /var/run/postgresql
    chown -R postgres:postgres "$PGDATA"
    chmod 0700 "$PGDATA"
    chown postgres:postgres /var/run/postgresql
    exec setpriv --reuid=postgres --regid=postgres --init-groups -- sh "$0" "$@"
fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    [ -n "${POSTGRES_PASSWORD:-}" ] || fail "POSTGRES_PASSWORD is empty; give one with -e POSTGRES_PASSWORD=..."
    user=${POSTGRES_USER:-postgres}
    database=${POSTGRES_DB:-$user}

    private=$(mktemp -d)
    (umask 077 && printf '%s\n' "$POSTGRES_PASSWORD" >"$private/password")
    # Word splitting is how several arguments fit into the variable.
    # shellcheck disable=SC2086
    initdb --username="$user" --pwfile="$private/password" --auth-local=trust --auth-host=scram-sha-256 \
        ${POSTGRES_INITDB_ARGS:-}
    printf '\nhost all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"

    if [ "$database" != postgres ]; then
        options="-c listen_addresses='' -c unix_socket_directories='$private' -c logging_collector=off"
        PGPORT=5432 pg_ctl --wait --options="$options" --log="$private/log" start >/dev/null ||
            { cat "$private/log" >&2; fail "the new cluster did not start"; }
        PGPORT=5432 createdb --host="$private" --username="$user" --maintenance-db=postgres -- "$database"
        PGPORT=5432 pg_ctl --wait --mode=fast stop >/dev/null
    fi
    rm -rf "$private"
fi

unset POSTGRES_PASSWORD
exec "$@"
