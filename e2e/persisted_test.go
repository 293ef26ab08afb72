package e2e

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

	"freehold.dev/freehold/db/dbtest"
)

func sha256Hex(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// persistedQuery is extensions.persistedQuery of Apollo's protocol.
func persistedQuery(hash string) vars {
	return vars{"persistedQuery": vars{"version": 1, "sha256Hash": hash}}
}

func (s *service) sendBody(token string, body vars) reply {
	s.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	return s.send(http.MethodPost, header, string(text))
}

// Automatic persisted queries: the answer to an unknown hash is the protocol's own word. The client then sends the document with
// its hash. From then on the hash is enough, by POST and by GET, for every viewer.
func TestAutomaticPersistedQueries(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := s.signUp(vars{"visibility": "PUBLIC"})
	const query = `query ($u: String!) { profile(username: $u) { username user { email } } }`
	known := vars{"extensions": persistedQuery(sha256Hex(query)), "variables": vars{"u": a.Username}}
	if r := s.sendBody("", known); r.Status != 200 || r.code() != "PERSISTED_QUERY_NOT_FOUND" || r.Errors[0].Message != "PersistedQueryNotFound" || strings.Contains(r.Body, `"data"`) {
		t.Fatalf("an unknown hash: %d %s", r.Status, r.Body)
	}
	if r := s.sendBody("", vars{"query": query, "extensions": known["extensions"], "variables": known["variables"]}); r.code() != "UNAUTHENTICATED" || !strings.Contains(r.Body, a.Username) {
		t.Fatalf("registering: %s", r.Body)
	}
	if r := s.sendBody("", known); r.code() != "UNAUTHENTICATED" || !strings.Contains(r.Body, a.Username) {
		t.Errorf("by hash, as nobody: %s", r.Body)
	}
	if r := s.sendBody(a.Token, known); len(r.Errors) > 0 || !strings.Contains(r.Body, a.Email) {
		t.Errorf("by hash, as the owner: %s", r.Body)
	}
	byURL := url.Values{"extensions": {`{"persistedQuery":{"version":1,"sha256Hash":"` + strings.ToUpper(sha256Hex(query)) + `"}}`}, "variables": {`{"u":"` + a.Username + `"}`}}
	if r := s.getQuery(http.Header{"Authorization": {"Bearer " + a.Token}}, byURL); len(r.Errors) > 0 || !strings.Contains(r.Body, a.Email) {
		t.Errorf("by hash and GET: %s", r.Body)
	}
	if r := s.sendBody("", vars{"documentId": "sha256:" + sha256Hex(query), "variables": known["variables"]}); !strings.Contains(r.Body, a.Username) {
		t.Errorf("by documentId: %s", r.Body)
	}
}

// W06: a hash runs only the document that it is the SHA-256 of, and a document passes the same checks by its hash as by its
// text.
func TestPersistedQueriesAreNotTrusted(t *testing.T) {
	t.Parallel()
	s := start(t)
	const query, mutation, page = `{ me { id } }`, `mutation { signOut { success } }`, `query ($n: Int) { profiles(first: $n) { nodes { id user { id } } } }`
	for _, text := range []string{query, mutation, page} {
		s.sendBody("", vars{"query": text, "extensions": persistedQuery(sha256Hex(text))})
	}
	for name, c := range map[string]struct {
		body   vars
		status int
		code   string
	}{
		"another's hash":           {vars{"query": `{ __typename }`, "extensions": persistedQuery(sha256Hex(query))}, 400, "BAD_REQUEST"},
		"a free hash":              {vars{"query": query, "extensions": persistedQuery(sha256Hex("x"))}, 400, "BAD_REQUEST"},
		"a short hash":             {vars{"query": query, "extensions": persistedQuery("00")}, 400, "BAD_REQUEST"},
		"no hash":                  {vars{"query": query, "extensions": persistedQuery("")}, 400, "BAD_REQUEST"},
		"a hash of letters":        {vars{"extensions": persistedQuery(strings.Repeat("x", 64))}, 400, "BAD_REQUEST"},
		"another version":          {vars{"extensions": vars{"persistedQuery": vars{"version": 2, "sha256Hash": sha256Hex(query)}}}, 400, "BAD_REQUEST"},
		"a version as text":        {vars{"extensions": vars{"persistedQuery": vars{"version": "1", "sha256Hash": sha256Hex(query)}}}, 400, "BAD_REQUEST"},
		"no object":                {vars{"extensions": vars{"persistedQuery": "hunter2"}}, 400, "BAD_REQUEST"},
		"an id and a hash":         {vars{"documentId": "x", "extensions": persistedQuery(sha256Hex(query))}, 400, "BAD_REQUEST"},
		"an id and a query":        {vars{"documentId": "x", "query": query}, 400, "BAD_REQUEST"},
		"an unknown id":            {vars{"documentId": "x"}, 200, "PERSISTED_QUERY_NOT_FOUND"},
		"null":                     {vars{"extensions": vars{"persistedQuery": nil}}, 400, "BAD_REQUEST"},
		"too costly a page":        {vars{"extensions": persistedQuery(sha256Hex(page)), "variables": vars{"n": 100_000}}, 200, "OPERATION_TOO_COSTLY"},
		"a variable of no Int":     {vars{"extensions": persistedQuery(sha256Hex(page)), "variables": vars{"n": "x"}}, 200, "BAD_USER_INPUT"},
		"an operation that is not": {vars{"extensions": persistedQuery(sha256Hex(query)), "operationName": "Nope"}, 200, "GRAPHQL_VALIDATION_FAILED"},
		"what is in use":           {vars{"extensions": persistedQuery(sha256Hex(query))}, 200, ""},
	} {
		if r := s.sendBody("", c.body); r.Status != c.status || r.code() != c.code || strings.Contains(r.Body, "hunter") {
			t.Errorf("%s: %d %s, want %d %s", name, r.Status, r.Body, c.status, c.code)
		}
	}
	if r := s.getQuery(nil, url.Values{"extensions": {`{"persistedQuery":{"version":1,"sha256Hash":"` + sha256Hex(mutation) + `"}}`}}); r.Status != 405 {
		t.Errorf("a mutation by its hash and GET: %d %s", r.Status, r.Body)
	}
	for name, text := range map[string]string{"syntax": `{`, "validation": `{ nope }`, "aliases": "{" + strings.Repeat("a: me { id } ", 51) + "}"} {
		s.sendBody("", vars{"query": text, "extensions": persistedQuery(sha256Hex(text))})
		if r := s.sendBody("", vars{"extensions": persistedQuery(sha256Hex(text))}); r.code() != "PERSISTED_QUERY_NOT_FOUND" {
			t.Errorf("a document that was refused for its %s is stored: %s", name, r.Body)
		}
	}
}

// write writes files into a new folder.
func write(t testing.TB, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Trusted documents run by their ids and hashes, whichever tool wrote them. If only these are allowed, nothing else runs,
// however a client sends it.
func TestTrustedDocuments(t *testing.T) {
	t.Parallel()
	const mine, named, other, costly = "query Mine {\n  me { id }\n}\n", `query Named { __typename }`, `{ usernameAvailable(username: "free") }`, `query Big($n: Int) { profiles(first: $n) { nodes { id } } }`
	dir := write(t, map[string]string{
		"mine.graphql":           mine,
		"README.md":              "not a document",
		"relay/persisted.json":   fmt.Sprintf(`{"doc-1": %q}`, named),
		"apollo/manifest.json":   fmt.Sprintf(`{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{"id": "doc-2", "name": "Big", "type": "query", "body": %q}]}`, costly),
		"codegen/persisted.json": fmt.Sprintf(`{"sha256:%s": %q}`, sha256Hex(named), named),
	})
	d := dbtest.New(t)
	also := startWith(t, d, bothWalls, appOptions(), "FREEHOLD_OPERATIONS="+dir)
	only := startWith(t, d, bothWalls, appOptions(), "FREEHOLD_OPERATIONS="+dir, "FREEHOLD_OPERATIONS_ONLY=on")
	for name, c := range map[string]struct {
		body           vars
		inAlso, inOnly string // codes
	}{
		"an id of a manifest":       {vars{"documentId": "doc-1"}, "", ""},
		"its hash":                  {vars{"extensions": persistedQuery(sha256Hex(named))}, "", ""},
		"its hash as an id":         {vars{"documentId": "sha256:" + sha256Hex(named)}, "", ""},
		"its text":                  {vars{"query": named}, "", ""},
		"its text and hash":         {vars{"query": named, "extensions": persistedQuery(sha256Hex(named))}, "", ""},
		"a file's hash":             {vars{"extensions": persistedQuery(sha256Hex(mine))}, "", ""},
		"its limits":                {vars{"documentId": "doc-2", "variables": vars{"n": 100_000}}, "OPERATION_TOO_COSTLY", "OPERATION_TOO_COSTLY"},
		"its text, with a space":    {vars{"query": named + " "}, "", "QUERY_NOT_IN_SAFELIST"},
		"another text":              {vars{"query": other}, "", "QUERY_NOT_IN_SAFELIST"},
		"another, to be registered": {vars{"query": other, "extensions": persistedQuery(sha256Hex(other))}, "", "QUERY_NOT_IN_SAFELIST"},
		"an unknown id":             {vars{"documentId": "doc-3"}, "PERSISTED_QUERY_NOT_FOUND", "PERSISTED_QUERY_NOT_FOUND"},
		"introspection":             {vars{"query": `{ __schema { queryType { name } } }`}, "", "QUERY_NOT_IN_SAFELIST"},
	} {
		for _, x := range []struct {
			s    *service
			want string
		}{{also, c.inAlso}, {only, c.inOnly}} {
			if r := x.s.sendBody("", c.body); r.Status != 200 || r.code() != x.want {
				t.Errorf("%s: %d %s, want %q", name, r.Status, r.Body, x.want)
			}
		}
	}
	if r := only.sendBody("", vars{"extensions": persistedQuery(sha256Hex(other))}); r.code() != "PERSISTED_QUERY_NOT_FOUND" {
		t.Errorf("what was refused is registered: %s", r.Body)
	}
	if got := only.metrics()[`freehold_requests_total{code="ok",kind="query",operation="Mine"}`]; got != 1 {
		t.Errorf("%v requests of the trusted name Mine, want 1", got)
	}
}

// A folder of trusted documents may be one that Kubernetes mounts, where every file is a link into a folder that is replaced as
// a whole, or a link itself.
func TestTrustedDocumentsBehindLinks(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"..2026_11_25/a.graphql": `{ __typename }`, "..2026_11_25/b.json": `{"doc-1": "{ me { id } }"}`})
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
		s := startWith(t, d, bothWalls, appOptions(), "FREEHOLD_OPERATIONS="+path, "FREEHOLD_OPERATIONS_ONLY=on")
		if r := s.sendBody("", vars{"documentId": "doc-1"}); len(r.Errors) > 0 {
			t.Errorf("%s", r.Body)
		}
	}
}

// Faults of trusted documents are found at the start, by file and document.
func TestFaultyTrustedDocumentsAreNamed(t *testing.T) {
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
		_, err := program.New(t.Context(), config(t, d.App, "FREEHOLD_OPERATIONS="+write(t, c.files)), appOptions())
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "FREEHOLD_OPERATIONS") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if _, err := program.New(t.Context(), config(t, d.App, "FREEHOLD_OPERATIONS=/nowhere"), appOptions()); err == nil || !strings.Contains(err.Error(), "FREEHOLD_OPERATIONS") {
		t.Errorf("a folder that is missing: %v", err)
	}
}
