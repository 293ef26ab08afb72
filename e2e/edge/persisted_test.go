package edge

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

func sha256Hex(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// persistedQuery is extensions.persistedQuery of Apollo's protocol.
func persistedQuery(hash string) harness.Vars {
	return harness.Vars{"persistedQuery": harness.Vars{"version": 1, "sha256Hash": hash}}
}

func sendBody(s *harness.Service, token string, body harness.Vars) harness.Reply {
	s.T.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		s.T.Fatal(err)
	}
	return s.Send(harness.Request{Token: token, Body: string(text)})
}

// Automatic persisted queries: an unknown hash gets the protocol's own error. The client then sends the document with its
// hash. From then on the hash is enough, by POST and by GET, for every viewer.
func TestAutomaticPersistedQueries(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	a := s.SignUp(harness.Vars{"visibility": "PUBLIC"})
	const query = `query ($u: String!) { profile(username: $u) { username user { email } } }`
	known := harness.Vars{"extensions": persistedQuery(sha256Hex(query)), "variables": harness.Vars{"u": a.Username}}
	if r := sendBody(s, "", known); r.Status != 200 || r.Code() != "PERSISTED_QUERY_NOT_FOUND" || r.Errors[0].Message != "PersistedQueryNotFound" || strings.Contains(r.Body, `"data"`) {
		t.Fatalf("an unknown hash: %d %s", r.Status, r.Body)
	}
	if r := sendBody(s, "", harness.Vars{"query": query, "extensions": known["extensions"], "variables": known["variables"]}); r.Code() != "UNAUTHENTICATED" || !strings.Contains(r.Body, a.Username) {
		t.Fatalf("registering: %s", r.Body)
	}
	if r := sendBody(s, "", known); r.Code() != "UNAUTHENTICATED" || !strings.Contains(r.Body, a.Username) {
		t.Errorf("by hash, as an anonymous viewer: %s", r.Body)
	}
	if r := sendBody(s, a.Token, known); len(r.Errors) > 0 || !strings.Contains(r.Body, a.Email) {
		t.Errorf("by hash, as the owner: %s", r.Body)
	}
	byURL := url.Values{"extensions": {`{"persistedQuery":{"version":1,"sha256Hash":"` + strings.ToUpper(sha256Hex(query)) + `"}}`}, "variables": {`{"u":"` + a.Username + `"}`}}
	if r := getQuery(s, http.Header{"Authorization": {"Bearer " + a.Token}}, byURL); len(r.Errors) > 0 || !strings.Contains(r.Body, a.Email) {
		t.Errorf("by hash and GET: %s", r.Body)
	}
	if r := sendBody(s, "", harness.Vars{"documentId": "sha256:" + sha256Hex(query), "variables": known["variables"]}); !strings.Contains(r.Body, a.Username) {
		t.Errorf("by documentId: %s", r.Body)
	}
}

