package app

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// The documents that clients register are bounded in bytes, and those in use stay. Long ones are not stored.
func TestRegisteredDocumentsAreBounded(t *testing.T) {
	t.Parallel()
	p := newPersisted(nil, false)
	register := func(text string) {
		p.register(&request{RawParams: &graphql.RawParams{Query: text}, register: hashOf(text)})
	}
	used := fmt.Sprintf("%01000d", 0)
	register(used)
	for i := range 10_000 {
		text := fmt.Sprintf("%01000d", i+1)
		register(text)
		if found, ok := p.find(hashOf(used)); !ok || found != used {
			t.Fatalf("a document in use is gone after %d others", i+1)
		}
	}
	if r := p.registered; r.bytes > cachedTexts || r.bytes < cachedTexts/2 || r.lru.Len()*(256+64+1000) != r.bytes {
		t.Errorf("%d bytes in %d documents", r.bytes, r.lru.Len())
	}
	long := strings.Repeat("x", cachedLongest+1)
	register(long)
	if _, found := p.find(hashOf(long)); found {
		t.Error("a document with data in it is kept")
	}
}

// Names that are seen often become labels, up to a bound. Labels that are not in use make room.
func TestLabelsMakeRoom(t *testing.T) {
	t.Parallel()
	var dropped []string
	n := operationNames{dropped: func(name string) { dropped = append(dropped, name) }, trusted: &trusted{names: map[string]bool{"Trusted": true}}}
	see := func(name string, times int) (label string) {
		for range times {
			label = n.label(name)
		}
		return label
	}
	for i := range maxNames {
		if name := fmt.Sprintf("Old%d", i); see(name, oftenSeen) != name {
			t.Fatalf("%s is no label", name)
		}
	}
	if got := see("New", 2*oftenSeen); got != otherName {
		t.Errorf("a label beyond the bound, seen only twice as often as others: %s", got)
	}
	for i := range 100 * maxCandidates {
		n.label(fmt.Sprintf("Flood%d", i))
	}
	if n.labels != maxNames || len(n.seen) > maxCandidates || len(dropped) > 0 {
		t.Errorf("after a flood: %d labels of %d names, %v dropped", n.labels, len(n.seen), dropped)
	}
	if got := see("Trusted", 1); got != "Trusted" {
		t.Errorf("a trusted name is %s", got)
	}
	if got := see("New", 3*oftenSeen); got != "New" || len(dropped) != 1 || n.labels != maxNames {
		t.Errorf("the name that is seen three times as often is %s; %d dropped, %d labels", got, len(dropped), n.labels)
	}
	if got := see("New", 6*halfLife); got != "New" || len(dropped) != maxNames || n.labels != 1 {
		t.Errorf("the only name in use is %s; %d dropped, %d labels", got, len(dropped), n.labels)
	}
}

func TestOriginsAreThoseThatBrowsersSend(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://app.example.org": "https://app.example.org", "https://app.example.org:443": "https://app.example.org", "http://app.example.org:80": "http://app.example.org",
		"http://app.example.org:443": "http://app.example.org:443", "HTTPS://App.Example.ORG": "https://app.example.org", "https://b\u00fccher.example": "https://xn--bcher-kva.example",
		"https://app.example.org:08443": "https://app.example.org:8443", "http://[0:0::1]:3000": "http://[::1]:3000", "http://127.0.0.1:3000": "http://127.0.0.1:3000",
		"http://my_host:3000": "http://my_host:3000", "capacitor://localhost": "capacitor://localhost", "app://.": "app://.", "moz-extension://a-b-c": "moz-extension://a-b-c",
		"": "", "null": "", "*": "", "https://*.example.org": "", "https://app.example.org/": "", "https://app.example.org/x": "", "https://app.example.org?x": "", "https://app.example.org?": "",
		"https://app.example.org#": "", "https://ann@app.example.org": "", "app.example.org": "", "//app.example.org": "", "https://": "", "https://:443": "", "https://app.example.org:": "",
		"https://app.example.org:0": "", "https://app.example.org:65536": "", "https://app.example.org:x": "", "https://127.1": "", "https://0x7f.1": "", "https://app..example": "",
		"https://app.example.org.": "https://app.example.org.", "https://127.0.0.1.": "", "file://": "", "file:///x": "", "data:text/html,x": "", "javascript:alert(1)": "", "capacitor://local host": "", "https://a b": "", "http://[::ffff:127.0.0.1]": "",
		"http://[fe80::1%25eth0]": "",
	} {
		if got, ok := parseOrigin(text); ok != (want != "") || ok && got != want {
			t.Errorf("%q is %q, %v; want %q", text, got, ok, want)
		}
	}
	_, err := LoadConfig([]string{"FREEHOLD_CORS_ORIGINS=https://a.example, https://b.example/path,*", "FREEHOLD_CORS_HEADERS=x-fine,x bad,*", "FREEHOLD_OPERATIONS_ONLY=on"})
	for _, want := range []string{`"https://b.example/path" is not an origin`, `"*" is not an origin`, `"x bad" is not the name of a header`, `"*" is not the name of a header`, "FREEHOLD_OPERATIONS_ONLY: the value on needs FREEHOLD_OPERATIONS"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
	if c, err := LoadConfig([]string{"FREEHOLD_CORS_ORIGINS= https://a.example:443 ,,capacitor://localhost,"}); err != nil || strings.Join(c.CORSOrigins, " ") != "https://a.example capacitor://localhost" {
		t.Errorf("%v, %v", c.CORSOrigins, err)
	}
}

// G11: what the caches keep of a flood of documents by GET is what they count, however long the URLs are.
func TestDocumentsByGetKeepNoURL(t *testing.T) {
	t.Parallel()
	const floods = 20_000
	d := newDocumentCache(nil)
	p := newPersisted(nil, false)
	padding := strings.Repeat("x", 14<<10)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range floods {
		read, refused := readURL(fmt.Sprintf("query={a%d:__typename}&x=%s", i, padding))
		if refused != nil {
			t.Fatal(refused.err)
		}
		d.Add(t.Context(), read.Query, &ast.QueryDocument{})
		p.registered.add(hashOf(read.Query), read.Query)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 64<<20 {
		t.Errorf("the heap has grown by %d MB for %d short documents", grown>>20, floods)
	}
	runtime.KeepAlive(d)
	runtime.KeepAlive(p)
}
