// Package web owns the pages for developers: the playground with the assets that `make build` bundles into dist, the access matrix,
// the mailbox, and the page for a path that is not found. They are embedded in the binary. It knows the path of the GraphQL endpoint
// and the access matrix. It must not know tables, resolvers or configuration.
package web

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"

	"freehold.dev/freehold/access"
)

//go:embed all:dist
var built embed.FS

//go:embed *.html
var pageTexts embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"link": func(m Mail) template.URL { return template.URL(m.Link) }, //nolint:gosec // it comes from the configuration, and may have the scheme of an app
}).ParseFS(pageTexts, "*.html"))

// fixed has the styles and scripts of the pages that need no build. So they look right even if the assets were not built.
//
//go:embed style.css access.css access.js mail.css mail.js
var fixed embed.FS

// policy is the Content-Security-Policy of the pages. Scripts and styles are our files only, none inline. Fonts and small images
// are data: URLs in the style sheet. Pages can connect only to the service itself. That also stops GraphiQL from fetching a
// picture when the mouse is over its URL in a response.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; font-src data:; img-src data:; connect-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// contentTypes has an entry for each kind of file that the build creates. Other files are not served. The table of the operating
// system differs between machines.
var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".txt": "text/plain; charset=utf-8",
}

// Handler serves the playground: the page at /, its assets below /playground/, and the matrix at /playground/access. Mount it at
// the root of its host. endpoint is the path at which the same host serves GraphQL, such as "/graphql". mailbox is the path of
// the mails of development, or "" if there is none. If the assets were not built, the page replies with 503 and says how to build
// them. The page of the matrix needs no assets.
func Handler(endpoint, mailbox string, matrix *access.Matrix) http.Handler {
	dist, err := fs.Sub(built, "dist")
	if err != nil {
		panic(fmt.Sprintf("web: %v", err)) // the names of files are constants
	}
	return newHandler(dist, endpoint, mailbox, matrix)
}

// manifest lists the hashed names of the build, as URL paths.
type manifest struct{ Script, Style, Licences string }

// newHandler panics if the manifest is invalid, since it is part of the binary.
func newHandler(dist fs.FS, endpoint, mailbox string, matrix *access.Matrix) http.Handler {
	names, err := readManifest(dist)
	if err != nil {
		panic(fmt.Sprintf("web: %v", err))
	}
	var text bytes.Buffer
	if err := pages.ExecuteTemplate(&text, "page.html", struct {
		manifest
		Endpoint, Mailbox string
	}{names, endpoint, mailbox}); err != nil {
		panic(fmt.Sprintf("web: %v", err))
	}
	accessText, err1 := accessPage(matrix)
	rules, err2 := rulesInWords(matrix)
	if err := errors.Join(err1, err2); err != nil {
		panic(fmt.Sprintf("web: %v", err))
	}
	status := http.StatusOK
	if names.Script == "" {
		status = http.StatusServiceUnavailable
	}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", servePage(status, text.Bytes()))
	mux.Handle("GET /playground/access", servePage(http.StatusOK, accessText))
	mux.Handle("GET /playground/access.json", serveFixed("application/json; charset=utf-8", rules))
	for _, name := range []string{"style.css", "access.css", "access.js", "mail.css", "mail.js"} {
		text, err := fixed.ReadFile(name)
		if err != nil {
			panic(fmt.Sprintf("web: %v", err)) // the names of files are constants
		}
		mux.Handle("GET /playground/"+name, serveFixed(contentTypes[path.Ext(name)], text))
	}
	mux.Handle("GET /playground/{name}", serveAssets(dist))
	return mux
}

// readManifest returns the zero manifest if nothing was built.
func readManifest(dist fs.FS) (m manifest, err error) {
	text, err := fs.ReadFile(dist, "manifest.json")
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("read manifest: %w", err)
	}
	return m, nil
}

func servePage(status int, text []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { writePage(w, policy, status, text) }
}

func writePage(w http.ResponseWriter, policy string, status int, text []byte) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", policy)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for browsers without frame-ancestors
	w.WriteHeader(status)
	w.Write(text) //nolint:errcheck // the client may have left
}

// serveFixed serves a file whose name does not change with its contents, so browsers must not cache it.
func serveFixed(contentType string, text []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Type", contentType)
		h.Set("X-Content-Type-Options", "nosniff")
		w.Write(text) //nolint:errcheck // the client may have left
	}
}

// serveAssets serves files whose names change with their contents, so browsers may cache them forever.
func serveAssets(dist fs.FS) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := "playground/" + r.PathValue("name")
		contentType, known := contentTypes[path.Ext(name)]
		if _, err := fs.Stat(dist, name); err != nil || !known {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("Content-Type", contentType)
		h.Set("X-Content-Type-Options", "nosniff")
		http.ServeFileFS(w, r, dist, name)
	}
}
