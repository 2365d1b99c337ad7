#!/bin/sh
# install.sh WORKSPACE: the production dependencies of one workspace and of what it stands on, in /out, with their bill of
# materials. The manifests stay behind: they come with the files that they belong to.
set -eu
npm ci --prefer-offline --omit=dev --omit=optional --ignore-scripts --workspace "$1"
node /usr/local/lib/installed.mjs "$1" /tmp/installed
mkdir /out
(cd /tmp/installed && npm sbom --package-lock-only --sbom-format=cyclonedx --sbom-type=application) > /out/sbom.cdx.json
rm node_modules/.package-lock.json
find . -name node_modules -prune -exec cp -a --parents -t /out {} +