// W06: a hash runs only the document of which it is the SHA-256, and a document passes the same checks by its hash as by its
// text.
func TestPersistedQueriesAreNotTrusted(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	const query, mutation, page = `{ me { id } }`, `mutation { signOut { success } }`, `query ($n: Int) { profiles(first: $n) { nodes { id user { id } } } }`
	for _, text := range []string{query, mutation, page} {
		sendBody(s, "", harness.Vars{"query": text, "extensions": persistedQuery(sha256Hex(text))})
	}
	for name, c := range map[string]struct {
		body   harness.Vars
		status int
		code   string
	}{
		"another's hash":           {harness.Vars{"query": `{ __typename }`, "extensions": persistedQuery(sha256Hex(query))}, 400, "BAD_REQUEST"},
		"a free hash":              {harness.Vars{"query": query, "extensions": persistedQuery(sha256Hex("x"))}, 400, "BAD_REQUEST"},
		"a short hash":             {harness.Vars{"query": query, "extensions": persistedQuery("00")}, 400, "BAD_REQUEST"},
		"no hash":                  {harness.Vars{"query": query, "extensions": persistedQuery("")}, 400, "BAD_REQUEST"},
		"a hash of letters":        {harness.Vars{"extensions": persistedQuery(strings.Repeat("x", 64))}, 400, "BAD_REQUEST"},
		"another version":          {harness.Vars{"extensions": harness.Vars{"persistedQuery": harness.Vars{"version": 2, "sha256Hash": sha256Hex(query)}}}, 400, "BAD_REQUEST"},
		"a version as text":        {harness.Vars{"extensions": harness.Vars{"persistedQuery": harness.Vars{"version": "1", "sha256Hash": sha256Hex(query)}}}, 400, "BAD_REQUEST"},
		"no object":                {harness.Vars{"extensions": harness.Vars{"persistedQuery": "hunter2"}}, 400, "BAD_REQUEST"},
		"an id and a hash":         {harness.Vars{"documentId": "x", "extensions": persistedQuery(sha256Hex(query))}, 400, "BAD_REQUEST"},
		"an id and a query":        {harness.Vars{"documentId": "x", "query": query}, 400, "BAD_REQUEST"},
		"an unknown id":            {harness.Vars{"documentId": "x"}, 200, "PERSISTED_QUERY_NOT_FOUND"},
		"null":                     {harness.Vars{"extensions": harness.Vars{"persistedQuery": nil}}, 400, "BAD_REQUEST"},
		"too costly a page":        {harness.Vars{"extensions": persistedQuery(sha256Hex(page)), "variables": harness.Vars{"n": 100_000}}, 200, "OPERATION_TOO_COSTLY"},
		"a variable of no Int":     {harness.Vars{"extensions": persistedQuery(sha256Hex(page)), "variables": harness.Vars{"n": "x"}}, 200, "BAD_USER_INPUT"},
		"an operation that is not": {harness.Vars{"extensions": persistedQuery(sha256Hex(query)), "operationName": "Nope"}, 200, "GRAPHQL_VALIDATION_FAILED"},
		"what is in use":           {harness.Vars{"extensions": persistedQuery(sha256Hex(query))}, 200, ""},
	} {
		if r := sendBody(s, "", c.body); r.Status != c.status || r.Code() != c.code || strings.Contains(r.Body, "hunter") {
			t.Errorf("%s: %d %s, want %d %s", name, r.Status, r.Body, c.status, c.code)
		}
	}
	if r := getQuery(s, nil, url.Values{"extensions": {`{"persistedQuery":{"version":1,"sha256Hash":"` + sha256Hex(mutation) + `"}}`}}); r.Status != 405 {
		t.Errorf("a mutation by its hash and GET: %d %s", r.Status, r.Body)
	}
	for name, text := range map[string]string{"syntax": `{`, "validation": `{ nope }`, "aliases": "{" + strings.Repeat("a: me { id } ", 51) + "}"} {
		sendBody(s, "", harness.Vars{"query": text, "extensions": persistedQuery(sha256Hex(text))})
		if r := sendBody(s, "", harness.Vars{"extensions": persistedQuery(sha256Hex(text))}); r.Code() != "PERSISTED_QUERY_NOT_FOUND" {
			t.Errorf("a document that was refused for its %s is stored: %s", name, r.Body)
		}
	}
}

// Trusted documents run by their ids and hashes, whichever tool wrote them. If only these are allowed, nothing else runs,
// however a client sends it.
func TestTrustedDocuments(t *testing.T) {
	t.Parallel()
	const mine, named, other, costly = "query Mine {\n  me { id }\n}\n", `query Named { __typename }`, `{ usernameAvailable(username: "free") }`, `query Big($n: Int) { profiles(first: $n) { nodes { id } } }`
	dir := harness.WriteFiles(t, map[string]string{
		"mine.graphql":           mine,
		"README.md":              "not a document",
		"relay/persisted.json":   fmt.Sprintf(`{"doc-1": %q}`, named),
		"apollo/manifest.json":   fmt.Sprintf(`{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{"id": "doc-2", "name": "Big", "type": "query", "body": %q}]}`, costly),
		"codegen/persisted.json": fmt.Sprintf(`{"sha256:%s": %q}`, sha256Hex(named), named),
	})
	d := dbtest.New(t)
	also := harness.StartWith(t, d, harness.BothLayers, app.Options{}, "FREEHOLD_OPERATIONS="+dir)
	only := harness.StartWith(t, d, harness.BothLayers, app.Options{}, "FREEHOLD_OPERATIONS="+dir, "FREEHOLD_OPERATIONS_ONLY=on")
	for name, c := range map[string]struct {
		body           harness.Vars
		inAlso, inOnly string // codes
	}{
		"an id of a manifest":       {harness.Vars{"documentId": "doc-1"}, "", ""},
		"its hash":                  {harness.Vars{"extensions": persistedQuery(sha256Hex(named))}, "", ""},
		"its hash as an id":         {harness.Vars{"documentId": "sha256:" + sha256Hex(named)}, "", ""},
		"its text":                  {harness.Vars{"query": named}, "", ""},
		"its text and hash":         {harness.Vars{"query": named, "extensions": persistedQuery(sha256Hex(named))}, "", ""},
		"a file's hash":             {harness.Vars{"extensions": persistedQuery(sha256Hex(mine))}, "", ""},
		"its limits":                {harness.Vars{"documentId": "doc-2", "variables": harness.Vars{"n": 100_000}}, "OPERATION_TOO_COSTLY", "OPERATION_TOO_COSTLY"},
		"its text, with a space":    {harness.Vars{"query": named + " "}, "", "QUERY_NOT_IN_SAFELIST"},
		"another text":              {harness.Vars{"query": other}, "", "QUERY_NOT_IN_SAFELIST"},
		"another, to be registered": {harness.Vars{"query": other, "extensions": persistedQuery(sha256Hex(other))}, "", "QUERY_NOT_IN_SAFELIST"},
		"an unknown id":             {harness.Vars{"documentId": "doc-3"}, "PERSISTED_QUERY_NOT_FOUND", "PERSISTED_QUERY_NOT_FOUND"},
		"introspection":             {harness.Vars{"query": `{ __schema { queryType { name } } }`}, "", "QUERY_NOT_IN_SAFELIST"},
	} {
		for _, x := range []struct {
			s    *harness.Service
			want string
		}{{also, c.inAlso}, {only, c.inOnly}} {
			if r := sendBody(x.s, "", c.body); r.Status != 200 || r.Code() != x.want {
				t.Errorf("%s: %d %s, want %q", name, r.Status, r.Body, x.want)
			}
		}
	}
	if r := sendBody(only, "", harness.Vars{"extensions": persistedQuery(sha256Hex(other))}); r.Code() != "PERSISTED_QUERY_NOT_FOUND" {
		t.Errorf("what was refused is registered: %s", r.Body)
	}
	if got := only.Metrics()[`freehold_requests_total{code="ok",kind="query",operation="Mine"}`]; got != 1 {
		t.Errorf("%v requests of the trusted name Mine, want 1", got)
	}
}

