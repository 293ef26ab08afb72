package passwords

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// leaked is the password of these tests, and its SHA-1 as the service writes it.
const leaked = "a leaked sentence"

func sha1Of(password string) (prefix, rest string) {
	sum := sha1.Sum([]byte(password))
	digits := strings.ToUpper(hex.EncodeToString(sum[:]))
	return digits[:5], digits[5:]
}

// breachServer starts a service with these answers, and returns a look-up at it.
func breachServer(t *testing.T, answer http.HandlerFunc) *Breaches {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return NewBreaches(server.URL + "/range/")
}

// The service gets only five digits of the hash.
func TestBreachesAreLookedUpByRange(t *testing.T) {
	t.Parallel()
	prefix, rest := sha1Of(leaked)
	other := strings.Repeat("0", 35)
	for what, c := range map[string]struct {
		answer string
		want   bool
	}{
		"listed":              {other + ":3\r\n" + rest + ":10437\r\n" + other + ":1", true},
		"listed, last":        {other + ":3\r\n" + rest + ":1", true},
		"in lower case":       {strings.ToLower(rest) + ":7\n", true},
		"not listed":          {other + ":3\r\n", false},
		"nothing":             {"", false},
		"padding":             {rest + ":0\r\n" + other + ":0\r\n", false},
		"cut off":             {rest[:34] + ":5\r\n", false},
		"longer":              {rest + "A:5\r\n", false},
		"a count of no sense": {rest + ":many\r\n", false},
		"without a count":     {rest + "\r\n", false},
		"less than none":      {rest + ":-4\r\n", false},
		"the whole hash":      {prefix + rest + ":5\r\n", false},
	} {
		b := breachServer(t, func(w http.ResponseWriter, r *http.Request) {
			var sent strings.Builder
			if err := r.Write(&sent); err != nil {
				t.Error(err)
			}
			if r.Method != http.MethodGet || r.RequestURI != "/range/"+prefix || r.Header.Get("Add-Padding") != "true" {
				t.Errorf("asked for %s %s %v", r.Method, r.RequestURI, r.Header)
			}
			for _, secret := range []string{leaked, rest, rest[:6]} {
				if strings.Contains(strings.ToUpper(sent.String()), strings.ToUpper(secret)) {
					t.Errorf("%q was sent: %s", secret, sent.String())
				}
			}
			fmt.Fprint(w, c.answer)
		})
		if known, err := b.Knows(t.Context(), leaked); known != c.want || err != nil {
			t.Errorf("%s: %v, %v; want %v", what, known, err, c.want)
		}
	}
}

// If the service does not answer, no password is refused. The error contains neither the password nor the request.
func TestBreachesThatCannotBeLookedUp(t *testing.T) {
	t.Parallel()
	prefix, rest := sha1Of(leaked)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	t.Cleanup(elsewhere.Close)
	for what, answer := range map[string]http.HandlerFunc{
		"an error":  func(w http.ResponseWriter, _ *http.Request) { http.Error(w, rest+":5", http.StatusServiceUnavailable) },
		"too often": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+r.RequestURI, http.StatusFound)
		},
		"a redirect to nowhere": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://["+r.RequestURI)
			w.WriteHeader(http.StatusFound)
		},
		"no line's end":    func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", 200_000)) },
		"a connection cut": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"an answer cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "x")
		},
	} {
		known, err := breachServer(t, answer).Knows(t.Context(), leaked)
		if known || err == nil {
			t.Errorf("%s: %v, %v; want an error", what, known, err)
			continue
		}
		for _, secret := range []string{leaked, prefix, rest, "http://", "/range"} {
			if strings.Contains(strings.ToUpper(err.Error()), strings.ToUpper(secret)) {
				t.Errorf("%s: the error has %q in it: %v", what, secret, err)
			}
		}
	}
	if known, err := NewBreaches("http://127.0.0.1:1/range/").Knows(t.Context(), leaked); known || err == nil || strings.Contains(err.Error(), prefix) {
		t.Errorf("no service: %v, %v", known, err)
	}
	if known, err := breachServer(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>\n\x00\xff:::\n") }).Knows(t.Context(), leaked); known || err != nil {
		t.Errorf("garbage: %v, %v", known, err)
	}
}

// hanging is a service that never answers, or never finishes its answer.
type hanging struct{ begins bool }

func (h hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	if h.begins {
		return &http.Response{StatusCode: http.StatusOK, Body: endless{r.Context()}, Request: r}, nil
	}
	<-r.Context().Done()
	return nil, r.Context().Err()
}

type endless struct{ context.Context }

func (e endless) Read([]byte) (int, error) {
	<-e.Done()
	return 0, e.Err()
}

func (endless) Close() error { return nil }

// A service that hangs, before its answer or within it, delays nobody for long.
func TestBreachesAreNotWaitedFor(t *testing.T) {
	t.Parallel()
	prefix, _ := sha1Of(leaked)
	for _, begins := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := NewBreaches("http://breaches.example/range/")
			b.transport = hanging{begins}
			begun := time.Now()
			known, err := b.Knows(t.Context(), leaked)
			if took := time.Since(begun); known || err == nil || took != breachTimeout || strings.Contains(err.Error(), prefix) {
				t.Errorf("%v, %v after %v; want an error after %v", known, err, took, breachTimeout)
			}
		})
	}
}
