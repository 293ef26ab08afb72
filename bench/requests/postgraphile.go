package requests

import (
	"encoding/json"
	"errors"

	"freehold.dev/freehold/bench/load"
)

// PostGraphile is the schema that PostGraphile derives from postgraphile/schema.sql.
type PostGraphile struct{}

// Me implements Dialect.
func (PostGraphile) Me(u *User) Query {
	return Query{
		Document: `query Me { me { rowId email profileByUserId { rowId username displayName bio } } }`,
		Check: exactly(always(object{"me": object{
			"rowId": u.UserID, "email": u.Email,
			"profileByUserId": object{"rowId": u.ProfileID, "username": u.Username, "displayName": u.DisplayName, "bio": u.Bio},
		}})),
	}
}

const updateByUserID = `mutation Update($input: UpdateProfileByUserIdInput!) {
	updateProfileByUserId(input: $input) { profile { rowId displayName } } }`

// Update implements Dialect.
func (PostGraphile) Update(u *User) Query {
	return Query{
		Document:  updateByUserID,
		Variables: object{"input": object{"userId": u.UserID, "profilePatch": object{"displayName": load.Stamp}}},
		Check: exactly(func(stamp string) object {
			return object{"updateProfileByUserId": object{"profile": object{"rowId": u.ProfileID, "displayName": stamp}}}
		}),
	}
}

// UpdateOther expects no profile: row security leaves no row to update, and PostGraphile reports no error.
func (PostGraphile) UpdateOther(_, other *User) Query {
	return Query{
		Document:  updateByUserID,
		Variables: object{"input": object{"userId": other.UserID, "profilePatch": object{"displayName": "Mallory"}}},
		Check:     exactly(always(object{"updateProfileByUserId": object{"profile": nil}})),
	}
}

// List expects no errors: row security hides the rows of profile_private.
func (PostGraphile) List(u *User, page []*User, birthday bool) Query {
	more := ""
	if birthday {
		more = " profilePrivateByUserId { birthday }"
	}
	nodes := make([]any, len(page))
	for i, of := range page {
		node := object{"rowId": of.ProfileID, "username": of.Username, "displayName": of.DisplayName, "bio": of.Bio}
		if birthday {
			node["profilePrivateByUserId"] = nil
			if of == u {
				node["profilePrivateByUserId"] = object{"birthday": of.Birthday}
			}
		}
		nodes[i] = node
	}
	return Query{
		Document: `query List($first: Int) {
			allProfiles(first: $first, orderBy: [CREATED_AT_DESC]) { nodes { rowId username displayName bio` + more + ` } } }`,
		Variables: object{"first": PageSize},
		Check:     exactly(always(object{"allProfiles": object{"nodes": nodes}})),
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

// SignUp implements Dialect.
func (PostGraphile) SignUp(email, username string, got func(string)) Query {
	return Query{
		Document:  `mutation SignUp($input: SignUpInput!) { signUp(input: $input) { result } }`,
		Variables: object{"input": object{"email": email, "password": password, "username": username}},
		Check:     signedInAs("signUp", email, got),
		Volatile:  true,
	}
}

// SignIn implements Dialect.
func (PostGraphile) SignIn(u *User, got func(string)) Query {
	return Query{
		Document:  `mutation SignIn($input: SignInInput!) { signIn(input: $input) { result } }`,
		Variables: object{"input": object{"email": u.Email, "password": password}},
		Check:     signedInAs("signIn", u.Email, got),
		Volatile:  true,
	}
}
