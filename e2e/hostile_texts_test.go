package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/e2e/hostile"
)

// I01, I05, I07: whatever text stands in whatever field of whatever mutation, there is an answer of ours to it, nothing of
// the database shows, and no mail goes anywhere but to the addresses of accounts.
func TestHostileTextsInEveryInput(t *testing.T) {
	t.Parallel()
	spec := ownSpecification(t)
	p := newStage(t, spec)
	tried := 0
	for _, mutation := range spec.schema.Mutation.Fields {
		argument := mutation.Arguments.ForName("input")
		if argument == nil {
			continue
		}
		typ := spec.schema.Types[argument.Type.Name()]
		query := fmt.Sprintf(`mutation ($i: %s!) { %s(input: $i) { __typename } }`, typ.Name, mutation.Name)
		for _, field := range typ.Fields {
			if kind := spec.schema.Types[field.Type.Name()].Kind; kind != ast.Scalar {
				continue
			}
			target := p.make(t, "PUBLIC")
			for name, text := range hostile.Texts {
				in, err := target.input(call{parent: spec.schema.Mutation, def: mutation}, typ)
				if err != nil {
					t.Fatal(err)
				}
				in[field.Name] = text
				r := p.asked.do(target.token(), query, vars{"i": in})
				tried++
				if r.code() == "INTERNAL_SERVER_ERROR" || r.code() == "UNAVAILABLE" || strings.Contains(r.Body, "pq:") || strings.Contains(r.Body, "SQL") || len(r.Body) > 2000 {
					t.Errorf("%s.%s is %s: %d %.400s", typ.Name, field.Name, name, r.Status, r.Body)
				}
			}
		}
	}
	if tried < 500 {
		t.Errorf("only %d texts were tried", tried)
	}
	for _, recipient := range p.maker.db.Query(t, `SELECT DISTINCT recipient FROM app.outbox WHERE parked_at IS NULL`) {
		if !strings.HasSuffix(recipient, "@example.org") || strings.Count(recipient, "@") != 1 {
			t.Errorf("a mail goes to %q", recipient)
		}
	}
}

// G14: variables with default values of unknown types, of types that no variable can have, or that do not fit are refused by
// the right code, and nothing panics.
func TestHostileDefaults(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, definition := range hostile.Defaults {
		for _, use := range []string{`me { id }`, `nodes(ids: $x) { id }`, `profiles(first: $x) { nodes { id } }`, `me @skip(if: $x) { id }`} {
			for _, v := range []vars{nil, {"x": nil}, {"x": []any{vars{"a": 1}}}} {
				r := s.do("", fmt.Sprintf(`query (%s) { %s }`, definition, use), v)
				code, _, _ := strings.Cut(r.code(), " ")
				if r.Status != 200 || code != "" && code != "GRAPHQL_VALIDATION_FAILED" && code != "BAD_USER_INPUT" && code != "GRAPHQL_PARSE_FAILED" {
					t.Errorf("%s, %s, %v: %d %s", definition, use, v, r.Status, r.Body)
				}
			}
		}
	}
	if r := s.do("", `query ($x: Nope = 1) { me { id } }`, nil); !strings.HasPrefix(r.code(), "GRAPHQL_VALIDATION_FAILED") || !strings.Contains(r.Body, "Nope") {
		t.Errorf("an unknown type: %s", r.Body)
	}
}

// I04: of two addresses that look alike, or differ in case, only the one that an account has is written to, and as the account
// spells it.
func TestMailGoesToTheStoredAddressOnly(t *testing.T) {
	t.Parallel()
	s := start(t).work()
	s.must("", signUpMutation, vars{"input": vars{"email": "Mike@Example.org", "password": password, "username": "mike"}})
	for _, email := range []string{"m\u0131ke@example.org", "mike@example.org.", "mike@ex\u0430mple.org", "mike@exam\u00adple.org"} {
		if r := s.do("", requestReset, input("email", email)); r.code() != "" && r.code() != "BAD_USER_INPUT" {
			t.Errorf("%q: %s", email, r.Body)
		}
	}
	s.must("", requestReset, input("email", "mIKE@eXAMPLE.ORG"))
	const stored = "Mike@example.org" // domains have no case
	s.codeTo(stored, "reset_password", 1)
	for _, m := range s.mailbox(0) {
		if m.To != stored {
			t.Errorf("a mail went to %q", m.To)
		}
	}
}

// P10: a password that is far too long is refused without hashing it.
func TestHugePasswords(t *testing.T) {
	t.Parallel()
	s := startDear(t)
	huge := strings.Repeat("x", 10<<20)
	for name, body := range map[string]string{
		"signUp": asBody(t, signUpMutation, vars{"input": vars{"email": "ann@example.org", "password": huge, "username": "ann"}}),
		"signIn": asBody(t, signInMutation, input("email", "ann@example.org", "password", huge)),
	} {
		r, err := s.trySend(http.MethodPost, jsonHeader, body)
		if err != nil { // the server may close before all is sent
			continue
		}
		if r.Status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s with 10 MB: %d %.200s", name, r.Status, r.Body)
		}
	}
	s.expectFault("100 KB", s.do("", signUpMutation, vars{"input": vars{"email": "ann@example.org", "password": huge[:100_000], "username": "ann"}}), "input.password TOO_LONG")
	if r := s.trySignIn("ann@example.org", huge[:100_000]); r.code() != "INVALID_CREDENTIALS" { // hashed, so that it takes as long as any other
		t.Errorf("signIn with 100 KB: %s", r.Body)
	}
}
