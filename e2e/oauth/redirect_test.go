package oauth

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"freehold.dev/freehold/e2e/harness"
)

var startPath = "/oauth/work/start?redirectTo=" + url.QueryEscape(page)

// signInByRedirect leads a browser through the provider, and returns where it ends.
func signInByRedirect(b *harness.Browser, p *provider, subject, more string) *url.URL {
	b.T.Helper()
	status, to := visit(b, startPath+more, "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate")
	if status != http.StatusSeeOther || !strings.HasPrefix(to.String(), p.URL+"/authorize?") || b.Flow == "" {
		b.T.Fatalf("the start: %d, leads to %v", status, to)
	}
	status, to = visit(b, "/oauth/work/callback?"+p.signIn(to.String(), subject).Encode(), "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate")
	if status != http.StatusSeeOther {
		b.T.Fatalf("the callback: %d", status)
	}
	return to
}

// A browser signs up and in by plain redirects, and then has the cookies.
func TestRedirectsSignIn(t *testing.T) {
	t.Parallel()
	s, p := start(t)
	p.put("ann", "ann@example.org", true)
	b := &harness.Browser{Service: s}
	if to := signInByRedirect(b, p, "ann", "&username=ann"); to.String() != page {
		t.Fatalf("the sign-up leads to %s", to)
	}
	b.Expect("after the sign-up", "ann@example.org")
	b = &harness.Browser{Service: s}
	if to := signInByRedirect(b, p, "ann", ""); to.String() != page {
		t.Fatalf("the sign-in leads to %s", to)
	}
	b.Expect("after the sign-in", "ann@example.org")
	if n := s.Count("users"); n != "1" {
		t.Errorf("%s users", n)
	}
}

// If something is missing, the fragment has the token with which the page continues, in the same browser.
func TestRedirectsContinue(t *testing.T) {
	t.Parallel()
	s, p := start(t)
	s.SignUpAs("popular", nil)
	for name, more := range map[string]string{"ann": "", "bob": "&username=popular", "cem": "&username=x%00"} {
		p.put(name, name+"@example.org", true)
		b := &harness.Browser{Service: s}
		to := signInByRedirect(b, p, name, more)
		fragment, err := url.ParseQuery(to.Fragment)
		if err != nil || fragment.Get("next") != "completeSignUp" || b.Access != "" || to.Query().Get("from") != "provider" {
			t.Fatalf("%s is led to %s", name, to)
		}
		v := harness.Input("continuationToken", fragment.Get("continuationToken"), "username", name)
		if r := s.Do("", complete, v); r.Code() != "BAD_USER_INPUT" {
			t.Errorf("another client completes the sign-up: %s", r.Body)
		}
		if r := b.Do(complete, v); len(r.Errors) > 0 || strings.Contains(r.Body, "accessToken") {
			t.Errorf("the browser completes the sign-up: %s", r.Body)
		}
		b.Expect("after that", name+"@example.org")
	}
	s.DB.Query(t, `INSERT INTO app.credentials (id, user_id, kind, name) SELECT gen_random_uuid(), user_id, 'TOTP', 'x' FROM app.user_private WHERE email = 'ann@example.org'`)
	b := &harness.Browser{Service: s}
	if to := signInByRedirect(b, p, "ann", ""); !strings.HasSuffix(to.Fragment, "next=finishSecondFactor") || b.Access != "" {
		t.Errorf("an account with a second factor is led to %s", to)
	}
}

// What goes wrong is in the query of the page. Only the codes of errors are passed on.
func TestRedirectsReportErrors(t *testing.T) {
	t.Parallel()
	s, p := start(t)
	s.SignUpAs("ann", nil)
	p.put("ann", "ann@example.org", true)
	b := &harness.Browser{Service: s}
	if to := signInByRedirect(b, p, "ann", ""); to.String() != page[:len(page)-len("from=provider")]+"error=EMAIL_NOT_VERIFIED&from=provider" {
		t.Errorf("an address that is not verified leads to %s", to)
	}
	for query, want := range map[string]string{
		"error=access_denied":                   "access_denied",
		"error=%3Cscript%3E":                    "server_error",
		"error=access_denied&code=x":            "access_denied",
		"":                                      "server_error",
		"code=x":                                "INVALID",
		"code=x&iss=https%3A%2F%2Fevil.example": "INVALID",
	} {
		_, to := visit(b, startPath)
		_, to = visit(b, "/oauth/work/callback?state="+to.Query().Get("state")+"&"+query)
		if to == nil || to.Host != "app.example.org" || to.Query().Get("error") != want || b.Access != "" {
			t.Errorf("the answer %q leads to %v, want %s", query, to, want)
		}
	}
	// An answer for a front end is forwarded to it.
	c := newClient(s, false)
	state := stateOf(t, c.begin(startOAuth, "redirectTo", "com.example.app://signed-in"))
	_, to := visit(b, "/oauth/work/callback?code=a%26b&iss=x&session_state=y&state="+state)
	if to == nil || to.String() != "com.example.app://signed-in?code=a%26b&iss=x&state="+state {
		t.Errorf("the answer for an app leads to %v", to)
	}
}

// A provider that posts a form: the browser sends no cookies with it, so it is led to the same URL with a GET.
func TestPostedAnswers(t *testing.T) {
	t.Parallel()
	s, p := start(t)
	p.put("ann", "ann@example.org", true)
	b := &harness.Browser{Service: s}
	_, to := visit(b, startPath+"&username=ann")
	answer := p.signIn(to.String(), "ann")
	answer.Set("user", `{"name":"x"}`)
	stranger := &harness.Browser{Service: s}
	status, to := send(stranger, http.MethodPost, "/oauth/work/callback", answer, "Sec-Fetch-Site", "cross-site", "Origin", "https://appleid.apple.com")
	if status != http.StatusSeeOther || to.Path != "/oauth/work/callback" || to.Query().Has("user") || to.Query().Get("code") != answer.Get("code") || stranger.Access != "" {
		t.Fatalf("the form: %d, leads to %v", status, to)
	}
	if _, to = visit(b, to.RequestURI()); to.String() != page || b.Access == "" {
		t.Errorf("after the form: leads to %v", to)
	}
	if status, _ := send(stranger, http.MethodPost, "/oauth/work/callback", url.Values{"code": {strings.Repeat("x", 20000)}}); status != http.StatusBadRequest {
		t.Errorf("a huge form: %d", status)
	}
}
