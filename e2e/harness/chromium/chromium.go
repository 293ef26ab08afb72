// Package chromium visits pages in a real browser, for the tests of front ends. It is not part of harness, so that only the tests that need
// it are built with the browser's protocol.
package chromium

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// storyTime is for all that a user does in a browser; a few seconds on an idle machine.
const storyTime = 3 * time.Minute

// Tab is a tab of a browser.
type Tab struct {
	T   testing.TB
	Ctx context.Context // for calls of chromedp
}

// Visit starts a browser, which ends with the test, and opens a page.
func Visit(t testing.TB, page string) *Tab {
	t.Helper()
	bounded, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), storyTime)
	t.Cleanup(cancel)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(Path(t)), chromedp.NoSandbox, chromedp.DisableGPU)
	allocator, free := chromedp.NewExecAllocator(bounded, options...)
	t.Cleanup(free)
	return (&Tab{T: t, Ctx: allocator}).Open(page)
}

// Open opens a page in another tab of the browser. It shares cookies and storage.
func (v *Tab) Open(page string) *Tab {
	v.T.Helper()
	ctx, leave := chromedp.NewContext(v.Ctx)
	v.T.Cleanup(leave)
	v.T.Cleanup(func() { chromedp.Cancel(ctx) }) // closes it in good order: one that is killed leaves files behind
	if err := chromedp.Do(ctx, chromedp.Navigate(page)); err != nil {
		v.T.Fatalf("open the page: %v", err)
	}
	return &Tab{T: v.T, Ctx: ctx}
}

// Path returns the path of the browser, which CHROMIUM selects. Without one, the test fails.
func Path(t testing.TB) string {
	t.Helper()
	names := []string{"chromium", "google-chrome"}
	if chosen := os.Getenv("CHROMIUM"); chosen != "" {
		names = []string{chosen}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("there is no Chromium: install one (apt-get install chromium), or set CHROMIUM to its path")
	return ""
}

// Run evaluates an expression in the page, awaits its result, and returns it as JSON; an error as its text.
func (v *Tab) Run(expression string) string {
	v.T.Helper()
	wait, byValue := true, true
	expression = `(async () => { try { return JSON.stringify(await (` + expression + `)) ?? "undefined" } catch (e) { return (e instanceof DOMException ? e.name : String(e.code ?? e)) + ": " + e.message } })()`
	got, err := chromedp.Call(v.Ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: expression, AwaitPromise: &wait, ReturnByValue: &byValue})
	if err != nil || got.ExceptionDetails != nil {
		v.T.Fatalf("evaluate %s: %v %v", expression, err, got.ExceptionDetails)
	}
	return strings.Trim(strings.ReplaceAll(string(got.Result.Value), `\"`, `"`), `"`)
}

// Expect fails the test unless an expression yields a JSON with a text.
func (v *Tab) Expect(expression, want string) {
	v.T.Helper()
	if got := v.Run(expression); !strings.Contains(got, want) {
		v.T.Fatalf("%s yields %s, want %s", expression, got, want)
	}
}
