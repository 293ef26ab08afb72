package requests

import (
	"encoding/json"
	"errors"
	"fmt"

	"freehold.dev/freehold/bench/load"
)

// Freehold is the schema of freehold. The Apollo server has a part of it.
type Freehold struct{}

// Me implements Dialect.
func (Freehold) Me(u *User) Query {
	return Query{
		Document: `query Me { me { id email profile { id username displayName bio } } }`,
		Check: exactly(always(object{"me": object{
			"id": u.UserID, "email": u.Email,
			"profile": object{"id": u.ProfileID, "username": u.Username, "displayName": u.DisplayName, "bio": u.Bio},
		}})),
	}
}

const updateProfile = `mutation Update($input: UpdateProfileInput!) { updateProfile(input: $input) { profile { id displayName } } }`

// Update implements Dialect.
func (Freehold) Update(u *User) Query {
	return Query{
		Document: updateProfile, Variables: object{"input": object{"displayName": load.Stamp}},
		Check: exactly(func(stamp string) object {
			return object{"updateProfile": object{"profile": object{"id": u.ProfileID, "displayName": stamp}}}
		}),
	}
}

// UpdateOther implements Dialect.
func (Freehold) UpdateOther(_, other *User) Query {
	code := "NOT_FOUND"
	if other.Public {
		code = "FORBIDDEN"
	}
	return Query{
		Document: updateProfile, Variables: object{"input": object{"id": other.ProfileID, "displayName": "Mallory"}},
		Check: exactly(always(object{"updateProfile": nil}), load.Failure{Path: "updateProfile", Code: code}),
	}
}

// List implements Dialect.
func (Freehold) List(u *User, page []*User, birthday bool) Query {
	more := ""
	if birthday {
		more = " birthday"
	}
	var failures []load.Failure
	nodes := make([]any, len(page))
	for i, of := range page {
		node := object{"id": of.ProfileID, "username": of.Username, "displayName": of.DisplayName, "bio": of.Bio}
		if birthday {
			node["birthday"] = nil
			if of == u {
				node["birthday"] = of.Birthday
			} else {
				failures = append(failures, load.Failure{Path: fmt.Sprintf("profiles.nodes.%d.birthday", i), Code: "FORBIDDEN"})
			}
		}
		nodes[i] = node
	}
	return Query{
		Document:  `query List($first: Int) { profiles(first: $first) { nodes { id username displayName bio` + more + ` } } }`,
		Variables: object{"first": PageSize},
		Check:     exactly(always(object{"profiles": object{"nodes": nodes}}), failures...),
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

// SignUp implements Dialect.
func (Freehold) SignUp(email, username string, got func(string)) Query {
	return Query{
		Document: `mutation SignUp($input: SignUpInput!) {
			signUp(input: $input) { user { email profile { username } } tokens { accessToken } } }`,
		Variables: object{"input": object{"email": email, "password": password, "username": username}},
		Check:     signedIn("signUp", email, username, got),
		Volatile:  true,
	}
}

// SignIn implements Dialect.
func (Freehold) SignIn(u *User, got func(string)) Query {
	return Query{
		Document: `mutation SignIn($input: SignInInput!) {
			signIn(input: $input) { user { email profile { username } } tokens { accessToken } } }`,
		Variables: object{"input": object{"email": u.Email, "password": password}},
		Check:     signedIn("signIn", u.Email, u.Username, got),
		Volatile:  true,
	}
}

// Page reads the ids of the first page of an account's rows: sessions or securityEvents. Only freehold has them.
func (Freehold) Page(field string, ids []string) Query {
	nodes := make([]any, len(ids))
	for i, id := range ids {
		nodes[i] = object{"id": id}
	}
	return Query{
		Document: `query Page { me { ` + field + `(first: 10) { nodes { id } } } }`,
		Check:    exactly(always(object{"me": object{field: object{"nodes": nodes}}})),
	}
}
