//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"freehold/bench/load"
)

const (
	password = "correct horse battery"
	pageSize = 50
)

// A user is one of the accounts that the loads use, and what is known of it.
type user struct {
	number                     int
	email, username            string
	token                      string
	userID, profileID, session string
	displayName, bio, birthday string
	public                     bool
	sessions, events           []string // the ids of their first pages, newest first
}

// A query is a GraphQL request, and what its answer has to be.
type query struct {
	document  string
	variables object
	check     func(body []byte, stamp string) error
	volatile  bool // two right answers differ
}

type object = map[string]any

// A dialect is how the requests of the loads read in a server's schema.
type dialect interface {
	// me asks for the viewer with e-mail and profile.
	me(u *user) query
	// update changes the viewer's display name to load.Stamp.
	update(u *user) query
	// updateOther tries to change the display name of somebody else.
	updateOther(u, other *user) query
	// list asks for the first page of profiles with four fields, and with the birthday, which is for the owner alone.
	list(u *user, page []*user, birthday bool) query
	// signUp makes an account, and signIn a session; got takes its token.
	signUp(email, username string, got func(token string)) query
	signIn(u *user, got func(token string)) query
}

// exactly checks that a reply has this data, made for the stamp of its request, and these errors.
func exactly(data func(stamp string) object, failures ...load.Failure) func([]byte, string) error {
	return func(body []byte, stamp string) error { return load.Compare(body, data(stamp), failures) }
}

// always is the data of a reply that has no stamp.
func always(data object) func(string) object { return func(string) object { return data } }

// freeholds is the schema of freehold. The Apollo server has a part of the same.
type freeholds struct{}

func (freeholds) me(u *user) query {
	return query{
		document: `query Me { me { id email profile { id username displayName bio } } }`,
		check: exactly(always(object{"me": object{
			"id": u.userID, "email": u.email,
			"profile": object{"id": u.profileID, "username": u.username, "displayName": u.displayName, "bio": u.bio},
		}})),
	}
}

const updateProfile = `mutation Update($input: UpdateProfileInput!) { updateProfile(input: $input) { profile { id displayName } } }`

func (freeholds) update(u *user) query {
	return query{
		document: updateProfile, variables: object{"input": object{"displayName": load.Stamp}},
		check: exactly(func(stamp string) object {
			return object{"updateProfile": object{"profile": object{"id": u.profileID, "displayName": stamp}}}
		}),
	}
}

func (freeholds) updateOther(_, other *user) query {
	code := "NOT_FOUND"
	if other.public {
		code = "FORBIDDEN"
	}
	return query{
		document: updateProfile, variables: object{"input": object{"id": other.profileID, "displayName": "Mallory"}},
		check: exactly(always(object{"updateProfile": nil}), load.Failure{Path: "updateProfile", Code: code}),
	}
}

func (freeholds) list(u *user, page []*user, birthday bool) query {
	more := ""
	if birthday {
		more = " birthday"
	}
	var failures []load.Failure
	nodes := make([]any, len(page))
	for i, of := range page {
		node := object{"id": of.profileID, "username": of.username, "displayName": of.displayName, "bio": of.bio}
		if birthday {
			node["birthday"] = nil
			if of == u {
				node["birthday"] = of.birthday
			} else {
				failures = append(failures, load.Failure{Path: fmt.Sprintf("profiles.nodes.%d.birthday", i), Code: "FORBIDDEN"})
			}
		}
		nodes[i] = node
	}
	return query{
		document:  `query List($first: Int) { profiles(first: $first) { nodes { id username displayName bio` + more + ` } } }`,
		variables: object{"first": pageSize},
		check:     exactly(always(object{"profiles": object{"nodes": nodes}}), failures...),
	}
}

// signedIn checks the payload of a sign-up or a sign-in.
func signedIn(field, email, username string, got func(string)) func([]byte, string) error {
	return func(body []byte, stamp string) error {
		var reply struct {
			Data map[string]struct{ Tokens struct{ AccessToken string } }
		}
		if err := json.Unmarshal(body, &reply); err != nil {
			return err
		}
		token := reply.Data[field].Tokens.AccessToken
		if token == "" {
			return errors.New("there is no token")
		}
		got(token)
		return load.Compare(body, object{field: object{
			"user":   object{"email": stamped(email, stamp), "profile": object{"username": stamped(username, stamp)}},
			"tokens": object{"accessToken": token},
		}}, nil)
	}
}

func (freeholds) signUp(email, username string, got func(string)) query {
	return query{
		document: `mutation SignUp($input: SignUpInput!) {
			signUp(input: $input) { user { email profile { username } } tokens { accessToken } } }`,
		variables: object{"input": object{"email": email, "password": password, "username": username}},
		check:     signedIn("signUp", email, username, got),
		volatile:  true,
	}
}

func (freeholds) signIn(u *user, got func(string)) query {
	return query{
		document: `mutation SignIn($input: SignInInput!) {
			signIn(input: $input) { user { email profile { username } } tokens { accessToken } } }`,
		variables: object{"input": object{"email": u.email, "password": password}},
		check:     signedIn("signIn", u.email, u.username, got),
		volatile:  true,
	}
}
