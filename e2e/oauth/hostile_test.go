package oauth

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"freehold.dev/freehold/e2e/harness"
)

// without returns the values without a name.
func without(v url.Values, name string) url.Values {
	kept := url.Values{}
	for n, value := range v {
		if n != name {
			kept[n] = value
		}
	}
	return kept
}

// O01: an answer works once, and only in the flow that it belongs to. A code without its verifier is worth nothing.
func TestAnswersOfOtherFlowsAreRefused(t *testing.T) {
	t.Parallel()
	eachClient(t, func(t *testing.T, cookies bool) {
		s, p := start(t)
		p.put("ann", "ann@example.org", true)
		p.put("eve", "eve@example.org", true)
		c := newClient(s, cookies)
		a := c.signUp(p, "ann")
		refused := func(what string, r harness.Reply, want string) {
			t.Helper()
			if fmt.Sprint(r.Fields()) != "["+want+"]" || strings.Contains(string(r.Data), `"user"`) {
				t.Errorf("%s: %s, want %s", what, r.Body, want)
			}
		}
		mine, other := c.begin(startOAuth), c.begin(startOAuth)
		answer, answerOfOther := p.signIn(mine.AuthorizationURL, "ann"), p.signIn(other.AuthorizationURL, "eve")
		refused("the answer of another flow", c.finish(finishOAuth, mine, answerOfOther), "input.state INVALID")
		refused("no state", c.finish(finishOAuth, mine, answer, "state", ""), "input.state INVALID")
		refused("a state in another case", c.finish(finishOAuth, mine, answer, "state", strings.ToUpper(answer.Get("state"))), "input.state INVALID")
		refused("the code of another flow, whose verifier and nonce differ", c.finish(finishOAuth, mine, answerOfOther, "state", answer.Get("state")), "input.code INVALID")
		refused("no code", c.finish(finishOAuth, mine, answer, "code", ""), "input.code INVALID")
		refused("no token", c.finish(finishOAuth, mine, answer, "continuationToken", ""), "input.continuationToken INVALID")
		refused("another purpose", c.do(complete, harness.Input("continuationToken", mine.ContinuationToken, "username", "x-1")), "input.continuationToken INVALID")
		c.take(c.finish(finishOAuth, mine, answer))
		refused("a second time", c.finish(finishOAuth, mine, answer), "input.continuationToken INVALID")
		replayed := c.begin(startOAuth)
		refused("the code in a new flow", c.finish(finishOAuth, replayed, answer, "state", stateOf(t, replayed)), "input.code INVALID")
		late := c.begin(startOAuth)
		answer = p.signIn(late.AuthorizationURL, "ann")
		s.DB.Query(t, `UPDATE app.continuations SET expires_at = now() - interval '1 second'`)
		refused("too late", c.finish(finishOAuth, late, answer), "input.continuationToken INVALID")
		if got := s.DB.Query(t, `SELECT count(*) FROM app.users`)[0]; got != "1" || a.User == nil {
			t.Errorf("there are %s users", got)
		}
	})
}

