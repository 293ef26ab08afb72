#!/usr/bin/env bash
# Follows the README in a fresh copy of this tree, with a data folder of its own. Then it tries accidents: killed processes,
# a second instance, another folder. With FULL=1 it also runs `make test` in the copy.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d /tmp/freehold-stranger.XXXXXX)
chmod 755 "$work" # PostgreSQL may run as another user, who must get in
export FREEHOLD_DATA_DIR=$work/data FREEHOLD_ADDR=127.0.0.1:0
unset DATABASE_URL FREEHOLD_ENV FREEHOLD_MIGRATE_URL || true
server=

finish() {
	status=$?
	[ -z "$server" ] || kill -9 -- "-$server" 2>/dev/null || true # make and what it runs
	if [ "$status" != 0 ]; then
		echo "stranger: FAILED; the last output:" >&2
		tail -n 20 "$work"/*.log >&2 || true
	fi
	for _ in $(seq 50); do [ -z "$(postmaster)" ] && break || sleep 0.1; done
	rm -rf "$work"
	exit "$status"
}
trap finish EXIT

fail() { echo "stranger: $*" >&2; exit 1; }
step() { echo "stranger: $*"; }
now() { date +%s%N; }
ms_since() { echo $((($(now) - $1) / 1000000)); }

# The pid of the private PostgreSQL, if it runs.
postmaster() {
	pid=$(head -n 1 "$FREEHOLD_DATA_DIR/postgres/data/postmaster.pid" 2>/dev/null) || return 0
	if kill -0 "$pid" 2>/dev/null; then echo "$pid"; fi
}

# start LOG COMMAND...: starts a server in the background, in a process group of its own, and waits for its endpoint.
start() {
	log=$work/$1.log
	shift
	: >"$log"
	set -m
	"$@" >"$log" 2>&1 &
	server=$!
	set +m
	for _ in $(seq 600); do
		endpoint=$(sed -n 's/^  GraphQL  //p' "$log")
		[ -n "$endpoint" ] && return
		kill -0 "$server" 2>/dev/null || fail "the server ended: $(cat "$log")"
		sleep 0.02
	done
	fail "the server did not start within 12 s"
}

# ended MAX_MS: waits until the server has ended, and PostgreSQL too.
ended() {
	begun=$(now)
	while kill -0 "$server" 2>/dev/null || [ -n "$(postmaster)" ]; do
		[ "$(ms_since "$begun")" -lt "$1" ] || fail "something still runs after $1 ms"
		sleep 0.02
	done
	code=0
	wait "$server" 2>/dev/null || code=$?
	server=
}

token=
gql() {
	curl -s --max-time 10 "$endpoint" -H 'Content-Type: application/json' ${token:+-H "Authorization: Bearer $token"} --data-binary "$1"
}
query() { gql "{\"query\": \"${1//\"/\\\"}\"}"; }

# expect WHAT PATTERN ANSWER
expect() {
	case $3 in
	*"$2"*) ;;
	*) fail "$1: expected $2 in $3" ;;
	esac
}
never() {
	case $3 in
	*"$2"*) fail "$1: unexpected $2 in $3" ;;
	esac
}
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

step "copying the tree"
mkdir "$work/freehold"
git ls-files -z --cached --others --exclude-standard | xargs -0 sh -c 'for f; do [ ! -e "$f" ] || printf "%s\0" "$f"; done' sh |
	tar -c --null -T - | tar -x -C "$work/freehold"
cd "$work/freehold"

step "make build"
make build >"$work/build.log" 2>&1 || fail "make build: $(cat "$work/build.log")"

step "make run"
start run make run
grep -q "$FREEHOLD_DATA_DIR" "$log" || fail "the data folder is not printed: $(cat "$log")"
grep -q "Ctrl-C" "$log" || fail "how to stop is not printed: $(cat "$log")"

step "the playground"
expect "the playground" "freehold playground" "$(curl -s --max-time 10 "${endpoint%graphql}")"
expect "its script" "200 text/javascript" "$(curl -s -o /dev/null -w '%{http_code} %{content_type}' "${endpoint%/graphql}$(curl -s "${endpoint%graphql}" | sed -n 's/.*<script[^>]* src="\([^"]*\)".*/\1/p')")"

step "signing up, me, updating"
password='correct horse battery staple'
signed_up=$(query "mutation { signUp(input: {email: \"ann@example.org\", password: \"$password\", username: \"Ann\"}) { user { email profile { id username } } tokens { accessToken refreshToken } } }")
expect signUp '"user":{"email":"ann@example.org","profile":{"id":"' "$signed_up"
expect signUp '"username":"Ann"' "$signed_up"
ann=$(echo "$signed_up" | field accessToken) ann_profile=$(echo "$signed_up" | sed 's/.*"profile":{"id":"\([^"]*\)".*/\1/')
other=$(query "mutation { signUp(input: {email: \"bob@example.org\", password: \"$password\", username: \"bob\", profile: {visibility: PUBLIC}}) { user { profile { id } } tokens { accessToken } } }")
bob_profile=$(echo "$other" | sed 's/.*"profile":{"id":"\([^"]*\)".*/\1/') bob=$(echo "$other" | field accessToken)
expect "me of nobody" '{"data":{"me":null}}' "$(query '{ me { email } }')"
token=$ann
expect me '{"data":{"me":{"email":"ann@example.org"}}}' "$(query '{ me { email } }')"
expect updateProfile '"displayName":"Ann A."' "$(query 'mutation { updateProfile(input: {displayName: "Ann A."}) { profile { displayName } } }')"

step "being refused everybody else's"
answer=$(query "mutation { updateProfile(input: {id: \"$bob_profile\", displayName: \"Mallory\"}) { profile { id } } }")
expect "another's profile" '"updateProfile":null' "$answer"
expect "another's profile" '"code":"FORBIDDEN"' "$answer"
answer=$(query '{ profile(username: "bob") { username displayName user { email } } }')
expect "another's e-mail" '"user":{"email":null}' "$answer"
expect "another's e-mail" '"path":["profile","user","email"]' "$answer"
never "another's profile, changed" Mallory "$answer"
never "another's e-mail" bob@example.org "$answer"
token=$bob
answer=$(query "mutation { updateProfile(input: {id: \"$ann_profile\", displayName: \"Mallory\"}) { profile { id } } }")
expect "a hidden profile" '"code":"NOT_FOUND"' "$answer"
token=$ann
expect "my profile" '"displayName":"Ann A."' "$(query '{ me { profile { displayName } } }')"

step "a second instance on the same folder"
if ./freehold >"$work/second.log" 2>&1; then fail "a second instance started"; fi
expect "the second instance" "$FREEHOLD_DATA_DIR" "$(cat "$work/second.log")"

step "kill -9 of PostgreSQL: it comes back, with the data"
kill -9 "$(postmaster)"
begun=$(now)
until [ "$(query '{ me { email } }')" = '{"data":{"me":{"email":"ann@example.org"}}}' ]; do
	[ "$(ms_since "$begun")" -lt 5000 ] || fail "no answer 5 s after PostgreSQL was killed: $(query '{ me { email } }')"
	sleep 0.05
done
step "  healed in $(ms_since "$begun") ms"

step "Ctrl-C"
kill -INT -- "-$server"
ended 10000

step "a second start, from another folder, keeps the data"
begun=$(now)
cd /
start again "$work/freehold/freehold"
first=$(query '{ me { email profile { displayName } } }')
took=$(ms_since "$begun")
expect "the second start" '"email":"ann@example.org","profile":{"displayName":"Ann A."}' "$first"
step "  first answer after $took ms"
[ "$took" -lt "${MAX_START_MS:-1000}" ] || fail "the second start took $took ms to its first answer"

step "kill -9 of the server: PostgreSQL goes, and the data stays"
kill -9 "$server"
ended 10000
start after-kill "$work/freehold/freehold"
expect "after kill -9" ann@example.org "$(query '{ me { email } }')"

step "SIGTERM"
kill -TERM "$server"
ended 10000
[ "$code" = 0 ] || fail "SIGTERM ended with code $code"

step "go run, whose parent is killed"
cd "$work/freehold"
start go-run go run .
expect "go run" ann@example.org "$(query '{ me { email } }')"
kill -9 "$server"
ended 10000

step "the commands"
expect config "FREEHOLD_ADDR=127.0.0.1:0" "$(./freehold config)"
expect roles "CREATE ROLE freehold_app" "$(./freehold roles)"
expect schema "@link(url: \"https://specs.apollo.dev/federation/" "$(./freehold schema)"
expect "schema --client" "type Query {" "$(./freehold schema --client)"
never "schema --client" "@link" "$(./freehold schema --client)"
expect "schema --router" "@requiresScopes(scopes: " "$(./freehold schema --router)"
expect "keys rotate" "it is used after ten minutes" "$(./freehold keys rotate)"
expect "an unknown setting" "FREEHOLD_ADRR: unknown setting" "$(FREEHOLD_ADRR=x ./freehold config 2>&1 || true)"
expect "migrate without a URL" "FREEHOLD_MIGRATE_URL" "$(./freehold migrate 2>&1 || true)"

if [ -n "${FULL:-}" ]; then
	step "make test"
	git init -q . && git add -A && git -c user.name=stranger -c user.email=stranger@example.org commit -qm copy
	FULL= make test
fi
step "all well"
