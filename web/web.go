// Package web owns the playground: its page, the page of the access matrix beside it, and the assets that `make build`
// bundles into dist, embedded in the binary. It knows the path of the GraphQL endpoint, the matrix it is given, and nothing
// else of the service: no tables, no resolvers, no configuration.
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

//go:embed page.html access.html
var pageTexts embed.FS

var pages = template.Must(template.ParseFS(pageTexts, "*.html"))

// policy is the pages' Content-Security-Policy. Scripts and styles are files of ours only, none inline; fonts and small
// images are data: URLs inside the style sheet; nobody but the service itself can be asked. That also stops GraphiQL from
// fetching a picture of which it sees the URL in a response, under the mouse.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; font-src data:; img-src data:; connect-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// contentTypes has an entry for each kind of file that the build makes; nothing else is served. The system's own table
// differs between machines.
var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".txt": "text/plain; charset=utf-8",
}

// Handler serves the playground: the page at /, its assets below /playground/, and the matrix at /playground/access. It is
// to be mounted at the root of its host. The endpoint is the path at which the same host serves GraphQL, such as
// "/graphql"; mailbox is where it shows the mails of development, "" for nowhere. Where the assets were not built, the page
// answers 503 and says how to get them; that of the matrix needs none.
func Handler(endpoint, mailbox string, matrix *access.Matrix) http.Handler {
	dist, err := fs.Sub(built, "dist")
	if err != nil {
		panic(fmt.Sprintf("web: %v", err)) // the name is a valid one
	}
	return newHandler(dist, endpoint, mailbox, matrix)
}

// manifest is what the build tells of its hashed names, as paths of URLs.
type manifest struct{ Script, Style, Licences string }

// newHandler panics if the manifest is damaged: it is part of the binary.
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
	accessText, err := accessPage(matrix)
	if err != nil {
		panic(fmt.Sprintf("web: %v", err))
	}
	status := http.StatusOK
	if names.Script == "" {
		status = http.StatusServiceUnavailable
	}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", servePage(status, text.Bytes()))
	mux.Handle("GET /playground/access", servePage(http.StatusOK, accessText))
	mux.HandleFunc("GET /playground/access.css", serveAccessStyle)
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
	return func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", policy)
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
		w.WriteHeader(status)
		w.Write(text) //nolint:errcheck // if the client is gone there is nobody to tell
	}
}

// serveAssets serves files whose names change with their contents, so that a browser may keep them for good.
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