// A folder of trusted documents may be a Kubernetes mount, where every file is a link into a folder that is replaced as a
// whole, or a link itself.
func TestTrustedDocumentsBehindLinks(t *testing.T) {
	t.Parallel()
	dir := harness.WriteFiles(t, map[string]string{"..2026_11_25/a.graphql": `{ __typename }`, "..2026_11_25/b.json": `{"doc-1": "{ me { id } }"}`})
	for name, to := range map[string]string{"..data": "..2026_11_25", "a.graphql": "..data/a.graphql", "b.json": "..data/b.json"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(t.TempDir(), "operations")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	d := dbtest.New(t)
	for _, path := range []string{dir, link, filepath.Join(dir, "b.json")} {
		s := harness.StartWith(t, d, harness.BothLayers, app.Options{}, "FREEHOLD_OPERATIONS="+path, "FREEHOLD_OPERATIONS_ONLY=on")
		if r := sendBody(s, "", harness.Vars{"documentId": "doc-1"}); len(r.Errors) > 0 {
			t.Errorf("%s", r.Body)
		}
	}
}

// Errors in trusted documents prevent the start, and name the file and the document.
func TestInvalidTrustedDocumentsAreNamed(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"syntax":          {map[string]string{"a/b.graphql": `{`}, "a/b.graphql: document "},
		"validation":      {map[string]string{"x.json": `{"doc-1": "{ nope }"}`}, `x.json: document doc-1: `},
		"no JSON":         {map[string]string{"x.json": `[]`}, "x.json: this is not an object of ids and documents"},
		"another format":  {map[string]string{"x.json": `{"format": "x", "operations": []}`}, "x.json: unknown format of the manifest"},
		"no id":           {map[string]string{"x.json": `{"format": "apollo-persisted-query-manifest", "operations": [{"body": "{ me { id } }"}]}`}, "x.json: an id is missing"},
		"an id for two":   {map[string]string{"x.json": `{"a": "{ me { id } }"}`, "y.json": `{"a": "{ __typename }"}`}, "another document has the same id"},
		"nothing":         {map[string]string{"README.md": "x"}, "no document found"},
		"too many tokens": {map[string]string{"x.graphql": "{" + strings.Repeat(" __typename", 2000) + "}"}, "x.graphql: document "},
	} {
		_, err := harness.Program.New(t.Context(), harness.Config(t, d.App, "FREEHOLD_OPERATIONS="+harness.WriteFiles(t, c.files)), app.Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "FREEHOLD_OPERATIONS") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if _, err := harness.Program.New(t.Context(), harness.Config(t, d.App, "FREEHOLD_OPERATIONS=/nowhere"), app.Options{}); err == nil || !strings.Contains(err.Error(), "FREEHOLD_OPERATIONS") {
		t.Errorf("a folder that is missing: %v", err)
	}
}
