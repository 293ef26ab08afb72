package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"freehold.dev/freehold/access"
)

var sample = fstest.MapFS{
	"manifest.json":         {Data: []byte(`{"script":"/playground/main-1.js","style":"/playground/main-2.css","licences":"/playground/l-3.txt"}`)},
	"playground/main-1.js":  {Data: []byte(`script`)},
	"playground/main-2.css": {Data: []byte(`style`)},
	"playground/l-3.txt":    {Data: []byte(`licences`)},
	"playground/main.map":   {Data: []byte(`a kind that is not served`)},
}

// matrix has each kind of answer, and texts that are markup unless they are escaped.
var matrix = &access.Matrix{Fields: []access.Field{
	{
		Type: "Query", Name: "things", Rule: "@public", Reason: "<b>All</b> may.", HeldBy: access.None, Why: "<b>All</b> may.",
		Answers: answers(access.Value, access.Value, access.Value, access.Value, access.Value),
	},
	{
		Type: "Thing", Name: "secret", Rule: `@owner(of: "<script>")`, HeldBy: access.RuleOnly, HeldOnce: []access.Viewer{access.MemberVisibleTo},
		Answers: answers("UNAUTHENTICATED", "UNAUTHENTICATED", "NOT_FOUND", "FORBIDDEN", access.Value),
		Why:     "Only one of the two refuses: member, visible-to.",
	},
	{
		Type: "Thing", Name: "part", Rule: "@inherited", DecidedBy: []string{"Query.things", "Thing.secret"}, HeldBy: access.Both,
		Answers: answers(access.Null, access.Null, access.Null, access.Null, access.Value),
	},
	{
		Type: "Thing", Name: "shared", When: "input.x", Rule: "@owner(as: \"EDITOR\")", Relations: []string{"EDITOR"}, Scopes: [][]string{{"things:read"}},
		Answers: answers(access.Null, access.Null, access.Null, access.Null, access.Value, "FORBIDDEN", access.Value), HeldBy: access.Both,
	},
}}

func answers(of ...access.Answer) map[access.Viewer]access.Answer {
	by := map[access.Viewer]access.Answer{}
	for i, v := range append(slices.Clone(access.Viewers), "EDITOR", access.Operator)[:len(of)] {
		by[v] = of[i]
	}
	return by
}

func get(h http.Handler, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func TestThePagesAreStrict(t *testing.T) {
	t.Parallel()
	built, notBuilt := newHandler(sample, "/graphql", "", matrix), newHandler(fstest.MapFS{}, "/graphql", "", matrix)
	missing, list, mail := httptest.NewRecorder(), httptest.NewRecorder(), httptest.NewRecorder()
	WriteMissing(missing, "<b>")
	WriteMails(list, []Mail{{Subject: "<b>"}})
	WriteMail(mail, Mail{HTML: "<p style='color: red'>"})
	for name, w := range map[string]*httptest.ResponseRecorder{
		"missing": missing, "mails": list, "mail": mail, "built": get(built, http.MethodGet, "/"), "not built": get(notBuilt, http.MethodGet, "/"),
		"access": get(built, http.MethodGet, "/playground/access"), "access, not built": get(notBuilt, http.MethodGet, "/playground/access"),
	} {
		want := http.Header{
			"Cache-Control": {"no-store"},
			"Content-Security-Policy": {"default-src 'none'; script-src 'self'; style-src 'self'; font-src data:; img-src data:; " +
				"connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"},
			"Content-Type":           {"text/html; charset=utf-8"},
			"Referrer-Policy":        {"no-referrer"},
			"X-Content-Type-Options": {"nosniff"},
			"X-Frame-Options":        {"DENY"},
		}
		if name == "mail" { // the frame of a mail, which runs no scripts, has styles of its own
			want["Content-Security-Policy"][0] += "; style-src-attr 'unsafe-inline'; style-src-elem 'self' 'unsafe-inline'"
		}
		if strings.Contains(w.Body.String(), "<b>") || name == "mail" && !strings.Contains(w.Body.String(), "<iframe sandbox title") {
			t.Errorf("%s: %s", name, w.Body)
		}
		if diff := cmp.Diff(want, w.Header()); diff != "" {
			t.Errorf("%s: headers (-want +got):\n%s", name, diff)
		}
	}
}

func TestThePageNamesItsAssetsAndTheEndpoint(t *testing.T) {
	t.Parallel()
	w := get(newHandler(sample, `/a"b`, "/dev/mail", matrix), http.MethodGet, "/")
	for _, want := range []string{
		"<title>freehold playground</title>", `src="/playground/main-1.js"`, `href="/playground/main-2.css"`, `href="/playground/l-3.txt"`,
		`data-endpoint="/a&#34;b" data-mailbox="/dev/mail"`,
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page lacks %s:\n%s", want, w.Body)
		}
	}
	if w.Code != http.StatusOK {
		t.Errorf("status %d, want 200", w.Code)
	}
}

