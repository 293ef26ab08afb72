package main

import (
	"fmt"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// oldWords are words and phrases that readers of plain English stumble over. A space in a pattern also matches a line break
// and the sign that begins a comment. The example contains the phrase.
var oldWords = []struct{ pattern, instead, example string }{
	{`of the viewer's`, "your …, the viewer's …", "Revokes a session of the viewer's."},
	{`of the owner's`, "the owner's …", "A page of the owner's."},
	{`needs? (?:it )?not`, "does not need to", "Clients need it not."},
	{`mend(?:s|ed|ing)?`, "fix, correct", "Some fields need mending."},
	{`told`, "reported, notified, gets", "The client is told."},
	{`tells? (?:nothing|of|it|that|whether)`, "reports, reveals", "The answer tells nothing."},
	{`whoever`, "anyone who, the user who", "A link for whoever asks."},
	{`be (?:it|they)`, "whether … or …", "A rule, be it old or new."},
	{`(?:do|does|did) not count`, "is invalid, is ignored", "This code does not count any more."},
	{`counts? for nothing`, "is ignored", "The header counts for nothing."},
	{`his`, "their", "Users see his name."},
	{`him(?:self)?`, "them, themselves", "We send him a code."},
	{`so that (?:none|nobody)`, "so that no …, so that an anonymous viewer", "Ask early, so that none is missing."},
	{`as if (?:it|he|they) weren't`, "as if it did not exist, like a missing one", "It is hidden, as if it weren't there."},
	{`walls?`, "field rule, row policy, layer", "Both walls refuse."},
	{`shuts? out`, "revokes access", "This shuts out strangers."},
	{`shut out`, "revoke access", "Strangers are shut out."},
	{`judg(?:es?|ed|ing)`, "validates, checks, decides", "The password is judged."},
	{`fit to be`, "valid", "The schema is not fit to be served."},
	{`long over`, "expired", "Rows that are long over."},
	{`somebody else's`, "another user's, you are not the owner of", "This belongs to somebody else. It is somebody else's."},
	{`there (?:is|are) no such`, "not found, unknown", "There is no such object."},
	{`of (?:one's|its|their) own accord`, "automatically", "It ends of its own accord."},
	{`one's own`, "your own", "The list of one's own."},
	{`goes? on`, "continues", "The session goes on."},
	{`stands? (?:for|in)`, "is, means, contains", "No token stands in any answer."},
	{`for good`, "permanently", "Deletes it for good."},
	{`all the same`, "nevertheless, also", "It gets mail all the same."},
	{`(?:to|can|could) be had`, "available", "None can be had."},
	{`(?:takes?|taken|took) back`, "deletes, removes", "The cookies are taken back."},
	{`of old`, "old, earlier", "A client of old."},
	{`lest`, "so that … not", "Hash it, lest it leak."},
	{`(?:whereby|whence)`, "with which, from which", "A rule whereby owners read."},
}

// plainSentences contain parts of the words above, and are fine.
var plainSentences = []string{
	"The firewall and the wallet are recommended.",
	"This history of the chisel is thimble-like.",
	"You do not need to call it. A viewer's session expires.",
	"Counting is not needed: the account is needed, nothing else.",
	"The owner's page. What the viewers see.",
	"Commend the amended text.",
	"It is folded; somebody else is not.",
	"The limit does not change, and attempts count.",
	"Requests are sent on one connection, going once.",
	"Shutting down takes outstanding requests into account.",
}

// gap matches the white space within a phrase. A line break may be followed by the sign that begins a comment.
const gap = `(?:[ \t]+|[ \t]*\r?\n[ \t]*(?:(?://+|--|#+|\*|>)[ \t]*)?)`

var oldWordPatterns = func() (patterns []*regexp.Regexp) {
	for _, w := range oldWords {
		patterns = append(patterns, regexp.MustCompile(strings.ReplaceAll(w.pattern, " ", gap)+`\b`))
	}
	return patterns
}()

// findOldWords returns a line for each old word in the text of a file.
func findOldWords(path, text string) (findings []string) {
	type finding struct {
		offset int
		line   string
	}
	var found []finding
	lower := lowerASCII(text)
	for i, pattern := range oldWordPatterns {
		for _, at := range pattern.FindAllStringIndex(lower, -1) {
			if at[0] > 0 && isLetter(lower[at[0]-1]) { // \b in the pattern would make the search slow
				continue
			}
			line := 1 + strings.Count(text[:at[0]], "\n")
			words := strings.Join(strings.Fields(text[at[0]:at[1]]), " ")
			found = append(found, finding{at[0], fmt.Sprintf("%s:%d: %q; write: %s", path, line, words, oldWords[i].instead)})
		}
	}
	slices.SortStableFunc(found, func(a, b finding) int { return a.offset - b.offset })
	for _, f := range found {
		findings = append(findings, f.line)
	}
	return findings
}

// lowerASCII returns a text in lower case, with each byte in its place.
func lowerASCII(text string) string {
	lower := []byte(text)
	for i, b := range lower {
		if 'A' <= b && b <= 'Z' {
			lower[i] = b + 'a' - 'A'
		}
	}
	return string(lower)
}

func isLetter(b byte) bool { return 'a' <= b && b <= 'z' || '0' <= b && b <= '9' || b == '_' }

// goProse blanks everything in Go source except comments and string literals, and keeps each byte's place. Parts of a
// concatenated string remain one text.
func goProse(source []byte) string {
	prose := make([]byte, len(source))
	for i, b := range source {
		switch b {
		case ' ', '\t', '\n', '\r':
			prose[i] = b
		}
	}
	file := token.NewFileSet().AddFile("", -1, len(source))
	var s scanner.Scanner
	s.Init(file, source, nil, scanner.ScanComments)
	end, previous := 0, token.ILLEGAL // of the previous string literal, and the previous token
	plus := false                     // whether a + follows a string literal
	for {
		pos, tok, lit := s.Scan()
		if tok == token.EOF {
			return string(prose)
		}
		at := file.Offset(pos)
		switch tok {
		case token.COMMENT:
			copy(prose[at:], lit)
			continue // tokens before and after belong together
		case token.STRING:
			if plus {
				blank(prose[end:at])
			}
			copy(prose[at:], source[at:at+len(lit)])
			end = at + len(lit)
			blank(prose[at : at+1])
			blank(prose[end-1 : end])
			if source[at] == '"' {
				blankEscapes(prose[at:end])
			}
			plus = false
		case token.ADD:
			plus = previous == token.STRING
		default:
			plus = false
		}
		previous = tok
	}
}

// blank writes spaces, except over line breaks and text.
func blank(b []byte) {
	for i := range b {
		if b[i] == 0 || b[i] == '"' || b[i] == '`' {
			b[i] = ' '
		}
	}
}

func blankEscapes(b []byte) {
	for i := 0; i+1 < len(b); i++ {
		if b[i] == '\\' {
			b[i], b[i+1] = ' ', ' '
		}
	}
}

// isProse reports whether people read a file: all of it, or its comments and strings if it is Go.
func isProse(path string) bool {
	switch path {
	case "words_test.go", // the list
		"docs/access.md", "docs/schema.sql", // generated
		"accounts/input/reserved.txt", // names
		"LICENSE":
		return false
	}
	name := filepath.Base(path)
	if strings.HasSuffix(name, "_gen.go") || name == "generated.go" || name == "package-lock.json" {
		return false
	}
	switch filepath.Ext(name) {
	case ".md", ".graphqls", ".graphql", ".sql", ".txt", ".html", ".go", ".sh", ".yml", ".css", ".js", ".jsx", ".mjs", ".ts":
		return true
	}
	return name == "Makefile"
}

// Nothing that people read has an old word: pages, the schema, SQL, mail templates, scripts, and comments and strings of Go.
func TestWordsArePlain(t *testing.T) {
	t.Parallel()
	files := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name := entry.Name(); path != "." && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "dist" || name == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !isProse(path) {
			return nil
		}
		files++
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		prose := string(text)
		if filepath.Ext(path) == ".go" {
			prose = goProse(text)
		}
		for _, finding := range findOldWords(path, prose) {
			t.Error(finding)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 200 {
		t.Errorf("only %d files were read", files)
	}
}

func TestEachOldWordIsFound(t *testing.T) {
	t.Parallel()
	for _, w := range oldWords {
		for name, text := range map[string]string{
			"prose": w.example, "upper case": strings.ToUpper(w.example),
			"lines":           strings.ReplaceAll(w.example, " ", "\n"),
			"a comment":       goProse([]byte("package p\n\n// " + strings.ReplaceAll(w.example, " ", "\n// ") + "\n")),
			"a string":        goProse([]byte("package p\n\nvar s = \"" + w.example + "\"\n")),
			"a joined string": goProse([]byte("package p\n\nvar s = \"" + strings.ReplaceAll(w.example, " ", " \" +\n\t\"") + "\"\n")),
		} {
			found := findOldWords("x", text)
			if !slices.ContainsFunc(found, func(finding string) bool { return strings.HasSuffix(finding, "; write: "+w.instead) }) {
				t.Errorf("%s is not found in %s: %q", w.pattern, name, text)
			}
		}
	}
}

func TestPlainSentencesPass(t *testing.T) {
	t.Parallel()
	for _, sentence := range plainSentences {
		if found := findOldWords("x", sentence); len(found) > 0 {
			t.Errorf("%q: %v", sentence, found)
		}
	}
	for _, code := range []string{
		"package p\n\nvar walls, his = 1, 2 // two numbers\n",           // names
		"package p\n\nvar a, b = \"need\", \"not\"\n",                   // two strings
		"package p\n\nfunc need() {\n\tnot() // the need\n}\n\nvar x\n", // code between
	} {
		if found := findOldWords("x", goProse([]byte(code))); len(found) > 0 {
			t.Errorf("%q: %v", code, found)
		}
	}
}

func TestFindingsNamePlaces(t *testing.T) {
	t.Parallel()
	got := findOldWords("docs/x.md", "One.\nIt need\nnot be.\n\nBoth Walls.\n")
	want := []string{`docs/x.md:2: "need not"; write: does not need to`, `docs/x.md:5: "Walls"; write: field rule, row policy, layer`}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
