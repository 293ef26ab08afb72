package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

const (
	panel = `document.querySelector(".denials")?.innerText ?? "no panel"`
)

// explains gives the answers to operations of these names the denials, if the request asks for them.
func explains(t *testing.T, denials map[string]string) func(http.Handler) http.Handler {
	t.Helper()
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			var asked struct {
				OperationName string
				Extensions    struct{ Explain bool }
			}
			json.Unmarshal(body, &asked) // most requests have none
			if asked.OperationName == "IntrospectionQuery" && asked.Extensions.Explain {
				t.Error("GraphiQL's introspection was to be explained")
			}
			told, known := denials[asked.OperationName]
			if !known || !asked.Extensions.Explain {
				next.ServeHTTP(w, r)
				return
			}
			plain := httptest.NewRecorder()
			next.ServeHTTP(plain, r)
			var answer map[string]any
			if err := json.Unmarshal(plain.Body.Bytes(), &answer); err != nil {
				t.Error(err)
			}
			answer["extensions"] = map[string]any{"denials": json.RawMessage(told), "cost": 7}
			maps.Copy(w.Header(), plain.Header())
			w.Header().Del("Content-Length") // of the answer without them
			w.WriteHeader(plain.Code)
			json.NewEncoder(w).Encode(answer)
		})
	}
}

func TestDenialsAreExplainedBesideTheResult(t *testing.T) {
	t.Parallel()
	v, _ := open(t)

	v.play("SignUp")
	v.await(status, "Signed in as ada")
	v.play("MakePublic")
	v.play("SignUpBen")
	v.await(status, "Signed in as ben")
	v.await(panel, "no panel")

	refused := v.play("TryAnothers")
	v.expect(refused, `"code": "FORBIDDEN"`, `"email": null`)
	if strings.Contains(refused, "denials") {
		t.Errorf("the denials are shown twice:\n%s", refused)
	}
	told := v.await(panel, "Why 2 fields were refused")
	v.expect(told, "profile.birthday FORBIDDEN", "profile.user.email FORBIDDEN", "The viewer does not own the row.",
		"the field rule @owner of User.email", "ben, member",
		"user_private_select of app.user_private for SELECT, which also refuses\nUSING (user_id = app.viewer_id())")

	v.play("SignIn")
	v.await(status, "Signed in as ada")
	v.await(panel, "no panel")
	v.click(`.graphiql-tab-button[title="TryAnothers"]`) // which still shows the result that Ben got
	v.await(response, `"code": "FORBIDDEN"`)
	v.await(panel, "Why 2 fields were refused")
	v.read(editorOf(".graphiql-query-editor") + `.setValue("query Fine { me { email } }"), ""`)
	v.await(operation, "Fine")
	v.expect(v.playAgain(), `"email": "ada@example.org"`)
	v.await(panel, "no panel")
}

// rendered reports whether the editor of the result has rendered every line that fits.
var rendered = `((editor) => editor.getViewport().to >= editor.lineAtHeight(editor.getScrollerElement().getBoundingClientRect().bottom, "window")
	? "all in sight" : "cut short")(` + editorOf(".graphiql-response") + `)`

func TestThePanelTakesWhateverIsExplained(t *testing.T) {
	t.Parallel()
	many := []string{
		`{"path": ["me"], "field": "Query.me", "layer": "policy", "viewer": {"kind": "nobody", "reason": "expired"}, "why": "<b>Hidden</b> rows look like missing ones."}`,
		`{"path": ["all", 3, "x"], "field": "Thing.x", "code": "NOT_FOUND", "layer": "rule", "rule": "@visible", "viewer": {"kind": "nobody", "reason": "missing"},
		  "policy": {"table": "app.things", "name": "things_insert", "command": "INSERT", "using": null, "withCheck": "(true)", "admits": true}, "why": "It is not there."}`,
	}
	for i := range 58 {
		many = append(many, fmt.Sprintf(`{"path": ["more", %d], "field": "Query.more", "layer": "policy", "why": "Hidden."}`, i))
	}
	v, _ := open(t, explains(t, map[string]string{"Me": "[" + strings.Join(many, ",") + "]", "SignUp": "null"}))

	v.expect(v.play("SignUp"), `"username": "ada"`)
	v.await(panel, "no panel")
	v.click(`.graphiql-tab-button[title="Me"]`)
	v.await(operation, "Me")
	v.read(editorOf(".graphiql-query-editor") + `.setValue("query Me { me { email } __schema { types { name kind } } }"), ""`)
	v.do(chromedp.EmulateViewport(1280, 1600)) // tall enough for the editor to fall short
	shown := v.playAgain()
	v.expect(shown, `"email": "ada@example.org"`, `"cost": 7`)
	if strings.Contains(shown, "denials") {
		t.Errorf("the denials are shown twice:\n%s", shown)
	}
	told := v.await(panel, "Why 60 fields were refused")
	v.expect(told, "me null, without an error", "<b>Hidden</b> rows look like missing ones.", "the row policy, which hides the row of Query.me", "anonymous, expired",
		"all.3.x NOT_FOUND", "things_insert of app.things for INSERT, which would allow it\nWITH CHECK (true)", "anonymous, missing")
	v.await(`(({ scrollHeight, clientHeight }) => scrollHeight > 2 * clientHeight ? "scrolls" : "does not")(document.querySelector(".denials ol"))`, "scrolls")
	v.await(`document.querySelector(".result-window").clientHeight > innerHeight / 3 ? "roomy" : "cramped"`, "roomy")

	v.read(`addEventListener("toggle", () => setTimeout(() => { window.atOnce = ` + rendered + ` }), { capture: true, once: true }), ""`) // a timer of the editor corrects it later
	v.click(".denials summary")
	v.await(`document.querySelector(".denials ol").checkVisibility() ? "open" : "closed"`, "closed")
	v.await(`window.atOnce ?? "not yet"`, "all in sight")
	v.click(".denials summary")
	v.read(editorOf(".graphiql-editor-tool") + `.setValue("{"), ""`) // GraphiQL says so by itself, and asks nothing
	v.click(`.graphiql-execute-button[aria-label^="Execute"]`)
	v.await(response, "invalid JSON")
	v.await(panel, "no panel")
}
