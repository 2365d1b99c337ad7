#!/usr/bin/env bash
# health.sh live|ready PORT: ends with 0 when the process in this container says that it is. Containers run it every few
# seconds, so it is not a program of Node, whose start takes as much processor as a dozen bookings.
set -eu
probe=${1:-live}
port=${2:-8080}
exec 3<> "/dev/tcp/127.0.0.1/$port"
printf 'GET /health/%s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' "$probe" "$port" >&3
read -r -t 4 status <&3
[[ $status == 'HTTP/1.1 200 '* ]]
