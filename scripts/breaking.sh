#!/bin/sh
# Fails if the schema breaks clients of the last release. See docs/frontends/tools.md.
set -eu

tag=$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null) || { echo "there is no release yet, so nothing can break"; exit 0; }
old=$(mktemp)
trap 'rm -f "$old"' EXIT
git show "$tag:schema.graphqls" >"$old"
echo "compared with $tag:"
node e2e/clients/breaking.mjs "$old" schema.graphqls e2e/clients/breaking.txt
