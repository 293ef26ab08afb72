// Package docs owns the code in the pages of the docs, for tests that run it. It must not know what the code does.
package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"
)

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
	text, err := os.ReadFile(filepath.Join(filepath.Dir(file), "..", "..", "..", page))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