func TestWithoutAssetsThePageSaysHowToGetThem(t *testing.T) {
	t.Parallel()
	w := get(newHandler(fstest.MapFS{}, "/graphql", "", matrix), http.MethodGet, "/")
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "make build") || strings.Contains(w.Body.String(), "<script") {
		t.Errorf("status %d, page:\n%s", w.Code, w.Body)
	}
}

func TestTheAccessPageShowsTheMatrix(t *testing.T) {
	t.Parallel()
	plainly := map[access.Viewer]string{
		access.Nobody: "anonymous", access.NobodyVisibleTo: "anonymous, can see it", access.Member: "member", access.MemberVisibleTo: "member, can see it",
		"EDITOR": "EDITOR", access.Owner: "owner", access.Operator: "operator",
	}
	viewers := map[string][]access.Viewer{ // the columns of each table
		"Query": access.Viewers,
		"Thing": {access.Nobody, access.NobodyVisibleTo, access.Member, access.MemberVisibleTo, "EDITOR", access.Owner, access.Operator},
	}
	for name, dist := range map[string]fstest.MapFS{"built": sample, "not built": {}} {
		w := get(newHandler(dist, "/graphql", "", matrix), http.MethodGet, "/playground/access")
		page := w.Body.String()
		if w.Code != http.StatusOK {
			t.Errorf("%s: status %d, want 200", name, w.Code)
		}
		for _, f := range matrix.Fields {
			row := between(page, `<tr id="`+strings.ReplaceAll(f.String(), " ", "_")+`"`, "</tr>")
			if !strings.Contains(row, `<th scope="row">`+f.Title()+`</th>`) || !strings.Contains(row, string(f.HeldBy)) {
				t.Errorf("%s: the row of %s is %q", name, f, row)
			}
			at := 0
			for _, v := range viewers[f.Type] { // in this order
				cell := fmt.Sprintf(`<td data-viewer="%s" class="%s">%[2]s</td>`, plainly[v], f.Answers[v])
				if f.Answers[v] == "" {
					cell = fmt.Sprintf(`<td data-viewer="%s">–</td>`, plainly[v])
				}
				i := strings.Index(row[at:], cell)
				if i < 0 {
					t.Fatalf("%s: %s lacks %s for %s:\n%s", name, f, cell, v, row)
				}
				at += i + len(cell)
			}
			if marked := strings.Contains(row, ` class="once"`); marked != (len(f.HeldOnce) > 0) {
				t.Errorf("%s: %s stands out: %t", name, f, marked)
			}
		}
	}
}

func between(text, begin, end string) string {
	_, rest, _ := strings.Cut(text, begin)
	found, _, _ := strings.Cut(rest, end)
	return found
}

func TestTheAccessPageEscapesAndExplains(t *testing.T) {
	t.Parallel()
	page := get(newHandler(sample, "/graphql", "", matrix), http.MethodGet, "/playground/access").Body.String()
	for _, want := range []string{
		`<code>@owner(of: &#34;&lt;script&gt;&#34;)</code>`, `&lt;b&gt;All&lt;/b&gt; may.`,
		` from <a href="#Query.things">Query.things</a>, <a href="#Thing.secret">Thing.secret</a>`,
		`Only the rule or only the policy refuses: <a href="#Thing.secret">Thing.secret</a>.`,
		`<td class="held">rule only</td>`, `<h2 id="Thing">Thing</h2>`, `<th scope="col" class="viewer">member, can see it</th>`,
		`Only one of the two refuses: member, can see it.`, `<dt>can see it</dt>`, `<dt>a name in capitals</dt>`, `<dt>operator</dt>`, `<dt>with</dt>`,
		`<a href="/">`, `href="/playground/access.css"`, `<script type="module" src="/playground/access.js"></script>`,
	} {
		if strings.Count(page, want) == 0 {
			t.Errorf("the page lacks %s:\n%s", want, page)
		}
	}
	for _, inline := range []string{"<script>", "<style", "style=", "<b>", "visible-to", "nobody"} {
		if strings.Contains(page, inline) {
			t.Errorf("the page has %s", inline)
		}
	}
	twice := &access.Matrix{Fields: matrix.Fields[2:]}
	page = get(newHandler(sample, "/graphql", "", twice), http.MethodGet, "/playground/access").Body.String()
	if strings.Contains(page, "Only the rule") || !strings.Contains(page, "The rule and the policy each refuse on their own, for every refused field.") {
		t.Errorf("nothing is held only once:\n%s", page)
	}
}

func TestTypesWithoutRulesAreFolded(t *testing.T) {
	t.Parallel()
	field := func(typ, name, rule string) access.Field {
		return access.Field{Type: typ, Name: name, Rule: rule, Answers: answers(access.Value)}
	}
	page := get(newHandler(sample, "/graphql", "", &access.Matrix{Fields: []access.Field{
		field("Payload", "thing", "@inherited"), field("Payload", "account", "@signedIn"),
		field("Thing", "id", "@visible"), field("Thing", "part", "@inherited"), field("Thing", "more", "@visible"),
	}}), http.MethodGet, "/playground/access").Body.String()
	for _, want := range []string{`<h2 id="Thing">`, `<summary><h3 id="Payload">Payload</h3> 2 fields, 1 with a rule of its own</summary>`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s:\n%s", want, page)
		}
	}
	if strings.Index(page, `id="Thing"`) > strings.Index(page, `id="Payload"`) {
		t.Error("a payload is before the types with rules")
	}
}

