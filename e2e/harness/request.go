package harness

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// Reply is a GraphQL response.
type Reply struct {
	Status int             `json:"-"`
	Header http.Header     `json:"-"`
	Body   string          `json:"-"`
	Data   json.RawMessage `json:"data"`
	Errors []ReplyError    `json:"errors"`
}

// ReplyError is an error of a reply.
type ReplyError struct {
	Message    string `json:"message"`
	Path       []any  `json:"path"`
	Extensions struct {
		Code       string       `json:"code"`
		Reason     string       `json:"reason"`
		Fields     []replyField `json:"fields"`
		RetryAfter int          `json:"retryAfter"`
		RequestID  string       `json:"requestId"`
		Acceptable []string     `json:"acceptable"`
	} `json:"extensions"`
}

type replyField struct {
	Path, Code, Message string
	Params              map[string]any
}

// Code returns the code of the only error, "" if there is none, and all codes, separated by spaces, if there are several.
func (r Reply) Code() string {
	codes := make([]string, len(r.Errors))
	for i, e := range r.Errors {
		codes[i] = e.Extensions.Code
	}
	return strings.Join(codes, " ")
}

// Fields returns extensions.fields of the only error as "path CODE", in their order.
func (r Reply) Fields() (list []string) {
	if len(r.Errors) == 1 {
		for _, f := range r.Errors[0].Extensions.Fields {
			list = append(list, f.Path+" "+f.Code)
		}
	}
	return list
}

// Into decodes the data into v.
func (r Reply) Into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(r.Data, v); err != nil {
		t.Fatalf("decode %s: %v", r.Body, err)
	}
}

// Vars are the variables of an operation, or an object in them.
type Vars map[string]any

// Request is an HTTP request to a service. The zero value of each field is the usual one: a POST to /graphql, as JSON, by an
// anonymous viewer.
type Request struct {
	Method string      // POST if it is empty
	Path   string      // /graphql if it is empty; it may have a query, or be the whole URL of another address
	Host   string      // the URL's if it is empty
	Header http.Header // besides Authorization and Content-Type, whose usual values it replaces
	Token  string      // an access token for Authorization

	Query      string // an operation, with its variables and extensions
	Vars       Vars
	Extensions Vars
	Body       string    // instead of an operation
	Stream     io.Reader // instead of a body: one that is long, or slow
}

// http returns the request as net/http has it.
func (q Request) http(ctx context.Context, s *Service) (*http.Request, error) {
	url := s.URL + cmp.Or(q.Path, "/graphql")
	if strings.HasPrefix(q.Path, "http") {
		url = q.Path
	}
	body := q.Stream
	if q.Query != "" {
		operation := Vars{"query": q.Query, "variables": q.Vars}
		if q.Extensions != nil {
			operation["extensions"] = q.Extensions
		}
		text, err := json.Marshal(operation)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	} else if body == nil {
		body = strings.NewReader(q.Body)
	}
	request, err := http.NewRequestWithContext(ctx, cmp.Or(q.Method, http.MethodPost), url, body)
	if err != nil {
		return nil, err
	}
	request.Host = q.Host
	if request.Method == http.MethodPost {
		request.Header.Set("Content-Type", "application/json")
	}
	if q.Token != "" {
		request.Header.Set("Authorization", "Bearer "+q.Token)
	}
	if s.FromAnywhere {
		n := Serial.Add(1)
		request.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255))
	}
	maps.Copy(request.Header, q.Header)
	return request, nil
}

var client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 100}}

// TrySend sends a request and returns the reply. It is for goroutines, which must not end a test, and for requests that may
// get no reply. A reply from /graphql that is not JSON is an error.
func (s *Service) TrySend(ctx context.Context, q Request) (r Reply, err error) {
	request, err := q.http(ctx, s)
	if err != nil {
		return r, err
	}
	response, err := client.Do(request)
	if err != nil {
		return r, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return r, err
	}
	if request.URL.Path == "/graphql" && (len(text) > 0 || request.Method == http.MethodPost) {
		if err := json.Unmarshal(text, &r); err != nil {
			return r, fmt.Errorf("status %d is not JSON: %q", response.StatusCode, text)
		}
	}
	r.Status, r.Header, r.Body = response.StatusCode, response.Header, string(text)
	return r, nil
}

// Send sends a request and returns the reply.
func (s *Service) Send(q Request) Reply {
	s.T.Helper()
	r, err := s.TrySend(s.T.Context(), q)
	if err != nil {
		s.T.Fatal(err)
	}
	return r
}

// Do sends an operation with an access token, or as an anonymous viewer if token is empty.
func (s *Service) Do(token, query string, v Vars) Reply {
	s.T.Helper()
	return s.Send(Request{Token: token, Query: query, Vars: v})
}

// TryDo is Do for goroutines.
func (s *Service) TryDo(token, query string, v Vars) (Reply, error) {
	return s.TrySend(s.T.Context(), Request{Token: token, Query: query, Vars: v})
}

// Must is Do for an operation that must succeed.
func (s *Service) Must(token, query string, v Vars) Reply {
	s.T.Helper()
	r := s.Do(token, query, v)
	if len(r.Errors) > 0 {
		s.T.Fatalf("%s %v: %s", query, v, r.Body)
	}
	return r
}

// Fetch sends a GET for a path of the service, or for a whole URL.
func (s *Service) Fetch(path string) Reply {
	s.T.Helper()
	return s.Send(Request{Method: http.MethodGet, Path: path})
}

// Get is Fetch for a path whose replies must not be stored or sniffed, as most are.
func (s *Service) Get(path string) (status int, body string) {
	s.T.Helper()
	r := s.Fetch(path)
	for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} {
		if got := r.Header.Get(name); got != want {
			s.T.Errorf("%s: %s is %q", path, name, got)
		}
	}
	return r.Status, strings.TrimSpace(r.Body)
}

// Input returns the variables of an operation with one input, from its names and values.
func Input(pairs ...any) Vars {
	i := Vars{}
	for n := 0; n < len(pairs); n += 2 {
		i[pairs[n].(string)] = pairs[n+1]
	}
	return Vars{"i": i}
}

// ExpectFault fails the test unless the reply has one error with one field, "path CODE".
func (s *Service) ExpectFault(what string, r Reply, field string) {
	s.T.Helper()
	if got := r.Fields(); !slices.Equal(got, []string{field}) {
		s.T.Errorf("%s: %s, want the field %s", what, r.Body, field)
	}
}
