package harness

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Snippets returns the code blocks of a language in a page of the docs, such as docs/accounts.md, in their order.
func Snippets(t testing.TB, page, language string) (blocks []string) {
	t.Helper()
	for _, b := range Blocks(t, page) {
		if b.Language == language {
			blocks = append(blocks, b.Code)
		}
	}
	if len(blocks) == 0 {
		t.Fatalf("%s has no code block of %s", page, language)
	}
	return blocks
}

func readPage(t testing.TB, page string) string {
	t.Helper()
	_, file, _, _ := runtime.Caller(0)
	text, err := os.ReadFile(filepath.Join(filepath.Dir(file), "..", "..", page))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// RunNode runs a program as a module of Node, with further variables of the environment, and returns what it prints. An error of the
// program, or anything that it prints to stderr, fails the test.
func RunNode(t testing.TB, program string, env map[string]string) string {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("this test needs Node: run make test, which installs it")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, path, "--input-type=module", "-")
	c.Stdin = strings.NewReader(program)
	c.Env = os.Environ()
	for name, value := range env {
		c.Env = append(c.Env, name+"="+value)
	}
	var failed strings.Builder
	c.Stderr = &failed
	out, err := c.Output()
	if err != nil || failed.Len() > 0 {
		t.Fatalf("node: %v\n%s\n%s", err, failed.String(), out)
	}
	return string(out)
}

// Relative is the beginning of a program for RunNode that sends requests for a path, as pages do, to the service of the variable BASE.
const Relative = `
const send = globalThis.fetch;
globalThis.fetch = (path, options) => send(new URL(path, process.env.BASE), options);
`

// Block is a code block of a page.
type Block struct {
	Page, Language string
	Name           string // the file that the comment in the block's first line names, or ""
	Code           string
}

// Blocks returns the code blocks of pages, in their order.
func Blocks(t testing.TB, pages ...string) (blocks []Block) {
	t.Helper()
	for _, page := range pages {
		for _, m := range regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$").FindAllStringSubmatch(readPage(t, page), -1) {
			b := Block{Page: page, Language: m[1], Code: m[2]}
			if name := regexp.MustCompile(`\A(?://|#) (\S+)\n`).FindStringSubmatch(b.Code); name != nil {
				b.Name = name[1]
			}
			blocks = append(blocks, b)
		}
	}
	return blocks
}
