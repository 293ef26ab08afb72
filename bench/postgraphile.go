//go:build linux

package main

import (
	"encoding/json"
	"errors"

	"freehold/bench/load"
)

// postgraphiles is the schema that PostGraphile makes of postgraphile/schema.sql.
type postgraphiles struct{}

func (postgraphiles) me(u *user) query {
	return query{
		document: `query Me { me { rowId email profileByUserId { rowId username displayName bio } } }`,
		check: exactly(always(object{"me": object{
			"rowId": u.userID, "email": u.email,
			"profileByUserId": object{"rowId": u.profileID, "username": u.username, "displayName": u.displayName, "bio": u.bio},
		}})),
	}
}

const updateByUserID = `mutation Update($input: UpdateProfileByUserIdInput!) {
	updateProfileByUserId(input: $input) { profile { rowId displayName } } }`

func (postgraphiles) update(u *user) query {
	return query{
		document:  updateByUserID,
		variables: object{"input": object{"userId": u.userID, "profilePatch": object{"displayName": load.Stamp}}},
		check: exactly(func(stamp string) object {
			return object{"updateProfileByUserId": object{"profile": object{"rowId": u.profileID, "displayName": stamp}}}
		}),
	}
}

// updateOther expects no profile: row security leaves no row to update, and PostGraphile reports no error.
func (postgraphiles) updateOther(_, other *user) query {
	return query{
		document:  updateByUserID,
		variables: object{"input": object{"userId": other.userID, "profilePatch": object{"displayName": "Mallory"}}},
		check:     exactly(always(object{"updateProfileByUserId": object{"profile": nil}})),
	}
}

// list expects no errors: row security hides the rows of profile_private.
func (postgraphiles) list(u *user, page []*user, birthday bool) query {
	more := ""
	if birthday {
		more = " profilePrivateByUserId { birthday }"
	}
	nodes := make([]any, len(page))
	for i, of := range page {
		node := object{"rowId": of.profileID, "username": of.username, "displayName": of.displayName, "bio": of.bio}
		if birthday {
			node["profilePrivateByUserId"] = nil
			if of == u {
				node["profilePrivateByUserId"] = object{"birthday": of.birthday}
			}
		}
		nodes[i] = node
	}
	return query{
		document: `query List($first: Int) {
			allProfiles(first: $first, orderBy: [CREATED_AT_DESC]) { nodes { rowId username displayName bio` + more + ` } } }`,
		variables: object{"first": pageSize},
		check:     exactly(always(object{"allProfiles": object{"nodes": nodes}})),
	}
}

// signedInAs checks the payload of a sign-up or a sign-in, which is a token.
func signedInAs(field, email string, got func(string)) func([]byte, string) error {
	return func(body []byte, _ string) error {
		var reply struct {
			Data   map[string]struct{ Result string }
			Errors []struct{ Message string }
		}
		if err := json.Unmarshal(body, &reply); err != nil {
			return err
		}
		token := reply.Data[field].Result
		if token == "" || len(reply.Errors) > 0 {
			return errors.New("there is no token for " + email)
		}
		got(token)
		return nil
	}
}

func (postgraphiles) signUp(email, username string, got func(string)) query {
	return query{
		document:  `mutation SignUp($input: SignUpInput!) { signUp(input: $input) { result } }`,
		variables: object{"input": object{"email": email, "password": password, "username": username}},
		check:     signedInAs("signUp", email, got),
		volatile:  true,
	}
}

func (postgraphiles) signIn(u *user, got func(string)) query {
	return query{
		document:  `mutation SignIn($input: SignInInput!) { signIn(input: $input) { result } }`,
		variables: object{"input": object{"email": u.email, "password": password}},
		check:     signedInAs("signIn", u.email, got),
		volatile:  true,
	}
}
