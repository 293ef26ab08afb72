package requests

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"freehold.dev/freehold/bench/load"
)

func testUsers() []*User {
	all := make([]*User, PageSize+1)
	for i := range all {
		name := fmt.Sprintf("user%07d", i+1)
		all[i] = &User{
			Number: i + 1, Username: name, Email: name + "@example.org", DisplayName: "Name of " + name, Bio: "Bio of " + name, Birthday: "1990-01-02",
			UserID: "user-" + name, ProfileID: "profile-" + name, Public: i < PageSize,
		}
	}
	return all
}

// reply returns the reply that a query expects, as its check says. Tests derive wrong replies from it.
func reply(t *testing.T, data object, failures ...load.Failure) string {
	t.Helper()
	errors := []any{}
	for _, f := range failures {
		var path []any
		for part := range strings.SplitSeq(f.Path, ".") {
			path = append(path, part)
		}
		errors = append(errors, object{"message": "No.", "path": path, "extensions": object{"code": f.Code}})
	}
	text, err := json.Marshal(object{"data": data, "errors": errors})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Each check accepts the correct reply, and refuses it with any word replaced.
func TestChecksFindWrongReplies(t *testing.T) {
	t.Parallel()
	users := testUsers()
	u, other, private := users[0], users[1], users[PageSize]
	own := object{"id": u.ProfileID, "username": u.Username, "displayName": u.DisplayName, "bio": u.Bio}
	row := object{"rowId": u.ProfileID, "username": u.Username, "displayName": u.DisplayName, "bio": u.Bio}
	var nodes, rows []any
	var failures []load.Failure
	for i, of := range users[:PageSize] {
		node := object{"id": of.ProfileID, "username": of.Username, "displayName": of.DisplayName, "bio": of.Bio, "birthday": nil}
		row := object{"rowId": of.ProfileID, "username": of.Username, "displayName": of.DisplayName, "bio": of.Bio, "profilePrivateByUserId": nil}
		if of == u {
			node["birthday"], row["profilePrivateByUserId"] = u.Birthday, object{"birthday": u.Birthday}
		} else {
			failures = append(failures, load.Failure{Path: fmt.Sprintf("profiles.nodes.%d.birthday", i), Code: "FORBIDDEN"})
		}
		nodes, rows = append(nodes, node), append(rows, row)
	}
	const stamp = "s000000000042"
	session := object{"user": object{"email": u.Email, "profile": object{"username": u.Username}}, "tokens": object{"accessToken": "token"}}
	ignore := func(string) {}

	for name, c := range map[string]struct {
		query Query
		right string
		wrong [][2]string
	}{
		"me": {
			Freehold{}.Me(u),
			reply(t, object{"me": object{"id": u.UserID, "email": u.Email, "profile": own}}),
			[][2]string{{u.Email, other.Email}, {u.ProfileID, other.ProfileID}, {u.DisplayName, "Mallory"}, {`{"me":`, `{"you":`}},
		},
		"update": {
			Freehold{}.Update(u),
			reply(t, object{"updateProfile": object{"profile": object{"id": u.ProfileID, "displayName": stamp}}}),
			[][2]string{{stamp, u.DisplayName}, {u.ProfileID, other.ProfileID}},
		},
		"update of another's": {
			Freehold{}.UpdateOther(u, other),
			reply(t, object{"updateProfile": nil}, load.Failure{Path: "updateProfile", Code: "FORBIDDEN"}),
			[][2]string{{"FORBIDDEN", "NOT_FOUND"}, {`"updateProfile":null`, `"updateProfile":{"profile":{"displayName":"Mallory"}}`}},
		},
		"update of a private one": {
			Freehold{}.UpdateOther(u, private),
			reply(t, object{"updateProfile": nil}, load.Failure{Path: "updateProfile", Code: "NOT_FOUND"}),
			[][2]string{{"NOT_FOUND", "FORBIDDEN"}},
		},
		"list": {
			Freehold{}.List(u, users[:PageSize], true),
			reply(t, object{"profiles": object{"nodes": nodes}}, failures...),
			[][2]string{{`"birthday":null`, `"birthday":"1990-01-03"`}, {u.Birthday, "1990-01-03"}, {users[49].Username, users[48].Username}, {"FORBIDDEN", "NOT_FOUND"}},
		},
		"sign-in": {
			Freehold{}.SignIn(u, ignore),
			reply(t, object{"signIn": session}),
			[][2]string{{`"token"`, `""`}, {u.Email, other.Email}, {u.Username, other.Username}},
		},
		"PostGraphile's me": {
			PostGraphile{}.Me(u),
			reply(t, object{"me": object{"rowId": u.UserID, "email": u.Email, "profileByUserId": row}}),
			[][2]string{{u.Email, other.Email}, {u.DisplayName, "Mallory"}},
		},
		"PostGraphile's update": {
			PostGraphile{}.Update(u),
			reply(t, object{"updateProfileByUserId": object{"profile": object{"rowId": u.ProfileID, "displayName": stamp}}}),
			[][2]string{{stamp, u.DisplayName}},
		},
		"PostGraphile's update of another's": {
			PostGraphile{}.UpdateOther(u, other),
			reply(t, object{"updateProfileByUserId": object{"profile": nil}}),
			[][2]string{{`"profile":null`, `"profile":{"displayName":"Mallory"}`}},
		},
		"PostGraphile's list": {
			PostGraphile{}.List(u, users[:PageSize], true),
			reply(t, object{"allProfiles": object{"nodes": rows}}),
			[][2]string{{`"profilePrivateByUserId":null`, `"profilePrivateByUserId":{"birthday":"1990-01-03"}`}, {u.Birthday, "1990-01-03"}},
		},
		"PostGraphile's sign-in": {
			PostGraphile{}.SignIn(u, ignore),
			reply(t, object{"signIn": object{"result": "token"}}),
			[][2]string{{`"token"`, `null`}},
		},
	} {
		if err := c.query.Check([]byte(c.right), stamp); err != nil {
			t.Errorf("%s: the right reply: %v\n%s", name, err, c.right)
		}
		for _, replace := range c.wrong {
			wrong := strings.Replace(c.right, replace[0], replace[1], 1)
			if wrong == c.right {
				t.Errorf("%s: the reply has no %s", name, replace[0])
			}
			if c.query.Check([]byte(wrong), stamp) == nil {
				t.Errorf("%s: %s for %s was not noticed", name, replace[1], replace[0])
			}
		}
	}
}

// A private profile is only on its owner's page.
func TestFirstPage(t *testing.T) {
	t.Parallel()
	users := testUsers()
	if page := FirstPage(users, users[3]); len(page) != PageSize || page[0] != users[0] {
		t.Errorf("the page of a public User has %d profiles, the first of %s", len(page), page[0].Username)
	}
	private := users[PageSize]
	if page := FirstPage(users, private); len(page) != PageSize || page[0] != private || page[1] != users[0] {
		t.Errorf("the page of a private User has %d profiles, the first of %s", len(page), page[0].Username)
	}
}