func stateOf(t *testing.T, b begun) string {
	t.Helper()
	u, err := url.Parse(b.AuthorizationURL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("state")
}

// O01: the provider gets a challenge and a nonce, and both are checked, each alone.
func TestNonceAndVerifierAreChecked(t *testing.T) {
	t.Parallel()
	s, p := start(t)
	p.put("ann", "ann@example.org", true)
	c := newClient(s, false)
	for _, parameter := range []string{"nonce", "code_challenge"} {
		b := c.begin(startOAuth, "username", "ann")
		u, _ := url.Parse(b.AuthorizationURL)
		q := u.Query()
		if len(q.Get(parameter)) < 43 || q.Get("code_challenge_method") != "S256" {
			t.Errorf("the authorization URL: %s", u)
		}
		q.Set(parameter, strings.Repeat("x", 43)) // that of an attacker's flow, whose code they inject
		u.RawQuery = q.Encode()
		r := c.finish(finishOAuth, b, p.signIn(u.String(), "ann"))
		if fmt.Sprint(r.Fields()) != "[input.code INVALID]" {
			t.Errorf("another %s: %s", parameter, r.Body)
		}
	}
	if n := s.Count("users"); n != "0" {
		t.Errorf("there are %s users", n)
	}
}

// O02: an answer of one provider is not taken for that of another: by iss, if the provider sends it, and by the URL of the answer.
func TestMixUp(t *testing.T) {
	t.Parallel()
	evil := newProvider(t, "evil")
	honest := newProvider(t, "work")
	honest.promisesIssuer()
	settings := append(evil.settings("evil"), honest.settings("work", redirects)...)
	s := harness.Start(t, settings...)
	honest.put("ann", "ann@example.org", true)
	c := newClient(s, false)
	for _, x := range []struct {
		what, iss, want string
	}{
		{"its own iss", honest.URL, "[]"},
		{"no iss, although the provider promises one", "", "[input.iss INVALID]"},
		{"the iss of another", evil.URL, "[input.iss INVALID]"},
		{"an iss with a slash", honest.URL + "/", "[input.iss INVALID]"},
	} {
		b := c.begin(startOAuth)
		answer := replaced(honest.signIn(b.AuthorizationURL, "ann"), "iss", x.iss)
		if r := c.finish(finishOAuth, b, answer); fmt.Sprint(r.Fields()) != x.want {
			t.Errorf("%s: %s", x.what, r.Body)
		}
	}

	// The attacker's provider lures the user to the honest one, within a flow that began with the attacker's: the code comes back to the
	// URL of the honest provider, and is not sent to the attacker's.
	b := c.begin(startOAuth, "provider", "evil")
	answer := url.Values{"code": {"a-code-of-the-honest-provider"}, "state": {stateOf(t, b)}}
	browser := &harness.Browser{Service: s}
	if _, to := visit(browser, "/oauth/evil/callback?"+answer.Encode()); to == nil || to.Host != "app.example.org" || to.Query().Get("code") == "" {
		t.Errorf("the provider that the flow began with: leads to %v", to)
	}
	if _, to := visit(browser, "/oauth/work/callback?"+answer.Encode()); to == nil || to.Query().Get("code") != "" || to.Query().Get("error") != "INVALID" {
		t.Errorf("another provider: leads to %v", to)
	}
	_, to := visit(browser, "/oauth/evil/start?redirectTo="+url.QueryEscape(page))
	answer.Set("state", to.Query().Get("state"))
	if _, to := visit(browser, "/oauth/work/callback?"+answer.Encode()); to == nil || to.Query().Get("error") != "INVALID" || browser.Access != "" {
		t.Errorf("another provider, by redirect: leads to %v", to)
	}
	if evil.asked("/oauth/token") {
		t.Error("the code was sent to the attacker's provider")
	}
}

func replaced(v url.Values, name, value string) url.Values {
	v = without(v, name)
	if value != "" {
		v.Set(name, value)
	}
	return v
}

// O05: users return to listed URLs only, which are compared byte by byte.
func TestRedirectTargets(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	c := newClient(s, false)
	for target, allowed := range map[string]bool{
		page: true, "com.example.app://signed-in": true,
		"": false, "/": false, "https://app.example.org": false, page + "&x": false, strings.ToUpper(page): false, page + "#": false,
		"https://app.example.org/signed-in": false, "https://app.example.org/signed-in?from=provider/../x": false,
		"https://app.example.org.evil.example/signed-in?from=provider": false, "https://app.example.org@evil.example/signed-in?from=provider": false,
		"//app.example.org/signed-in?from=provider": false, " " + page: false, "javascript:alert(1)": false, "https://evil.example": false,
		page + ",com.example.app://signed-in": false,
	} {
		b := c.begin(startOAuth, "redirectTo", target)
		if got := fmt.Sprint(b.reply.Fields()); (got == "[]") != allowed || !allowed && got != "[input.redirectTo NOT_ALLOWED]" {
			t.Errorf("startOAuth with %q: %s", target, b.reply.Body)
		}
		browser := &harness.Browser{Service: s}
		status, to := visit(browser, "/oauth/work/start?redirectTo="+url.QueryEscape(target))
		if (status == http.StatusSeeOther) != allowed || !allowed && (status != http.StatusBadRequest || to != nil || browser.Flow != "") {
			t.Errorf("start with %q: %d, leads to %v", target, status, to)
		}
	}
	// The callback leads to no other place either, whatever the answer is.
	for _, query := range []string{
		"", "?state=x", "?state=x.y&code=z", "?state=https://evil.example&code=x", "?redirectTo=https://evil.example&state=x.y", "?error=https://evil.example&state=x",
		"?state=" + strings.Repeat("x", 5000), "?state=%00&code=%00", "?code=x&state=" + strings.Repeat("A", 43),
	} {
		status, to := visit(&harness.Browser{Service: s}, "/oauth/work/callback"+query)
		if status != http.StatusSeeOther || to == nil || to.Host != "app.example.org" || to.Query().Get("from") != "provider" || to.Query().Get("error") != "INVALID" {
			t.Errorf("the callback with %q: %d, leads to %v", query, status, to)
		}
	}
	if status, _ := visit(&harness.Browser{Service: s}, "/oauth/nobody/start?redirectTo="+url.QueryEscape(page)); status != http.StatusBadRequest {
		t.Errorf("start with an unknown provider: %d", status)
	}
}

// O07, O14: an attacker's answer is of no use in a victim's browser, and a victim's answer is of no use to an attacker.
func TestAnswersBelongToTheClient(t *testing.T) {
	t.Parallel()
	s, p := start(t)
	p.put("eve", "eve@example.org", true)
	attacker := newClient(s, true)
	attacker.signUp(p, "eve")
	b := attacker.begin(startOAuth)
	answer := p.signIn(b.AuthorizationURL, "eve")
	victim := newClient(s, true)
	victim.begin(startOAuth) // so that the victim has a flow of their own
	if victim.Flow == "" || victim.Flow == attacker.Flow {
		t.Fatalf("the cookies of two browsers: %q, %q", victim.Flow, attacker.Flow)
	}
	for what, c := range map[string]*client{"a browser with a flow": victim, "a browser without": newClient(s, true), "a client with tokens": newClient(s, false)} {
		if r := c.finish(finishOAuth, b, answer); fmt.Sprint(r.Fields()) != "[input.continuationToken INVALID]" || c.Access != "" {
			t.Errorf("the attacker's answer in %s: %s", what, r.Body)
		}
	}
	_, to := visit(attacker.Browser, "/oauth/work/start?redirectTo="+url.QueryEscape(page))
	answer = p.signIn(to.String(), "eve")
	for what, c := range map[string]*client{"a browser with a flow": victim, "a browser without": newClient(s, true)} {
		if _, to := visit(c.Browser, "/oauth/work/callback?"+answer.Encode()); to.Query().Get("error") != "INVALID" || c.Access != "" {
			t.Errorf("the attacker's link in %s leads to %v", what, to)
		}
		c.Expect("after the attacker's link, "+what, harness.NoMe)
	}
	attacker.Access, attacker.Refresh = "", ""
	if _, to := visit(attacker.Browser, "/oauth/work/callback?"+answer.Encode()); to.String() != page || attacker.Access == "" {
		t.Errorf("the attacker's link in their own browser leads to %v", to)
	}

	tokens := newClient(s, false)
	b = tokens.begin(startOAuth)
	answer = p.signIn(b.AuthorizationURL, "eve")
	v := harness.Input("continuationToken", b.ContinuationToken, "code", answer.Get("code"), "state", answer.Get("state"))
	r := s.Send(harness.Request{Query: finishOAuth, Vars: v, Header: http.Header{"User-Agent": {"another client"}}})
	if fmt.Sprint(r.Fields()) != "[input.continuationToken INVALID]" {
		t.Errorf("another client with tokens: %s", r.Body)
	}
	tokens.take(tokens.finish(finishOAuth, b, answer))
}

// O07: only the service's own pages, and the user, lead a browser to the start. Scripts, frames and other sites do not.
func TestOnlyOwnPagesStart(t *testing.T) {
	t.Parallel()
	s, _ := start(t, "FREEHOLD_CORS_ORIGINS=https://app.example.org")
	for _, c := range []struct {
		header []string
		want   int
	}{
		{nil, http.StatusSeeOther},
		{[]string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate"}, http.StatusSeeOther},
		{[]string{"Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate"}, http.StatusSeeOther},
		{[]string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, http.StatusForbidden},
		{[]string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "navigate"}, http.StatusForbidden},
		{[]string{"Origin", "https://app.example.org"}, http.StatusForbidden},
		{[]string{"Origin", "null"}, http.StatusForbidden},
		{[]string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors"}, http.StatusMethodNotAllowed},
	} {
		b := &harness.Browser{Service: s}
		if status, _ := visit(b, "/oauth/work/start?redirectTo="+url.QueryEscape(page), c.header...); status != c.want || (b.Flow != "") != (c.want == http.StatusSeeOther) {
			t.Errorf("start with %v: %d, want %d", c.header, status, c.want)
		}
	}
	for _, path := range []string{"/oauth/work/start?redirectTo=" + url.QueryEscape(page), "/oauth/work/callback?code=x&state=y"} {
		if status, _ := send(&harness.Browser{Service: s}, http.MethodHead, path, nil); status != http.StatusMethodNotAllowed {
			t.Errorf("HEAD %s: %d", path, status)
		}
	}
	if status, _ := send(&harness.Browser{Service: s}, http.MethodPost, "/oauth/work/start", url.Values{"redirectTo": {page}}); status != http.StatusNotFound {
		t.Errorf("POST to the start: %d", status)
	}
}
