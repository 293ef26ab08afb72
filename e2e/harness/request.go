package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
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

type ReplyError struct {
	Message    string `json:"message"`
	Path       []any  `json:"path"`
	Extensions struct {
		Code       string       `json:"code"`
		Reason     string       `json:"reason"`
		Fields     []replyField `json:"fields"`
		RetryAfter int          `json:"retryAfter"`
		RequestID  string       `json:"requestId"`
	} `json:"extensions"`
}

type replyField struct {
	Path, Code, Message string
	Params              map[string]any
}

// Code returns the code of the only error, "" for none, and all of them for more.
func (r Reply) Code() string {
	codes := make([]string, len(r.Errors))
	for i, e := range r.Errors {
		codes[i] = e.Extensions.Code
	}
	return strings.Join(codes, " ")
}

// Fields returns the faults of the only error as "path CODE", sorted as they came.
func (r Reply) Fields() (list []string) {
	if len(r.Errors) == 1 {
		for _, f := range r.Errors[0].Extensions.Fields {
			list = append(list, f.Path+" "+f.Code)
		}
	}
	return list
}

// Into decodes the data.
func (r Reply) Into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(r.Data, v); err != nil {
		t.Fatalf("decode %s: %v", r.Body, err)
	}
}

type Vars map[string]any

// Do sends an operation with a token, or without one if it is empty.
func (s *Service) Do(token, query string, v Vars) Reply {
	s.T.Helper()
	r, err := s.TryDo(token, query, v)
	if err != nil {
		s.T.Fatal(err)
	}
	return r
}

// TryDo is do for goroutines, which may not end a test.
func (s *Service) TryDo(token, query string, v Vars) (Reply, error) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": v})
	if err != nil {
		return Reply{}, err
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	if s.FromAnywhere {
		n := Serial.Add(1)
		header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255))
	}
	return s.TrySend(http.MethodPost, header, string(body))
}

func (s *Service) Send(method string, header http.Header, body string) Reply {
	s.T.Helper()
	r, err := s.TrySend(method, header, body)
	if err != nil {
		s.T.Fatal(err)
	}
	return r
}

var Client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 100}}

func (s *Service) TrySend(method string, header http.Header, body string) (r Reply, err error) {
	return s.TrySendWithin(s.T.Context(), method, header, body)
}

func (s *Service) TrySendWithin(ctx context.Context, method string, header http.Header, body string) (r Reply, err error) {
	request, err := http.NewRequestWithContext(ctx, method, s.URL+"/graphql", strings.NewReader(body))
	if err != nil {
		return r, err
	}
	request.Header = header
	return Ask(request)
}

// SendChanged sends a POST after change has changed it.
func (s *Service) SendChanged(body string, change func(*http.Request)) Reply {
	s.T.Helper()
	request, err := http.NewRequestWithContext(s.T.Context(), http.MethodPost, s.URL+"/graphql", strings.NewReader(body))
	if err != nil {
		s.T.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	change(request)
	r, err := Ask(request)
	if err != nil {
		s.T.Fatal(err)
	}
	return r
}

// Ask sends a request whose answer is a GraphQL response.
func Ask(request *http.Request) (r Reply, err error) {
	response, err := Client.Do(request)
	if err != nil {
		return r, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("status %d is not JSON: %q", response.StatusCode, text)
	}
	r.Status, r.Header, r.Body = response.StatusCode, response.Header, string(text)
	return r, nil
}

// Fetch asks for anything that is not GraphQL.
func (s *Service) Fetch(method, url string) (status int, header http.Header, body string) {
	s.T.Helper()
	request, err := http.NewRequestWithContext(s.T.Context(), method, url, http.NoBody)
	if err != nil {
		s.T.Fatal(err)
	}
	response, err := Client.Do(request)
	if err != nil {
		s.T.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.T.Fatal(err)
	}
	return response.StatusCode, response.Header, string(text)
}

func Body(t testing.TB, query string, v Vars) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": v})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

var JsonHeader = http.Header{"Content-Type": {"application/json"}}

func (s *Service) Get(path string) (status int, body string) {
	s.T.Helper()
	status, header, text := s.Fetch(http.MethodGet, s.URL+path)
	for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} {
		if got := header.Get(name); got != want {
			s.T.Errorf("%s: %s is %q", path, name, got)
		}
	}
	return status, strings.TrimSpace(text)
}

// Input is the variables of an operation with one input.
func Input(pairs ...any) Vars {
	i := Vars{}
	for n := 0; n < len(pairs); n += 2 {
		i[pairs[n].(string)] = pairs[n+1]
	}
	return Vars{"i": i}
}

// Must is do for what has to go well.
func (s *Service) Must(token, query string, v Vars) Reply {
	s.T.Helper()
	r := s.Do(token, query, v)
	if len(r.Errors) > 0 {
		s.T.Fatalf("%s %v: %s", query, v, r.Body)
	}
	return r
}

// ExpectFault expects an error of one field, "path CODE".
func (s *Service) ExpectFault(what string, r Reply, field string) {
	s.T.Helper()
	if got := r.Fields(); !slices.Equal(got, []string{field}) {
		s.T.Errorf("%s: %s, want the fault %s", what, r.Body, field)
	}
}
