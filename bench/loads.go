//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"freehold.dev/freehold/bench/load"
	"freehold.dev/freehold/bench/requests"
)

// A kind is one of the loads.
type kind struct {
	name, text string
	query      func(d requests.Dialect, users []*requests.User, i int) requests.Query
	// after says that each user reads the viewer when a run has ended, which shows what the run has stored.
	after bool
	// hashes says that a hash of a password takes most of the time, so that few requests are sent.
	hashes bool
	// besides says that 32 connections sign in meanwhile.
	besides bool
}

var kinds = []kind{
	{name: "W1", text: "`me` with e-mail and profile", query: me},
	{name: "W2", text: "`updateProfile`, own", query: func(d requests.Dialect, users []*requests.User, i int) requests.Query {
		return d.Update(users[i])
	}, after: true},
	{name: "W3", text: "`updateProfile`, another's: refused", query: func(d requests.Dialect, users []*requests.User, i int) requests.Query {
		return d.UpdateOther(users[i], users[(i+1)%len(users)])
	}, after: true},
	{name: "W4a", text: "50 profiles, 4 fields", query: func(d requests.Dialect, users []*requests.User, i int) requests.Query {
		return d.List(users[i], requests.FirstPage(users, users[i]), false)
	}},
	{name: "W4b", text: "the same with a field for owners only", query: func(d requests.Dialect, users []*requests.User, i int) requests.Query {
		return d.List(users[i], requests.FirstPage(users, users[i]), true)
	}},
	{name: "W5", text: "sign-up", query: func(d requests.Dialect, _ []*requests.User, _ int) requests.Query {
		return d.SignUp(load.Stamp+"@example.org", load.Stamp, func(string) {})
	}, hashes: true},
	{name: "W6", text: "sign-in", query: signIn, hashes: true},
	{name: "W1+", text: "W1 while 32 connections sign in", query: me, besides: true},
}

func me(d requests.Dialect, users []*requests.User, i int) requests.Query { return d.Me(users[i]) }

func signIn(d requests.Dialect, users []*requests.User, i int) requests.Query {
	return d.SignIn(users[i], func(string) {})
}

// calls returns a call for each user.
func (s *server) calls(query func(d requests.Dialect, users []*requests.User, i int) requests.Query) []*load.Call {
	calls := make([]*load.Call, len(s.data.users))
	for i, u := range s.data.users {
		calls[i] = s.call(query(s.dialect, s.data.users, i), u.Token)
	}
	return calls
}

// call turns a query with a token, "" for none, into a call over HTTP.
func (s *server) call(q requests.Query, token string) *load.Call {
	body, err := json.Marshal(map[string]any{"query": q.Document, "variables": q.Variables})
	if err != nil {
		panic(err) // the queries are ours
	}
	var head strings.Builder
	fmt.Fprintf(&head, "POST /graphql HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nAccept: application/json\r\n", s.addr)
	if token != "" {
		fmt.Fprintf(&head, "Authorization: Bearer %s\r\n", token)
	}
	fmt.Fprintf(&head, "Content-Length: %d\r\n\r\n%s", len(body), body)
	return &load.Call{Request: []byte(head.String()), Check: q.Check, Volatile: q.Volatile}
}
