package e2e

import "testing"

// A key stands for its first values. A retry sends the same values, in any spelling, and finds the account even if it has
// changed since. With any other value it is another sign-up.
func TestKeysStandForTheirValues(t *testing.T) {
	t.Parallel()
	s := start(t)
	profile := func() vars {
		return vars{
			"displayName": "Ann L\u00e9e", "bio": "one\ntwo", "avatarUrl": "https://ann.example/a.png", "websiteUrl": "https://ann.example/", "location": "Rome",
			"visibility": "MEMBERS", "birthday": "1970-12-31", "phoneNumber": "+4930123456",
		}
	}
	send := func(name string, change func(in, profile vars)) reply {
		v, p := form(name, password, "key-of-"+name), profile()
		in := v["input"].(vars)
		change(in, p)
		in["profile"] = p
		return s.signUpWith("", v)
	}
	var first account
	first.fill(t, send("tulip", func(vars, vars) {}))
	retries := map[string]func(in, profile vars){
		"the same": func(vars, vars) {},
		"other spellings": func(in, p vars) {
			in["email"], in["username"], p["displayName"], p["bio"], p["phoneNumber"] = " Tulip@EXAMPLE.org", "TULIP", "Ann Le\u0301e ", "one\r\ntwo\n", "0049 (0)30/12 34 56"
		},
		"by cookie or not": func(in, _ vars) { in["session"] = "TOKENS" },
	}
	others := map[string]func(in, profile vars){"username": func(in, _ vars) { in["username"] = "tulips" }}
	changed := vars{
		"displayName": "Ann", "bio": "one two", "avatarUrl": "https://ann.example/b.png", "websiteUrl": "http://ann.example/", "location": "rome",
		"visibility": "PUBLIC", "birthday": "1970-12-30", "phoneNumber": "+4930123457",
	}
	for name, value := range changed {
		others[name] = func(_, p vars) { p[name] = value }
		others[name+" left out"] = func(_, p vars) { delete(p, name) }
		others[name+" null"] = func(_, p vars) { p[name] = nil }
	}
	others["texts exchanged"] = func(_, p vars) { p["displayName"], p["location"] = p["location"], p["displayName"] }
	others["bio as a location"] = func(_, p vars) { p["bio"], p["location"] = nil, "one two" }
	check := func(when string) {
		for what, change := range retries {
			var again account
			again.fill(t, send("tulip", change))
			if again.UserID != first.UserID {
				t.Errorf("%s, %s: another account", when, what)
			}
		}
		for what, change := range others {
			expectFaults(t, when+", another "+what, send("tulip", change), keyReused)
		}
	}
	check("at once")
	s.must(first.Token, changeUsername, input("username", "rose"))
	s.must(first.Token, updateProfile, input("displayName", "Rose", "bio", nil, "visibility", "PRIVATE", "phoneNumber", nil, "birthday", "1980-01-01"))
	check("after the account has changed")
	if got := s.db.Query(t, `SELECT username || display_name FROM app.profiles`); len(got) != 1 || got[0] != "roseRose" {
		t.Errorf("the profiles are %v", got)
	}
	if kept := s.db.Query(t, `SELECT octet_length(fingerprint) FROM app.sign_up_keys`); len(kept) != 1 || kept[0] != "32" {
		t.Errorf("the fingerprints have %v bytes", kept)
	}
}
