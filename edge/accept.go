package edge

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// The media types of a GraphQL response (GraphQL over HTTP, 4.1).
const (
	mediaJSON     = "application/json"
	mediaResponse = "application/graphql-response+json"
)

// negotiate returns the media type of the response by the quality values of the Accept header (RFC 9110, 12.5.1). If both are
// equal, the one that the client names first wins, or application/json if it names neither. A client that accepts neither also gets
// application/json, since a reply in an unexpected form is more useful than none.
func negotiate(header http.Header) string {
	accept := strings.Join(header.Values("Accept"), ",")
	if accept == "" || accept == "*/*" || accept == mediaJSON {
		return mediaJSON
	}
	plain, response := qualityOf(accept, mediaJSON), qualityOf(accept, mediaResponse)
	switch {
	case response.q > plain.q,
		response.q > 0 && response.q == plain.q && response.specific > plain.specific,
		response.q > 0 && response.q == plain.q && response.specific == plain.specific && response.place < plain.place:
		return mediaResponse
	}
	return mediaJSON
}

// WantsPage reports whether a request is that of a browser that opens a page: a GET that names HTML in Accept.
func WantsPage(r *http.Request) bool {
	html := qualityOf(strings.Join(r.Header.Values("Accept"), ","), "text/html")
	return r.Method == http.MethodGet && html.specific == 3 && html.q > 0
}

// quality is the preference for a media type.
type quality struct {
	q        float64
	specific int // 3 for the type itself, 2 for application/*, 1 for */*
	place    int // in the header
}

// qualityOf returns the quality of the most specific range of an Accept header that covers a type. It skips malformed ranges.
func qualityOf(accept, media string) (best quality) {
	for i, entry := range strings.Split(accept, ",") {
		name, params, err := mime.ParseMediaType(entry)
		if err != nil {
			continue
		}
		specific := map[string]int{media: 3, "application/*": 2, "*/*": 1}[name]
		if specific <= best.specific {
			continue
		}
		q := 1.0
		if text, given := params["q"]; given {
			if q, err = strconv.ParseFloat(text, 64); err != nil || q < 0 || q > 1 {
				continue
			}
		}
		best = quality{q: q, specific: specific, place: i}
	}
	return best
}
