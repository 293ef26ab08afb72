package web_test

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"freehold.dev/freehold/e2e/harness/chromium"
	"freehold.dev/freehold/internal/eventually"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

const (
	storyTime = 4 * time.Minute // for all that a visitor does; a few seconds on an idle machine
	stepTime  = time.Minute     // for one thing to show up
)

// visitor is a user with a Chromium of their own. It records every complaint of the browser.
type visitor struct {
	t    *testing.T
	ctx  context.Context
	host string // the only host that may be asked

	mu         sync.Mutex
	complaints []string
	requests   int
}

// visit opens a page in a fresh Chromium, which ends with the test. The test fails if the browser complained, or asked
// another host.
func visit(t *testing.T, page string) *visitor {
	t.Helper()
	at, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), storyTime) // until the clean-up has closed it
	t.Cleanup(cancel)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium.Path(t)), chromedp.NoSandbox,
		chromedp.DisableGPU, chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-quic", true), chromedp.WindowSize(1280, 800))
	allocator, free := chromedp.NewExecAllocator(bounded, options...)
	t.Cleanup(free)
	v := &visitor{t: t, host: at.Host}
	var leave context.CancelFunc
	v.ctx, leave = chromedp.NewContext(allocator, chromedp.WithListener(v.hear))
	t.Cleanup(leave)
	t.Cleanup(func() { chromedp.Cancel(v.ctx) }) // closes it in good order: one that is killed leaves files behind
	t.Cleanup(v.heardNoComplaint)
	if err := chromedp.Do(v.ctx, chromedp.Navigate(page)); err != nil { // not by v.do: the browser would end with its context
		t.Fatalf("open %s: %v", page, err)
	}
	return v
}

// hear notes what must not happen. It runs while the browser waits, so it asks nothing.
func (v *visitor) hear(event any) {
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		v.mu.Lock()
		v.requests++
		v.mu.Unlock()
		if to, err := url.Parse(e.Request.URL); err != nil || to.Host != v.host && to.Scheme != "data" {
			v.complain("a request to %.100s", e.Request.URL)
		}
	case *network.EventWebSocketCreated:
		v.complain("a WebSocket to %s", e.URL)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			v.complain("console.%s: %s", e.Type, spell(e.Args))
		}
	case *runtime.EventExceptionThrown:
		v.complain("%v", &chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails})
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			v.complain("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	}
}

func spell(args []*runtime.RemoteObject) string {
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = cmp.Or(arg.Description, string(arg.Value))
	}
	return strings.Join(words, " ")
}

func (v *visitor) complain(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.complaints = append(v.complaints, fmt.Sprintf(format, args...))
}

// forgive drops the complaints that contain a text. It fails the test if there are none.
func (v *visitor) forgive(text string) {
	v.t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	before := len(v.complaints)
	if v.complaints = slices.DeleteFunc(v.complaints, func(c string) bool { return strings.Contains(c, text) }); len(v.complaints) == before {
		v.t.Errorf("no complaint about %q", text)
	}
}

// heardNoComplaint fails the test for each complaint, and if the browser was not heard at all.
func (v *visitor) heardNoComplaint() {
	v.t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, complaint := range v.complaints {
		v.t.Error(complaint)
	}
	if v.requests == 0 {
		v.t.Error("no request was heard of, so hearing none elsewhere proves nothing")
	}
}

// do does things as a user of the page would. Each has its time.
func (v *visitor) do(actions ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, stepTime)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		v.t.Fatalf("the browser: %v", err)
	}
}

// read evaluates an expression that yields a text.
func (v *visitor) read(expression string) string {
	v.t.Helper()
	text, err := chromedp.Run(v.ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		v.t.Fatalf("evaluate %s: %v", expression, err)
	}
	return text
}

// await reads until the text contains what is wanted. (chromedp's own Poll compiles code in the page, which the page's
// policy refuses.)
func (v *visitor) await(expression, wanted string) string {
	v.t.Helper()
	text := ""
	defer func() {
		if !strings.Contains(text, wanted) {
			v.t.Logf("it is:\n%s", text)
		}
	}()
	eventually.True(v.t, stepTime, fmt.Sprintf("%q shows up in %s", wanted, expression), func() bool {
		read, err := chromedp.Run(v.ctx, chromedp.Evaluate[string](expression))
		if err != nil && !strings.Contains(err.Error(), "target navigated") { // the page is just being left
			v.t.Fatalf("evaluate %s: %v", expression, err)
		}
		text = read
		return err == nil && strings.Contains(text, wanted)
	})
	return text
}

// click clicks the first element that the CSS selector finds, as a mouse does, once it is visible.
func (v *visitor) click(selector string) {
	v.t.Helper()
	v.do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

func textOf(selector string) string {
	return fmt.Sprintf(`document.querySelector(%s)?.innerText ?? ""`, strconv.Quote(selector))
}

// editorOf is an editor of GraphiQL's.
func editorOf(selector string) string {
	return fmt.Sprintf(`document.querySelector(%s + " .CodeMirror")?.CodeMirror`, strconv.Quote(selector))
}

// editor is the text of an editor of GraphiQL's, all of it, with what is scrolled away.
func editor(selector string) string {
	return editorOf(selector) + `.getValue() ?? ""`
}
