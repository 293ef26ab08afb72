#!/bin/sh
# shellcheck disable=SC2046,SC2086 # one argument for each package
# Checks what needs no PostgreSQL, no browser and no Node.js: formatting, the build, go vet, and the tests of each package
# whose test binary contains neither db/dbtest nor devpg's own tests, and which is not below e2e. It asks go list for them, so a new package is in
# from its first test. A package that starts PostgreSQL in another way fails here, because PG_BIN names a folder
# without one.
set -eu
go=${GO:-go}
packages=${PACKAGES:-./...}

unformatted=$("$("$go" env GOROOT)/bin/gofmt" -l $("$go" list -f '{{$d := .Dir}}{{range .GoFiles}}{{$d}}/{{.}}
{{end}}{{range .IgnoredGoFiles}}{{$d}}/{{.}}
{{end}}{{range .TestGoFiles}}{{$d}}/{{.}}
{{end}}{{range .XTestGoFiles}}{{$d}}/{{.}}
{{end}}' $packages))
if [ -n "$unformatted" ]; then
	printf 'gofmt would change:\n%s\n' "$unformatted" >&2
	exit 1
fi
"$go" build $packages
"$go" vet $packages

binaries=$("$go" list -test -f '{{.ImportPath}} {{join .Deps " "}}' $packages)
choose() { # prints the packages whose tests need PostgreSQL (1), or those whose tests do not (0)
	printf '%s\n' "$binaries" | awk -v want="$1" '
		$1 ~ /\.test$/ {
			package = substr($1, 1, length($1) - 5)
			needs = package ~ /\/devpg$|\/e2e\//
			for (i = 2; i <= NF; i++) if ($i ~ /\/db\/dbtest$/) needs = 1
			if (needs == want) print package
		}'
}
echo "not here, because their tests need PostgreSQL: $(choose 1 | tr '\n' ' ')"
export PG_BIN=/nonexistent
unset DATABASE_URL || true
# TestQuick… runs this script.
exec "$go" test -skip '^TestQuick' $(choose 0)
