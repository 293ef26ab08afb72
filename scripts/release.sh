#!/usr/bin/env bash
# Builds a release in .cache/release: binaries, checksums, a bill of materials, and the notices of third parties.
#
#   scripts/release.sh               everything; builds each binary twice and compares the two
#   scripts/release.sh binary FILE   one binary, for GOOS and GOARCH
#   scripts/release.sh notices FILE  the licences of everything in the binaries
#   scripts/release.sh copy FOLDER    the sources, with the built playground
#
# VERSION and COMMIT are those of the Git repository, unless you set them. TARGETS can select some of the targets.
set -euo pipefail
cd "$(dirname "$0")/.."

targets=${TARGETS:-linux/amd64 linux/arm64 darwin/amd64 darwin/arm64}
go=${GO:-go}
gomod_version=v1.10.0 # of cyclonedx-gomod

fail() { echo "release: $*" >&2; exit 1; }
step() { echo "release: $*"; }

if [ -z "${VERSION:-}" ]; then
	# As Go names a commit: by its tag, or else by its time and hash.
	VERSION=$(git describe --tags --exact-match --match 'v*' 2>/dev/null ||
		TZ=UTC git log -1 --abbrev=12 --date=format-local:%Y%m%d%H%M%S --format=v0.0.0-%cd-%h)
	[ -z "$(git status --porcelain)" ] || VERSION=$VERSION+dirty
fi
[ -n "${COMMIT+set}" ] || COMMIT=$(git rev-parse HEAD)

# binary FILE: builds for GOOS and GOARCH. Nothing of this machine gets into the file: not the path, the user or the time.
binary() {
	[ -f web/dist/manifest.json ] || fail "the playground is not built: run make build"
	CGO_ENABLED=0 GOFLAGS='' GOAMD64=v1 GOARM64=v8.0 "$go" build -buildvcs=false -trimpath -o "$1" \
		-ldflags "-s -w -X freehold.dev/freehold/telemetry.version=$VERSION -X freehold.dev/freehold/telemetry.commit=$COMMIT" .
}

# notices FILE: each module, with its licences. The playground's npm packages have theirs in a file that its build writes.
notices() {
	modules=$(for target in $targets; do
		CGO_ENABLED=0 GOFLAGS='' GOOS=${target%/*} GOARCH=${target#*/} "$go" list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' .
	done | sort -u)
	[ -n "$modules" ] || fail "no modules were found"
	{
		echo "freehold contains the following software. Each has its licence below it."
		licence "Go's standard library" "$("$go" env GOROOT)"
		while read -r path version dir; do
			licence "$path $version" "$dir"
		done <<<"$modules"
		printf '\n%s\nThe playground contains these npm packages:\n\n' "$line"
		cat web/dist/playground/licences-*.txt
	} >"$1"
}

line=$(printf '%080d' 0 | tr 0 -)

# licence NAME FOLDER
licence() {
	files=$(find "$2" -maxdepth 1 -type f \( -iname 'licen[cs]e*' -o -iname 'copying*' -o -iname 'notice*' -o -iname 'patents*' \) | sort)
	[ -n "$files" ] || fail "$1 has no licence in $2"
	printf '\n%s\n%s\n' "$line" "$1"
	for file in $files; do
		printf '\n'
		cat "$file"
	done
}

# materials FILE BINARY: the CycloneDX bill of materials of a binary, from what Go recorded in it.
materials() {
	tool=$PWD/.cache/bin/cyclonedx-gomod-$gomod_version
	if [ ! -x "$tool" ]; then
		step "building cyclonedx-gomod $gomod_version"
		GOBIN=$PWD/.cache/bin GOFLAGS='' "$go" install "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$gomod_version"
		mv .cache/bin/cyclonedx-gomod "$tool"
	fi
	"$tool" bin -json -std -noserial -version "$VERSION" -output "$1" "$2" 2>/dev/null || fail "cyclonedx-gomod failed for $2"
}

# copy FOLDER: copies the sources, with the built playground.
copy() {
	mkdir -p "$1"
	{ git ls-files -z --cached --others --exclude-standard; find web/dist -type f -print0; } |
		xargs -0 sh -c 'for f; do [ ! -e "$f" ] || printf "%s\0" "$f"; done' sh | tar -c --null -T - | tar -x -C "$1"
}

release() {
	out=$PWD/.cache/release
	again=$(mktemp -d)
	# shellcheck disable=SC2064 # the folder of now
	trap "chmod -R u+w '$again'; rm -rf '$again'" EXIT
	rm -rf "$out"
	mkdir -p "$out"
	copy "$again/elsewhere"
	for target in $targets; do
		name=freehold_${VERSION}_${target%/*}_${target#*/}
		step "$name"
		GOOS=${target%/*} GOARCH=${target#*/} binary "$out/$name"
		# Another folder and an empty cache, so that everything is compiled again.
		(cd "$again/elsewhere" && GOCACHE=$again/cache GOOS=${target%/*} GOARCH=${target#*/} VERSION=$VERSION COMMIT=$COMMIT GO=$go \
			scripts/release.sh binary "$again/$name")
		cmp "$out/$name" "$again/$name" || fail "two builds of $name differ"
		materials "$out/$name.cdx.json" "$out/$name"
		rm -rf "$again/cache" "$again/$name"
	done
	notices "$out/THIRD_PARTY_NOTICES.txt"
	cp LICENSE "$out/LICENSE"
	sum=sha256sum
	command -v "$sum" >/dev/null || sum='shasum -a 256' # macOS
	(cd "$out" && $sum -- * >SHA256SUMS)
	step "the release is in .cache/release; each binary was built twice, with the same result"
}

case ${1:-} in
"") release ;;
binary | notices | copy) "$1" "$2" ;;
*) fail "unknown part $1" ;;
esac
