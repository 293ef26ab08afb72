package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"freehold.dev/freehold/e2e/harness"
)

// widths are those of a phone, of a small window and of a laptop, in CSS pixels.
var widths = []int64{390, 1024, 1280}

// resize gives the window a width, and waits until the page has it.
func (v *visitor) resize(width int64) {
	v.t.Helper()
	v.do(chromedp.EmulateViewport(width, 800))
	v.await(`innerWidth + ""`, strconv.FormatInt(width, 10))
}

// fits fails the test if the page is wider than the window.
func (v *visitor) fits() {
	v.t.Helper()
	v.await(`(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth ? "fits" : scrollWidth + " in " + clientWidth)(document.documentElement)`, "fits")
}

// readable has axe check the contrast of elements in both colour schemes. It fails the test if axe is unsure, and if a selector finds nothing.
func (v *visitor) readable(selectors ...string) {
	v.t.Helper()
	axe, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		v.t.Fatalf("axe is missing, run `make build`: %v", err)
	}
	v.read(string(axe) + `; ""`)
	include, err := json.Marshal(selectors)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, scheme := range []string{"light", "dark"} {
		v.prefer(scheme)
		v.read(fmt.Sprintf(`window.found = "", axe.run({ include: %s }, { runOnly: ["color-contrast"] }).then(
			({ violations, incomplete, passes }) => { window.found = JSON.stringify({
				Checked: passes.flatMap(({ nodes }) => nodes).length,
				Faults: [...violations, ...incomplete].flatMap(({ nodes }) => nodes).map(({ html, any }) => html.slice(0, 120) + " " + any.map(({ message }) => message)),
				Missing: %[1]s.filter((selector) => !document.querySelector(selector)),
			}) },
			(error) => { window.found = JSON.stringify({ Faults: ["" + error] }) }), ""`, include))
		var found struct {
			Checked         int
			Faults, Missing []string
		}
		if err := json.Unmarshal([]byte(v.await(`window.found`, "}")), &found); err != nil {
			v.t.Fatal(err)
		}
		if found.Checked < len(selectors) || len(found.Faults) > 0 || len(found.Missing) > 0 {
			v.t.Errorf("%s: axe checked %d elements, did not find %q, and complains:\n%s", scheme, found.Checked, found.Missing, strings.Join(found.Faults, "\n"))
		}
	}
}

// size is the height or width of an element that can be seen, in CSS pixels.
func (v *visitor) size(dimension, selector string) int {
	v.t.Helper()
	n, err := strconv.Atoi(v.read(fmt.Sprintf(`document.querySelector(%s).client%s + ""`, strconv.Quote(selector), dimension)))
	if err != nil {
		v.t.Fatal(err)
	}
	return n
}

// outOfSight lists the elements that are not completely in sight, beside their list or beside the window.
func outOfSight(list, elements string) string {
	return fmt.Sprintf(`((box) => [...document.querySelectorAll(%s)].filter((element) => {
		const { left, right, top, bottom } = element.getBoundingClientRect();
		return left < box.left - 1 || right > Math.min(box.right, innerWidth) + 1 || top < box.top - 1 || bottom > box.bottom + 1;
	}).map((element) => element.innerText).join() || "none")(document.querySelector(%s).getBoundingClientRect())`, strconv.Quote(elements), strconv.Quote(list))
}

const (
	storyText = `document.querySelector(".story")?.innerText ?? ""`
	ruleText  = `document.querySelector(".rule")?.innerText ?? ""`
	next      = ".story span :nth-child(3)"
)

