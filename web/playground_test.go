package web_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/eventually"
)

func TestMain(m *testing.M) { dbtest.Main(m, harness.Program.Migrations()...) }

// serve starts a service with its playground, behind the wraps, and returns its URL. It can explain hidden rows.
func serve(t *testing.T, wraps ...func(http.Handler) http.Handler) string {
	t.Helper()
	d := dbtest.New(t)
	return harness.Setup{Database: d, Settings: []string{"FREEHOLD_MIGRATE_URL=" + d.Owner}, Wrap: func(handler http.Handler) http.Handler {
		for _, wrap := range wraps {
			handler = wrap(handler)
		}
		return handler
	}}.Start(t).Work().URL
}

// open visits the playground of a new service and waits until it can be used.
func open(t *testing.T, wraps ...func(http.Handler) http.Handler) (v *visitor, at string) {
	t.Helper()
	at = serve(t, wraps...)
	if status, _ := fetch(t, http.MethodGet, at+"/", "", ""); status != http.StatusOK {
		t.Fatal("the playground was not built: run `make build`")
	}
	return visitPlayground(t, at), at
}

// visitPlayground opens the playground of a service, and waits until it can be used.
func visitPlayground(t *testing.T, at string) *visitor {
	t.Helper()
	v := visit(t, at)
	v.await(`document.title`, "freehold playground")
	v.await(status, "Not signed in")
	v.await(editor(".graphiql-query-editor"), "mutation SignUp") // the editors load one after the other
	v.await(editor(".graphiql-editor-tool"), "ada@example.org")
	return v
}

func fetch(t *testing.T, method, at, token, body string) (status int, text string) {
	t.Helper()
	r := (&harness.Service{T: t}).Send(harness.Request{Method: method, Path: at, Token: token, Body: body})
	return r.Status, r.Body
}

var (
	status    = textOf("[role=status]")
	response  = editor(".graphiql-response")
	operation = editorOf(".graphiql-query-editor") + `?.operationName ?? ""` // GraphiQL reads it a moment after the document
)

// play runs a starter tab as it is and returns the response.
func (v *visitor) play(tab string) string {
	v.t.Helper()
	v.click(`.graphiql-tab-button[title="` + tab + `"]`)
	v.await(operation, tab)
	return v.playAgain()
}

// playAgain runs what is in the open tab and returns the response.
func (v *visitor) playAgain() string {
	v.t.Helper()
	v.click(`.graphiql-execute-button[aria-label^="Execute"]`) // not the Stop button that it is until the last run has ended
	return v.await(response, "\n}")
}

// expect fails unless the response has all of the texts.
func (v *visitor) expect(response string, texts ...string) {
	v.t.Helper()
	for _, text := range texts {
		if !strings.Contains(response, text) {
			v.t.Errorf("no %s in the response:\n%s", text, response)
		}
	}
}

func TestTheStarterTabsTellTheirStory(t *testing.T) {
	t.Parallel()
	v, at := open(t)

	v.expect(v.play("SignUp"), `"username": "ada"`, `"visibility": "PRIVATE"`)
	v.await(status, "Signed in as ada")
	v.expect(v.play("Me"), `"email": "ada@example.org"`, `"birthday": "1970-12-31"`)
	v.expect(v.play("SignUpBen"), `"username": "ben"`, `"visibility": "PRIVATE"`)
	v.await(status, "Signed in as ben")
	v.expect(v.play("TryAnothers"), `"profile": null`)
	v.expect(v.await(panel, "Why 1 field was refused"), "a row policy hides it")
	v.expect(v.play("SignIn"), `"username": "ada"`)
	v.await(status, "Signed in as ada")
	v.expect(v.play("MakePublic"), `"bio": "First to sign up."`, `"visibility": "PUBLIC"`)
	v.expect(v.play("LookAgain"), `"birthday": "1970-12-31"`)
	access := v.cookie("freehold")
	v.expect(ask(t, at, access, `{ me { email } }`), "ada@example.org")
	v.expect(v.play("RequestCode"), `"success": true`)
	v.click(`.graphiql-tab-button[title="VerifyEmail"]`)
	v.await(operation, "VerifyEmail")
	v.expect(v.playAgain(), `"path": "input.code"`, `"code": "INVALID"`) // of the tab as it is
	v.read(editorOf(".graphiql-editor-tool") + `.setValue(` + strconv.Quote(`{"input": {"email": "ada@example.org", "code": "`+mailedCode(t, at)+`"}}`) + `), ""`)
	v.expect(v.playAgain(), `"emailVerified": true`)
	v.expect(v.play("SignUp"), `"code": "CONFLICT"`)

	v.click(".status .own-button")
	v.await(status, "Not signed in")
	v.expect(v.play("Me"), `"me": null`)
	v.expect(v.play("MakePublic"), `"code": "UNAUTHENTICATED"`)
	v.expect(v.play("LookAgain"), `"bio": "First to sign up."`, `"birthday": null`, `"email": null`, `"code": "UNAUTHENTICATED"`)
	v.expect(ask(t, at, access, `{ me { id } }`), `{"me":null}`)
	if left := v.cookie("freehold") + v.cookie("freehold-refresh"); left != "" {
		t.Errorf("signing out has left cookies: %s", left)
	}
}

