package web_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"freehold.dev/freehold/e2e/harness"
)

func TestTheAccessPageIsColoured(t *testing.T) {
	t.Parallel()
	v := visit(t, serve(t)+"/playground/access")
	v.await(`document.title`, "freehold access matrix")
	for _, f := range harness.Program.Access().Fields {
		v.await(`document.getElementById("`+f.String()+`")?.cells[0].textContent ?? ""`, f.Name)
	}

	seen := map[string]bool{}
	for _, scheme := range []string{"light", "dark"} {
		v.prefer(scheme)
		text := v.read(`JSON.stringify([document.body, ...["value", "NOT_FOUND", "UNAUTHENTICATED", "FORBIDDEN"].map((c) => document.querySelector("td." + c))]
			.map((element) => getComputedStyle(element).backgroundColor))`)
		var colours []string
		if err := json.Unmarshal([]byte(text), &colours); err != nil {
			t.Fatal(err)
		}
		seen[text] = true
		slices.Sort(colours)
		if len(slices.Compact(colours)) != 5 {
			t.Errorf("%s: some of page, value, NOT_FOUND, UNAUTHENTICATED and FORBIDDEN look alike: %s", scheme, text)
		}
	}
	if len(seen) != 2 {
		t.Errorf("light and dark look alike: %v", seen)
	}

	v.click(`a[href="/"]`)
	v.await(`document.title`, "freehold playground")
}

// At each width, the page of the matrix shows the types with rules first, folds the others, and finds fields.
func TestTheAccessPageIsReadable(t *testing.T) {
	t.Parallel()
	const shownRows = `[...document.querySelectorAll("tbody tr")].filter((row) => row.checkVisibility()).map(({ id }) => id).join() + ","`
	at := serve(t)
	v := visit(t, at+"/playground/access")
	types := v.await(`[...document.querySelectorAll("section.type h2")].map((type) => type.innerText).join()`, "Query,Mutation,User,")
	v.expect(types, ",Session", ",Profile")
	if strings.Contains(types, "Payload") || strings.Contains(types, "Edge") {
		t.Errorf("types without rules are not folded: %s", types)
	}
	v.await(`document.querySelectorAll("details.type:not([open])").length > 50 ? "folded" : "not"`, "folded")
	v.await(`document.querySelector("details.type[open]")?.innerText ?? "none"`, "none")
	v.await(`[...document.querySelectorAll("section.type thead .viewer")].map((viewer) => viewer.innerText).slice(0, 6).join("; ")`,
		"anonymous; anonymous, can see it; member; member, can see it; owner; operator")
	v.expect(v.await(textOf(".legend"), "anonymous"), "can see it", "owner", "operator", "value", "FORBIDDEN", "refused by")

	for _, width := range widths {
		v.resize(width)
		v.fits()
		v.read(`scrollTo(0, 0), ""`) // further down, the headings cover a row
		v.await(`scrollY + ""`, "0")
		v.readable(".top", ".legend", ".filter", "main nav", "section.type:has(#User)", "section.type:has(#Query)", "summary")

		v.filter("birthday")
		v.await(shownRows, "Profile.birthday,")
		v.await(textOf(".filter [role=status]"), "1 field")
		v.filter("signuppayload")
		v.await(shownRows, "SignUpPayload.user,")
		v.await(`document.querySelector("#Query").checkVisibility() + ""`, "false")
		v.filter("")
		v.await(shownRows, "Query.me,")
		v.await(`document.querySelector("#SignUpPayload").closest("details").open + ""`, "false")

		v.read(`location.hash = "SignUpPayload.user", ""`)
		v.await(shownRows, "SignUpPayload.user,")
		v.await(`document.getElementById("SignUpPayload.user").getBoundingClientRect().top < innerHeight ? "in sight" : "below"`, "in sight")
		v.fits()
		v.read(`document.querySelectorAll("details").forEach((type) => { type.open = false }), location.hash = "", ""`)
	}
}

// filter types into the filter of the matrix.
func (v *visitor) filter(text string) {
	v.t.Helper()
	v.read(`((input) => { input.value = "` + text + `"; input.dispatchEvent(new Event("input")); })(document.querySelector(".filter input")), ""`)
}

// prefer sets the colour scheme that the visitor likes.
func (v *visitor) prefer(scheme string) {
	v.t.Helper()
	v.do(chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	}))
}

func TestThePlaygroundLeadsToTheAccessPage(t *testing.T) {
	t.Parallel()
	v, at := open(t)
	opened := chromedp.WaitNewTarget(v.ctx, func(to *target.Info) bool { return to.URL == at+"/playground/access" })
	v.click(`a[href="/playground/access"]`)
	select {
	case <-opened: // in another tab
	case <-time.After(stepTime):
		t.Error("the link led nowhere")
	}
	v.await(status, "Not signed in") // the playground stays
}
