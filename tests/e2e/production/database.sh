#!/bin/sh
# Begin with an empty database, or go on with the one that is there: a restarted pod keeps what the node keeps.
set -eu
bin=$(ls -d /usr/lib/postgresql/*/bin)
if [ ! -s /data/PG_VERSION ]; then
  printf '%s' "$POSTGRES_PASSWORD" > /tmp/password
  "$bin/initdb" --pgdata=/data --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --username=mlflow --pwfile=/tmp/password
  echo 'host all all all scram-sha-256' >> /data/pg_hba.conf
fi
exec "$bin/postgres" -D /data -c listen_addresses='*' -c unix_socket_directories=/tmp