func TestTheRulesAreInPlainWords(t *testing.T) {
	t.Parallel()
	w := get(newHandler(fstest.MapFS{}, "/graphql", "", matrix), http.MethodGet, "/playground/access.json")
	var got struct {
		Viewers map[string]string
		Fields  map[string][]ruleInWords
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	want := map[string][]ruleInWords{
		"Query.things": {{Title: "Query.things", Rule: "@public", Groups: []group{{access.Value, []string{"everyone"}}}}},
		"Thing.secret": {{Title: "Thing.secret", Rule: `@owner(of: "<script>")`, Groups: []group{
			{access.Value, []string{"owner"}}, {"UNAUTHENTICATED", []string{"anonymous", "anonymous, can see it"}},
			{"NOT_FOUND", []string{"member"}}, {"FORBIDDEN", []string{"member, can see it"}},
		}}},
		"Thing.part": {{Title: "Thing.part", Rule: "@inherited", DecidedBy: []string{"Query.things", "Thing.secret"}, Groups: []group{
			{access.Value, []string{"owner"}}, {access.Null, []string{"anonymous", "anonymous, can see it", "member", "member, can see it"}},
		}}},
		"Thing.shared": {{Title: "Thing.shared with input.x", Rule: `@owner(as: "EDITOR")`, Groups: []group{
			{access.Value, []string{"owner", "operator with things:read"}}, {access.Null, []string{"anonymous", "anonymous, can see it", "member", "member, can see it"}},
			{"FORBIDDEN", []string{"EDITOR"}},
		}}},
	}
	if diff := cmp.Diff(want, got.Fields); diff != "" {
		t.Errorf("the rules (-want +got):\n%s", diff)
	}
	if got.Viewers["nobody"] != "anonymous" {
		t.Errorf("the viewers are %v", got.Viewers)
	}
}

func TestFilesWithoutABuildAreServedInAnyCase(t *testing.T) {
	t.Parallel()
	for name, contentType := range map[string]string{
		"style.css": "text/css; charset=utf-8", "access.css": "text/css; charset=utf-8", "access.js": "text/javascript; charset=utf-8",
		"mail.css": "text/css; charset=utf-8", "mail.js": "text/javascript; charset=utf-8", "access.json": "application/json; charset=utf-8",
	} {
		w := get(newHandler(fstest.MapFS{}, "/graphql", "", matrix), http.MethodGet, "/playground/"+name)
		want := http.Header{"Cache-Control": {"no-store"}, "Content-Type": {contentType}, "X-Content-Type-Options": {"nosniff"}}
		if diff := cmp.Diff(want, w.Header()); diff != "" || w.Code != http.StatusOK || w.Body.Len() == 0 {
			t.Errorf("%s: status %d, %d bytes, headers (-want +got):\n%s", name, w.Code, w.Body.Len(), diff)
		}
	}
}

func TestAssetsMayBeKept(t *testing.T) {
	t.Parallel()
	h := newHandler(sample, "/graphql", "", matrix)
	for path, contentType := range map[string]string{
		"/playground/main-1.js": "text/javascript; charset=utf-8", "/playground/main-2.css": "text/css; charset=utf-8",
		"/playground/l-3.txt": "text/plain; charset=utf-8",
	} {
		w := get(h, http.MethodGet, path)
		for name, want := range map[string]string{
			"Cache-Control": "public, max-age=31536000, immutable", "Content-Type": contentType, "X-Content-Type-Options": "nosniff",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if w.Code != http.StatusOK || w.Body.Len() == 0 {
			t.Errorf("%s: status %d, %d bytes", path, w.Code, w.Body.Len())
		}
	}
}

func TestNothingElseIsServed(t *testing.T) {
	t.Parallel()
	h := newHandler(sample, "/graphql", "", matrix)
	for _, path := range []string{
		"/index.html", "/playground", "/playground/", "/playground/none.js", "/playground/main.map", "/manifest.json",
		"/playground/..%2fmanifest.json", "/playground/main-1.js/", "/playground/access/", "/playground/access.html", "/access.css", "/graphql",
	} {
		w := get(h, http.MethodGet, path)
		if w.Code != http.StatusNotFound || w.Header().Get("Cache-Control") != "" {
			t.Errorf("%s: status %d, Cache-Control %q; want 404, none", path, w.Code, w.Header().Get("Cache-Control"))
		}
	}
	for _, path := range []string{"/", "/playground/access"} {
		if w := get(h, http.MethodPost, path); w.Code != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: status %d, want 405", path, w.Code)
		}
	}
}

func TestADamagedManifestStops(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a damaged manifest was taken")
		}
	}()
	newHandler(fstest.MapFS{"manifest.json": {Data: []byte(`{`)}}, "/graphql", "", matrix)
}
