#!/bin/sh
# replace.sh SERVICE...: puts a container of the image and the settings that are there now in the place of each that runs,
# one after the other: the new one is ready before the old one leaves, which takes its requests to their end first.
# A second gateway wants a free port beside the first one's: DAYBOOK_PORT=0, and something in front that knows both.
set -eu
cd "$(dirname "$0")"
[ $# -gt 0 ] || { echo "Usage: replace.sh SERVICE..." >&2; exit 64; }
for service in "$@"; do
  running=$(docker compose ps --quiet "$service")
  count=$(printf '%s' "$running" | grep -c . || true)
  for old in $running; do
    docker compose up --detach --no-deps --no-recreate --wait --scale "$service=$((count + 1))" "$service"
    docker stop "$old" > /dev/null
    docker rm "$old" > /dev/null
    echo "replaced one of $service"
  done
done
