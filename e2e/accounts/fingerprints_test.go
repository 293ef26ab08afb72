package accounts

import (
	"testing"

	"freehold.dev/freehold/e2e/harness"
)

// A key belongs to the values of its first request. A retry sends the same values, in any spelling, and finds the account
// even if the account has changed since. With any other value it is a different sign-up.
func TestKeysBelongToTheirValues(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	profile := func() harness.Vars {
		return harness.Vars{
			"displayName": "Ann L\u00e9e", "bio": "one\ntwo", "avatarUrl": "https://ann.example/a.png", "websiteUrl": "https://ann.example/", "location": "Rome",
			"visibility": "MEMBERS", "birthday": "1970-12-31", "phoneNumber": "+4930123456",
		}
	}
	send := func(name string, change func(in, profile harness.Vars)) harness.Reply {
		v, p := form(name, harness.Password, "key-of-"+name), profile()
		in := v["input"].(harness.Vars)
		change(in, p)
		in["profile"] = p
		return signUpWith(s, "", v)
	}
	var first harness.Account
	first.Fill(t, send("tulip", func(harness.Vars, harness.Vars) {}))
	retries := map[string]func(in, profile harness.Vars){
		"the same": func(harness.Vars, harness.Vars) {},
		"other spellings": func(in, p harness.Vars) {
			in["email"], in["username"], p["displayName"], p["bio"], p["phoneNumber"] = " Tulip@EXAMPLE.org", "TULIP", "Ann Le\u0301e ", "one\r\ntwo\n", "0049 (0)30/12 34 56"
		},
		"by cookie or not": func(in, _ harness.Vars) { in["session"] = "TOKENS" },
	}
	others := map[string]func(in, profile harness.Vars){"username": func(in, _ harness.Vars) { in["username"] = "tulips" }}
	changed := harness.Vars{
		"displayName": "Ann", "bio": "one two", "avatarUrl": "https://ann.example/b.png", "websiteUrl": "http://ann.example/", "location": "rome",
		"visibility": "PUBLIC", "birthday": "1970-12-30", "phoneNumber": "+4930123457",
	}
	for name, value := range changed {
		others[name] = func(_, p harness.Vars) { p[name] = value }
		others[name+" left out"] = func(_, p harness.Vars) { delete(p, name) }
		others[name+" null"] = func(_, p harness.Vars) { p[name] = nil }
	}
	others["texts exchanged"] = func(_, p harness.Vars) { p["displayName"], p["location"] = p["location"], p["displayName"] }
	others["bio as a location"] = func(_, p harness.Vars) { p["bio"], p["location"] = nil, "one two" }
	check := func(when string) {
		for what, change := range retries {
			var again harness.Account
			again.Fill(t, send("tulip", change))
			if again.UserID != first.UserID {
				t.Errorf("%s, %s: another account", when, what)
			}
		}
		for what, change := range others {
			expectFaults(t, when+", another "+what, send("tulip", change), keyReused)
		}
	}
	check("at once")
	s.Must(first.Token, harness.ChangeUsername, harness.Input("username", "rose"))
	s.Must(first.Token, updateProfile, harness.Input("displayName", "Rose", "bio", nil, "visibility", "PRIVATE", "phoneNumber", nil, "birthday", "1980-01-01"))
	check("after the account has changed")
	if got := s.DB.Query(t, `SELECT username || display_name FROM app.profiles`); len(got) != 1 || got[0] != "roseRose" {
		t.Errorf("the profiles are %v", got)
	}
	if kept := s.DB.Query(t, `SELECT octet_length(fingerprint) FROM app.sign_up_keys`); len(kept) != 1 || kept[0] != "32" {
		t.Errorf("the fingerprints have %v bytes", kept)
	}
}
