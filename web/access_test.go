package web_test

import (
	"context"
	"encoding/json"
	"slices"
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
		v.await(`document.getElementById("`+f.String()+`")?.cells[0].innerText ?? ""`, f.Name)
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
