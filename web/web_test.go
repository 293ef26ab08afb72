package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

var sample = fstest.MapFS{
	"manifest.json":         {Data: []byte(`{"script":"/playground/main-1.js","style":"/playground/main-2.css","licences":"/playground/l-3.txt"}`)},
	"playground/main-1.js":  {Data: []byte(`script`)},
	"playground/main-2.css": {Data: []byte(`style`)},
	"playground/l-3.txt":    {Data: []byte(`licences`)},
	"playground/main.map":   {Data: []byte(`a kind that is not served`)},
}

func get(h http.Handler, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func TestThePageIsStrict(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.Handler{"built": newHandler(sample, "/graphql"), "not built": newHandler(fstest.MapFS{}, "/graphql")} {
		header := get(h, http.MethodGet, "/").Header()
		want := http.Header{
			"Cache-Control": {"no-store"},
			"Content-Security-Policy": {"default-src 'none'; script-src 'self'; style-src 'self'; font-src data:; img-src data:; " +
				"connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"},
			"Content-Type":           {"text/html; charset=utf-8"},
			"Referrer-Policy":        {"no-referrer"},
			"X-Content-Type-Options": {"nosniff"},
			"X-Frame-Options":        {"DENY"},
		}
		if diff := cmp.Diff(want, header); diff != "" {
			t.Errorf("%s: headers (-want +got):\n%s", name, diff)
		}
	}
}

func TestThePageNamesItsAssetsAndTheEndpoint(t *testing.T) {
	t.Parallel()
	w := get(newHandler(sample, `/a"b`), http.MethodGet, "/")
	for _, want := range []string{
		"<title>freehold playground</title>", `src="/playground/main-1.js"`, `href="/playground/main-2.css"`, `href="/playground/l-3.txt"`,
		`data-endpoint="/a&#34;b"`,
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
	w := get(newHandler(fstest.MapFS{}, "/graphql"), http.MethodGet, "/")
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "make build") || strings.Contains(w.Body.String(), "<script") {
		t.Errorf("status %d, page:\n%s", w.Code, w.Body)
	}
}

func TestAssetsMayBeKept(t *testing.T) {
	t.Parallel()
	h := newHandler(sample, "/graphql")
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
	h := newHandler(sample, "/graphql")
	for _, path := range []string{
		"/index.html", "/playground", "/playground/", "/playground/none.js", "/playground/main.map", "/manifest.json",
		"/playground/..%2fmanifest.json", "/playground/main-1.js/", "/graphql",
	} {
		w := get(h, http.MethodGet, path)
		if w.Code != http.StatusNotFound || w.Header().Get("Cache-Control") != "" {
			t.Errorf("%s: status %d, Cache-Control %q; want 404, none", path, w.Code, w.Header().Get("Cache-Control"))
		}
	}
	if w := get(h, http.MethodPost, "/"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST /: status %d, want 405", w.Code)
	}
}

func TestADamagedManifestStops(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a damaged manifest was taken")
		}
	}()
	newHandler(fstest.MapFS{"manifest.json": {Data: []byte(`{`)}}, "/graphql")
}