// At each width, the playground introduces itself, leads through the story, shows the rules and runs what it shows.
func TestTheFaceOfThePlayground(t *testing.T) {
	t.Parallel()
	at := serve(t)
	ask(t, at, "", `mutation { signUp(input: {email: \"ada@example.org\", password: \"correct horse battery\", username: \"ada\"}) { user { id } } }`)
	for _, width := range widths {
		t.Run(strconv.FormatInt(width, 10), func(t *testing.T) {
			t.Parallel()
			v := visitPlayground(t, at)
			v.resize(width)
			v.fits()
			v.expect(v.await(textOf("header"), "Sign in"), "freehold", "every field has a rule that says who may read it.", "Not signed in")
			v.await(storyText, "Step 1 of 9. Ada signs up.")

			if width >= 1024 {
				v.await(outOfSight(".graphiql-tabs", ".graphiql-tab"), "none")
			}
			if n := v.size("Width", ".graphiql-tabs"); n < 250 {
				t.Errorf("the list of tabs is %d px wide", n)
			}
			for _, pane := range []string{".graphiql-query-editor", ".result-window"} {
				if w, h := v.size("Width", pane), v.size("Height", pane); w < 300 || h < 250 {
					t.Errorf("%s has %d × %d px", pane, w, h)
				}
			}

			v.read(`document.querySelector('.graphiql-tab-button[title="Me"]').click(), setTimeout(() => document.querySelector(".graphiql-execute-button").click()), ""`)
			v.await(response, `"me": null`)
			v.await(storyText, "Step 2 of 9.")
			v.playsTheStory()
			v.showsRules()
			v.readable(".top", ".story", ".rule", ".denials")
			v.signsInAndOut()
		})
	}
}

// playsTheStory continues from the second step to the sixth and runs it, which is refused.
func (v *visitor) playsTheStory() {
	v.t.Helper()
	for step := 3; step <= 6; step++ {
		v.click(next)
		v.await(storyText, fmt.Sprintf("Step %d of 9.", step))
		v.await(outOfSight(".graphiql-tabs", ".graphiql-tab-active"), "none")
	}
	v.click(".story span :nth-child(2)")
	v.await(response, `"code": "UNAUTHENTICATED"`)
	v.await(panel, "Why 1 field was refused")
	v.expect(v.await(panel, "anonymous, missing"), "Mutation.updateProfile")
	v.await(`(({ top, bottom }) => top >= -1 && bottom <= innerHeight + 1 ? "in sight" : top + " to " + bottom)(document.querySelector(".result-window").getBoundingClientRect())`,
		"in sight") // on a phone, the page scrolls to it
	v.click(".story span :nth-child(1)")
	v.await(storyText, "Step 5 of 9.")
	v.click(next)
	v.await(panel, "Why 1 field was refused")
}

// showsRules moves the cursor to fields and reads what is beside the editor. At first, that is the rule of the root field.
func (v *visitor) showsRules() {
	v.t.Helper()
	for _, c := range []struct {
		document, root, at string
		want               []string
	}{
		{`{ profile(username: "ada") { birthday } }`, "Query.profile", "birthday", []string{
			"Profile.birthday @owner", "may read it\nowner", "UNAUTHENTICATED\nanonymous; anonymous, can see it", "FORBIDDEN\nmember, can see it", "NOT_FOUND\nmember\n",
		}},
		{`{ me { id } }`, "Query.me", "{ me", []string{"Query.me @public", "may read it\neveryone"}},
		{`mutation { disableAccount(input: {userId: "x"}) { success } }`, "Mutation.disableAccount", "disableAccount", []string{"Mutation.disableAccount", "may call it\noperator with accounts:disable"}},
		{`{ node(id: "x") { id } }`, "Query.node", "id }", []string{"User.id @visible", "Profile.id @visible"}},
		{`{ profiles { nodes { __typename } } }`, "Query.profiles", "__typename", []string{"Profile.__typename is part of GraphQL and has no rule"}},
	} {
		query := editorOf(".graphiql-query-editor")
		v.read(fmt.Sprintf(`%s.setValue(%s), ""`, query, strconv.Quote(c.document)))
		v.await(ruleText, c.root) // outside of all fields
		v.read(fmt.Sprintf(`((editor) => editor.setCursor(editor.posFromIndex(%d)))(%s), ""`, strings.Index(c.document, c.at)+1, query))
		v.expect(v.await(ruleText, c.want[0])+"\n", c.want...)
	}
	v.await(storyText, "This tab is your own.")
	v.read(editorOf(".graphiql-query-editor") + `.setValue("query {"), ""`) // the last field stays while the document is invalid
	v.await(ruleText, "Profile.__typename")
}

