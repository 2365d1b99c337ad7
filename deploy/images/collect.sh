#!/bin/sh
# collect.sh WORKSPACE: sorts the files that the workspace needs into /out/packages, what it stands on, and /out/own. Which
# workspaces those are is what npm linked into node_modules/@daybook.
set -eu
mkdir -p /out/packages /out/own
for link in node_modules/@daybook/*; do
  workspace=$(realpath --relative-to=. "$link")
  [ "$workspace" = "$1" ] || cp -R --parents -t /out/packages "$workspace"
done
cp -R --parents -t /out/own "$1"