// mailedCode is the code in the mailbox to which the playground has a link.
func mailedCode(t *testing.T, at string) string {
	t.Helper()
	_, page := fetch(t, http.MethodGet, at+"/", "", "")
	mailbox := regexp.MustCompile(`data-mailbox="([^"]+)"`).FindStringSubmatch(page)
	if mailbox == nil {
		t.Fatalf("the page has no mailbox: %s", page)
	}
	code := ""
	eventually.True(t, 20*time.Second, "a code is mailed", func() bool {
		_, page := fetch(t, http.MethodGet, at+mailbox[1]+".json", "", "")
		var mails []struct{ Text string }
		if err := json.Unmarshal([]byte(page), &mails); err != nil {
			t.Fatalf("the mailbox is %s: %v", page, err)
		}
		for _, mail := range mails { // its text alone: parts of an id can look like a code
			if code = regexp.MustCompile(`\b[0-9A-Z]{4}-[0-9A-Z]{4}\b`).FindString(mail.Text); code != "" {
				break
			}
		}
		return code != ""
	})
	return code
}

// cookie is the value of a cookie of the browser, which no script can read; "" if there is none.
func (v *visitor) cookie(name string) string {
	v.t.Helper()
	found, err := chromedp.Call(v.ctx, network.GetCookies, network.GetCookiesParams{})
	if err != nil {
		v.t.Fatalf("the cookies: %v", err)
	}
	for _, cookie := range found.Cookies {
		if cookie.Name == name {
			if !cookie.HTTPOnly || cookie.SameSite != network.CookieSameSiteStrict || cookie.Session {
				v.t.Errorf("a cookie that scripts can read, that other sites send, or that ends with the browser: %+v", cookie)
			}
			return cookie.Value
		}
	}
	return ""
}

// ask asks the service, past the playground.
func ask(t *testing.T, at, token, query string) string {
	t.Helper()
	_, text := fetch(t, http.MethodPost, at+"/graphql", token, `{"query": "`+query+`"}`)
	return text
}

func TestTheSessionIsInCookies(t *testing.T) {
	t.Parallel()
	v, at := open(t)
	signedUp := v.play("SignUp")
	v.await(status, "Signed in as ada")

	v.expect(v.play("Me"), `"email": "ada@example.org"`)
	v.click(`[data-name="headers"]`)
	v.typeHeaders(`{"authorization": "Bearer nonsense"}`)
	v.expect(v.playAgain(), `"me": null`) // what is typed wins
	v.typeHeaders(``)
	v.expect(v.playAgain(), `"email": "ada@example.org"`)
	v.await(`JSON.stringify([localStorage.length, sessionStorage.length, document.cookie])`, `[0,0,""]`)
	access := v.cookie("freehold")
	if access == "" || strings.Contains(signedUp, access) || v.cookie("freehold-refresh") == "" {
		t.Error("a cookie is missing, or in the response")
	}

	v.do(chromedp.Reload())
	v.await(status, "Signed in as ada")
	v.await(editor(".graphiql-query-editor"), "mutation SignUp")
	v.expect(v.play("Me"), `"email": "ada@example.org"`)

	v.expect(ask(t, at, access, `mutation { signOut { success } }`), "true")
	v.expect(v.playAgain(), `"me": null`)
	v.await(status, "Not signed in") // although it ended elsewhere
	v.do(chromedp.Reload())
	v.await(status, "Not signed in")
}

func (v *visitor) typeHeaders(text string) {
	v.t.Helper()
	const editors = `document.querySelectorAll(".graphiql-editor-tool .CodeMirror")`
	v.await(editors+`.length + ""`, "2") // the second one is that of the headers
	v.read(editors + `[1].CodeMirror.setValue(` + strconv.Quote(text) + `), ""`)
}

func TestTheRestOfGraphiQLWorksUnderThePolicy(t *testing.T) {
	t.Parallel()
	v, _ := open(t)

	v.click(`[aria-label="Show Documentation Explorer"]`)
	v.await(textOf(".graphiql-doc-explorer"), "Mutation")
	v.do(chromedp.Click(`//*[@class="graphiql-doc-explorer-content"]//a[.="Mutation"]`))
	docs := v.await(textOf(".graphiql-doc-explorer"), "signUp")
	v.expect(docs, "Creates an account, its profile and its first session.")

	v.click(`[aria-label="Show History"]`)
	v.click(`[aria-label="Open settings dialog"]`)
	v.await(textOf(".graphiql-dialog"), "Theme")
	v.do(chromedp.KeyEvent(kb.Escape))
	v.click(`.graphiql-query-editor .CodeMirror`)
	v.do(chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)), chromedp.KeyEvent("{ prof"))
	v.await(textOf(".CodeMirror-hints"), "profiles")
}