func (v *visitor) signsInAndOut() {
	v.t.Helper()
	v.click(".status .own-button")
	v.click(".sign-in p :nth-child(2)") // Ben, who has no account yet
	v.click(".sign-in [type=submit]")
	v.await(textOf(".sign-in [role=alert]"), "password")
	v.read(`document.querySelector(".sign-in").style.zIndex = 99, ""`) // axe does not know that a dialog is above the page
	v.readable(".sign-in form")
	v.click(".sign-in p :nth-child(1)")
	v.click(".sign-in [type=submit]")
	v.await(status, "Signed in as ada")
	v.await(`document.querySelector(".sign-in").open + ""`, "false")
	v.click(".status .own-button")
	v.await(status, "Not signed in")
}

// What a browser opens by mistake gets a page. Programs get JSON.
func TestAMissingPageIsAPage(t *testing.T) {
	t.Parallel()
	at := serve(t)
	v := visit(t, at+"/nope")
	for _, path := range []string{"/nope", "/playground/nope.js", "/dev/mail/nope"} {
		v.do(chromedp.Navigate(at + path))
		for _, width := range widths {
			v.resize(width)
			v.fits()
			v.expect(v.await(textOf("main"), "ot found"), "playground")
		}
		v.readable("body")
	}
	v.forgive("404 (Not Found)")
	v.click(`main a[href="/playground/access"]`)
	v.await(`document.title`, "freehold access matrix")

	for accept, wantsPage := range map[string]bool{
		"": false, "*/*": false, "application/json": false, "text/*": false, "text/html;q=0": false,
		"text/html": true, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": true,
	} {
		r := (&harness.Service{T: t}).Send(harness.Request{Method: http.MethodGet, Path: at + "/nope", Header: http.Header{"Accept": {accept}}})
		if isPage := strings.HasPrefix(r.Header.Get("Content-Type"), "text/html"); r.Status != http.StatusNotFound || isPage != wantsPage {
			t.Errorf("Accept %q: %d %v", accept, r.Status, r.Header)
		}
	}
}

// The mailbox shows new codes without a reload, and copies them.
func TestTheMailboxIsAPageOfTheProduct(t *testing.T) {
	t.Parallel()
	at := serve(t)
	v := visit(t, at+"/dev/mail")
	v.await(textOf("main"), "No mail yet")
	ask(t, at, "", `mutation { signUp(input: {email: \"ada@example.org\", password: \"correct horse battery\", username: \"ada\"}) { user { id } } }`)
	ask(t, at, "", `mutation { requestEmailVerification(input: {email: \"ada@example.org\"}) { success } }`)
	code := mailedCode(t, at)
	for _, width := range widths {
		v.resize(width)
		v.expect(v.await(textOf(".mails"), code), "ada@example.org")
		v.fits()
		v.readable(".top", "main", "footer")
	}
	v.read(`navigator.clipboard.writeText = async (text) => { window.copied = text }, ""`) // the browser's own asks for permission
	v.click(fmt.Sprintf(`.copy[data-code="%s"]`, code))
	v.await(textOf(".mails .copy"), "Copied")
	v.await(`window.copied`, code)
	v.click(".mails a")
	v.await(textOf("pre"), code)
	for _, width := range widths {
		v.resize(width)
		v.fits()
		v.readable(".top", "h1", "main p", "pre")
	}
	v.click(`main a[href="/dev/mail"]`)
	v.await(textOf("h1"), "Mail")
	v.click(`nav a[href="/"]`)
	v.await(`document.title`, "freehold playground")
}
