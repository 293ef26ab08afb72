//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"freehold/bench/load"
)

func testUsers() []*user {
	all := make([]*user, pageSize+1)
	for i := range all {
		name := fmt.Sprintf("user%07d", i+1)
		all[i] = &user{
			number: i + 1, username: name, email: name + "@example.org", displayName: "Name of " + name, bio: "Bio of " + name, birthday: "1990-01-02",
			userID: "user-" + name, profileID: "profile-" + name, public: i < pageSize,
		}
	}
	return all
}

// reply returns the reply that a query expects, as its check says: it is what a wrong reply is made of.
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

// Each check takes the right reply, and none in which a word is replaced.
func TestChecksFindWrongReplies(t *testing.T) {
	t.Parallel()
	users := testUsers()
	u, other, private := users[0], users[1], users[pageSize]
	own := object{"id": u.profileID, "username": u.username, "displayName": u.displayName, "bio": u.bio}
	row := object{"rowId": u.profileID, "username": u.username, "displayName": u.displayName, "bio": u.bio}
	var nodes, rows []any
	var failures []load.Failure
	for i, of := range users[:pageSize] {
		node := object{"id": of.profileID, "username": of.username, "displayName": of.displayName, "bio": of.bio, "birthday": nil}
		row := object{"rowId": of.profileID, "username": of.username, "displayName": of.displayName, "bio": of.bio, "profilePrivateByUserId": nil}
		if of == u {
			node["birthday"], row["profilePrivateByUserId"] = u.birthday, object{"birthday": u.birthday}
		} else {
			failures = append(failures, load.Failure{Path: fmt.Sprintf("profiles.nodes.%d.birthday", i), Code: "FORBIDDEN"})
		}
		nodes, rows = append(nodes, node), append(rows, row)
	}
	const stamp = "s000000000042"
	session := object{"user": object{"email": u.email, "profile": object{"username": u.username}}, "tokens": object{"accessToken": "token"}}
	ignore := func(string) {}

	for name, c := range map[string]struct {
		query query
		right string
		wrong [][2]string
	}{
		"me": {
			freeholds{}.me(u),
			reply(t, object{"me": object{"id": u.userID, "email": u.email, "profile": own}}),
			[][2]string{{u.email, other.email}, {u.profileID, other.profileID}, {u.displayName, "Mallory"}, {`{"me":`, `{"you":`}},
		},
		"update": {
			freeholds{}.update(u),
			reply(t, object{"updateProfile": object{"profile": object{"id": u.profileID, "displayName": stamp}}}),
			[][2]string{{stamp, u.displayName}, {u.profileID, other.profileID}},
		},
		"update of another's": {
			freeholds{}.updateOther(u, other),
			reply(t, object{"updateProfile": nil}, load.Failure{Path: "updateProfile", Code: "FORBIDDEN"}),
			[][2]string{{"FORBIDDEN", "NOT_FOUND"}, {`"updateProfile":null`, `"updateProfile":{"profile":{"displayName":"Mallory"}}`}},
		},
		"update of a private one": {
			freeholds{}.updateOther(u, private),
			reply(t, object{"updateProfile": nil}, load.Failure{Path: "updateProfile", Code: "NOT_FOUND"}),
			[][2]string{{"NOT_FOUND", "FORBIDDEN"}},
		},
		"list": {
			freeholds{}.list(u, users[:pageSize], true),
			reply(t, object{"profiles": object{"nodes": nodes}}, failures...),
			[][2]string{{`"birthday":null`, `"birthday":"1990-01-03"`}, {u.birthday, "1990-01-03"}, {users[49].username, users[48].username}, {"FORBIDDEN", "NOT_FOUND"}},
		},
		"sign-in": {
			freeholds{}.signIn(u, ignore),
			reply(t, object{"signIn": session}),
			[][2]string{{`"token"`, `""`}, {u.email, other.email}, {u.username, other.username}},
		},
		"PostGraphile's me": {
			postgraphiles{}.me(u),
			reply(t, object{"me": object{"rowId": u.userID, "email": u.email, "profileByUserId": row}}),
			[][2]string{{u.email, other.email}, {u.displayName, "Mallory"}},
		},
		"PostGraphile's update": {
			postgraphiles{}.update(u),
			reply(t, object{"updateProfileByUserId": object{"profile": object{"rowId": u.profileID, "displayName": stamp}}}),
			[][2]string{{stamp, u.displayName}},
		},
		"PostGraphile's update of another's": {
			postgraphiles{}.updateOther(u, other),
			reply(t, object{"updateProfileByUserId": object{"profile": nil}}),
			[][2]string{{`"profile":null`, `"profile":{"displayName":"Mallory"}`}},
		},
		"PostGraphile's list": {
			postgraphiles{}.list(u, users[:pageSize], true),
			reply(t, object{"allProfiles": object{"nodes": rows}}),
			[][2]string{{`"profilePrivateByUserId":null`, `"profilePrivateByUserId":{"birthday":"1990-01-03"}`}, {u.birthday, "1990-01-03"}},
		},
		"PostGraphile's sign-in": {
			postgraphiles{}.signIn(u, ignore),
			reply(t, object{"signIn": object{"result": "token"}}),
			[][2]string{{`"token"`, `null`}},
		},
	} {
		if err := c.query.check([]byte(c.right), stamp); err != nil {
			t.Errorf("%s: the right reply: %v\n%s", name, err, c.right)
		}
		for _, replace := range c.wrong {
			wrong := strings.Replace(c.right, replace[0], replace[1], 1)
			if wrong == c.right {
				t.Errorf("%s: the reply has no %s", name, replace[0])
			}
			if c.query.check([]byte(wrong), stamp) == nil {
				t.Errorf("%s: %s for %s was not noticed", name, replace[1], replace[0])
			}
		}
	}
}

// A private profile is on its owner's page alone.
func TestFirstPage(t *testing.T) {
	t.Parallel()
	users := testUsers()
	if page := firstPage(users, users[3]); len(page) != pageSize || page[0] != users[0] {
		t.Errorf("the page of a public user has %d profiles, the first of %s", len(page), page[0].username)
	}
	private := users[pageSize]
	if page := firstPage(users, private); len(page) != pageSize || page[0] != private || page[1] != users[0] {
		t.Errorf("the page of a private user has %d profiles, the first of %s", len(page), page[0].username)
	}
}
