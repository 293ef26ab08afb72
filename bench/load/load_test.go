package load

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// name selects one field, to which a correct reply gives the stamp of the request, and another field, which it refuses.
func name(host string) *Call {
	body := `{"query":"{ me(name: \"` + Stamp + `\") { name email } }"}`
	return &Call{
		Request: fmt.Appendf(nil, "POST /graphql HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s", host, len(body), body),
		Check: func(body []byte, stamp string) error {
			return Compare(body, map[string]any{"me": map[string]any{"name": stamp, "email": nil}}, []Failure{{Path: "me.email", Code: "FORBIDDEN"}})
		},
	}
}

const right = `{"data":{"me":{"name":"%s","email":null}},"errors":[{"message":"No.","path":["me","email"],"extensions":{"code":"FORBIDDEN"}}]}`

// serve replies to each request with a text, in which %s is the stamp; from the number after on, with another text.
func serve(t *testing.T, first string, after int64, then http.HandlerFunc) string {
	t.Helper()
	var served atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if served.Add(1) > after && then != nil {
			then(w, r)
			return
		}
		fmt.Fprintf(w, first, stampOf(r))
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func stampOf(r *http.Request) string {
	text, _ := io.ReadAll(r.Body)
	var request struct{ Query string }
	_ = json.Unmarshal(text, &request)
	_, rest, _ := strings.Cut(request.Query, `"`)
	stamp, _, _ := strings.Cut(rest, `"`)
	return stamp
}

func TestRightAnswersAreCounted(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"with a length": right,
		"in chunks":     right + strings.Repeat(" ", 10_000), // net/http sends long texts in chunks
		"other order":   `{"errors":[{"extensions":{"code":"FORBIDDEN"},"path":["me","email"]}],"data":{"me":{"email":null,"name":"%s"}}}`,
	} {
		addr := serve(t, text, 0, nil)
		r, err := Run(t.Context(), addr, calls(addr, 5), 2, 0)
		if err != nil || r.Requests != 5 || r.Thorough != 5 {
			t.Errorf("%s: %+v, %v; want 5 requests, each checked thoroughly the first time", name, r, err)
		}
	}
}

func calls(addr string, n int) []*Call {
	all := make([]*Call, n)
	for i := range all {
		all[i] = name(addr)
	}
	return all
}

// A known answer is compared by its bytes, with the new stamp in them.
func TestKnownAnswersTakeNoThoroughCheck(t *testing.T) {
	t.Parallel()
	addr := serve(t, right, 0, nil)
	call := calls(addr, 1)
	if _, err := Run(t.Context(), addr, call, 1, 0); err != nil {
		t.Fatal(err)
	}
	r, err := Run(t.Context(), addr, call, 1, 0)
	if err != nil || r.Thorough != 0 {
		t.Errorf("%+v, %v; want no thorough check", r, err)
	}
}

func TestWrongAnswersFail(t *testing.T) {
	t.Parallel()
	text := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, strings.ReplaceAll(text, "%s", "%[1]s"), stampOf(r))
		}
	}
	wrong := map[string]http.HandlerFunc{
		"another value":        text(strings.Replace(right, "%s", "somebody", 1)),
		"an old value":         text(strings.Replace(right, "%s", "s000000000001", 1)),
		"what is to be hidden": text(strings.Replace(right, `"email":null`, `"email":"ann@example.org"`, 1)),
		"a field more":         text(strings.Replace(right, `"email":null`, `"email":null,"phone":null`, 1)),
		"a field less":         text(strings.Replace(right, `,"email":null`, ``, 1)),
		"no error":             text(`{"data":{"me":{"name":"%s","email":null}}}`),
		"another code":         text(strings.Replace(right, "FORBIDDEN", "NOT_FOUND", 1)),
		"another path":         text(strings.Replace(right, `"me","email"`, `"me","name"`, 1)),
		"an error more":        text(strings.Replace(right, `"errors":[`, `"errors":[{"message":"x","path":["me"]},`, 1)),
		"no data":              text(`{"data":null}`),
		"no JSON":              text(`<html>`),
		"nothing":              text(``),
		"a status": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			text(right)(w, r)
		},
		"half an answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, right[:20])
		},
	}
	for name, then := range wrong {
		for _, after := range []int64{0, 7} { // the first reply, and one after correct replies
			addr := serve(t, right, after, then)
			three := calls(addr, 3)
			again := slices.Concat(three, three, three, three)
			_, err := Run(t.Context(), addr, again, 3, 0)
			if err == nil || !strings.Contains(err.Error(), "POST /graphql") {
				t.Errorf("%s, after %d right answers: %v; want an error that has the request", name, after, err)
			}
		}
	}
}
