#!/bin/sh
# Installs the named programs that are missing, with the machine's package manager. The names are postgres, cc, curl,
# git, node, npm, chromium, nginx, caddy, haproxy and promtool.
set -eu

has() {
	case $1 in
	postgres)
		[ -n "${PG_BIN:-}" ] && return 0
		for bin in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin \
			/Applications/Postgres.app/Contents/Versions/latest/bin; do
			[ -x "$bin/initdb" ] && return 0
		done
		command -v initdb >/dev/null
		;;
	chromium) [ -n "${CHROMIUM:-}" ] || command -v chromium >/dev/null || command -v google-chrome >/dev/null ;;
	nginx | haproxy) command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ] ;; # users have no sbin in PATH
	*) command -v "$1" >/dev/null ;;
	esac
}

# The package of a program, by package manager.
package() {
	case "$1 $2" in
	"apt-get cc" | "apk cc") echo gcc libc6-dev ;;
	"dnf cc" | "pacman cc" | "brew cc") echo gcc ;;
	"dnf postgres" | "yum postgres") echo postgresql-server ;;
	*" postgres") echo postgresql ;;
	"brew node" | "brew npm") echo node ;;
	*" node") echo nodejs ;;
	"apt-get nginx") echo nginx-light ;;
	"dnf promtool") echo golang-github-prometheus ;;
	*" promtool") echo prometheus ;;
	*) echo "$2" ;;
	esac
}

install() {
	manager=$1
	shift
	sudo=
	[ "$(id -u)" = 0 ] || [ "$manager" = brew ] || sudo=sudo
	echo "installing $*" >&2
	log=$(mktemp)
	case $manager in
	apt-get) $sudo apt-get -qq update && $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" ;;
	apk) $sudo apk add --quiet "$@" ;;
	pacman) $sudo pacman -S --noconfirm --needed "$@" ;;
	*) $sudo "$manager" install -y "$@" ;;
	esac >"$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; return 1; }
	rm -f "$log"
}

for need in "$@"; do
	has "$need" && continue
	for manager in apt-get dnf yum apk pacman brew none; do
		command -v "$manager" >/dev/null && break
	done
	if [ "$manager" = none ]; then
		echo "$need is missing, and there is no known package manager: install it yourself" >&2
		exit 1
	fi
	# shellcheck disable=SC2046 # a program may need several packages
	install "$manager" $(package "$manager" "$need")
	has "$need" || { echo "$need is still missing after its installation" >&2; exit 1; }
done
