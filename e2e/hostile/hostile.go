// Package hostile owns what hostile clients send: requests that have knocked similar servers over, and texts that no field is
// made for. The tests through HTTP and the fuzz tests share it. It must not know freehold's code.
package hostile

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

type object = map[string]any

// Request is the body of a GraphQL request.
func Request(query string, variables object) string {
	body, err := json.Marshal(object{"query": query, "variables": variables})
	if err != nil {
		panic(err) // what this package sends can be encoded
	}
	return string(body)
}

// FragmentBomb is a document in which each of n fragments spreads the next one twice.
func FragmentBomb(n int) string {
	var b strings.Builder
	b.WriteString("{me{...F0}}")
	for i := range n {
		fmt.Fprintf(&b, "fragment F%d on User{...F%d ...F%d}", i, i+1, i+1)
	}
	fmt.Fprintf(&b, "fragment F%d on User{id}", n)
	return b.String()
}

// Requests are bodies of requests, by what they do. Some are as large as a body may be, and larger.
func Requests() map[string]string {
	const signIn = `mutation ($i: SignInInput!) { signIn(input: $i) { user { id } } }`
	aliased := make([]string, 1000)
	for i := range aliased {
		aliased[i] = fmt.Sprintf(`a%d: signUp(input: {email: "a%d@x.org", password: "correct horse battery staple", username: "u%d"}) { user { id } }`, i, i, i)
	}
	unknown := func(n int) string {
		input := object{}
		for i := range n {
			input["f"+strconv.Itoa(i)] = 1
		}
		return Request(signIn, object{"i": input})
	}
	growing := object{}
	for i := range 100 {
		growing[strconv.Itoa(i)+strings.Repeat("<", 197)] = 1
	}
	use, pages := make([]string, 45), make([]string, 30)
	for i := range use {
		use[i] = fmt.Sprintf("a%d: nodes(ids: $i) { id }", i)
	}
	for i := range pages {
		pages[i] = fmt.Sprintf("a%d: profiles(first: 100) { nodes { id username user { id } } }", i)
	}
	bios := make([]string, 18)
	for i := range bios {
		bios[i] = fmt.Sprintf("a%d: bio", i)
	}
	return map[string]string{
		"a fragment bomb of 953 bytes": Request(FragmentBomb(27), nil),
		"a fragment bomb of 60":        Request(FragmentBomb(60), nil),
		"1 MB of [":                    Request("{me(a:"+strings.Repeat("[", 1<<20), nil),
		"200,000 tokens":               Request("{"+strings.Repeat("a ", 200_000)+"}", nil),
		"tokens up to the body limit":  Request("{"+strings.Repeat("a ", 60_000)+"}", nil),
		"50,000 unknown fields":        unknown(50_000),
		"10,000 unknown fields":        unknown(10_000),
		"[ up to the body limit":       Request("{me(a:"+strings.Repeat("[", 120_000), nil),
		"8,000 × __typename":           Request("{"+strings.Repeat("__typename ", 8000)+"}", nil),
		"900 × __typename":             Request("{"+strings.Repeat("__typename ", 900)+"}", nil),
		"10,000 ids":                   Request(`query ($i: [ID!]!) { nodes(ids: $i) { id ... on User { email } } }`, object{"i": make([]string, 10_000)}),
		"10,000 representations":       Request(`query ($r: [_Any!]!) { _entities(representations: $r) { ... on User { id } } }`, object{"r": slices.Repeat([]any{object{}}, 10_000)}),
		"one key 500 times, 18 bios":   Request(`query ($r: [_Any!]!) { _entities(representations: $r) { ... on Profile { `+strings.Join(bios, " ")+` } } }`, object{"r": slices.Repeat([]any{object{"__typename": "Profile", "username": "ann"}}, 500)}),
		"a list used by 45 fields":     Request("query ($i: [ID!]!) {"+strings.Join(use, " ")+"}", object{"i": slices.Repeat([]any{0}, 50_000)}),
		"and a fault at its end":       Request("query ($i: [ID!]!) {"+strings.Join(use, " ")+"}", object{"i": append(slices.Repeat([]any{0}, 50_000), true)}),
		"names that grow in JSON":      Request(signIn, object{"i": growing}),
		"1,000 aliased signUp":         Request("mutation {"+strings.Join(aliased, " ")+"}", nil),
		"two signUp by fragments":      Request(`mutation { ...A ...B } fragment A on Mutation { a: signUp(input: {email: "x", password: "x", username: "x"}) { user { id } } } fragment B on Mutation { b: signUp(input: {email: "x", password: "x", username: "x"}) { user { id } } }`, nil),
		"a skipped second signIn":      `{"operationName": "B", "query": "query A { me { id } } mutation B { a: signIn(input: {email: \"x\", password: \"x\"}) { user { id } } b: signIn(input: {email: \"x\", password: \"x\"}) @skip(if: true) { user { id } } }"}`,
		"JSON 1,000,000 deep":          strings.Repeat(`{"query":`, 1_000_000),
		"JSON as deep as fits":         `{"query": "{ me { id } }", "variables": ` + strings.Repeat("[", 60_000) + strings.Repeat("]", 60_000) + `}`,
		"100,000 directives":           Request("{me"+strings.Repeat("@a", 60_000)+"{id}}", nil),
		"many pages":                   Request("{"+strings.Join(pages, " ")+"}", nil),
	}
}

// Defaults are definitions of a variable $x whose type or default value is invalid, or unusual.
var Defaults = []string{
	`$x: Nope = 1`, `$x: [Nope!]! = [1]`, `$x: User = {id: 1}`, `$x: Node = null`, `$x: Query! = {}`, `$x: __Type = {}`, `$x: _Entity = "x"`,
	`$x: SignInInput = 5`, `$x: SignInInput = {email: 5}`, `$x: SignInInput = {nope: {deep: [1]}}`, `$x: SignInInput! = null`, `$x: [SignInInput] = {}`,
	`$x: ProfileVisibility = "PUBLIC"`, `$x: ProfileVisibility = NOPE`, `$x: [ProfileVisibility!] = PUBLIC`, `$x: Int = 99999999999999999999`, `$x: Int = "1"`,
	`$x: [[Int]] = 1`, `$x: [[Int]] = [[1], 2, null, [[3]]]`, `$x: Boolean = TRUE`, `$x: Float = 1e400`, `$x: ID = 1.5`, `$x: ID = 1`, `$x: String = """block"""`,
	`$x: _Any = {a: [1, {b: NOPE}]}`, `$x: [_Any!]! = null`, `$x: DateTime = {}`, `$x: Date = 2020`, `$x: URL = [""]`, `$x: Int = $y`, `$x: [Int] = [$x]`,
	`$x: Int = 1, $x: Int = 2`, `$x: Int @defer = 1`, `$x: Int = 1 @deprecated(reason: NOPE)`,
}

// Texts are what clients send that no field is made for.
var Texts = map[string]string{
	"NUL": "a\x00b", "U+FFFD": "a\ufffdb", "bidi override": "a\u202eb", "bidi isolate": "a\u2066b", "zero width": "a\u200bb",
	"SQL": `'; DROP TABLE app.users; --`, "LIKE": "%_%", "a regular expression": "(a+)+$", "a path": "../../etc/passwd", "a template": "{{.Code}}",
	"CRLF": "ann@example.org\r\nBcc: eve@example.org", "two addresses": "ann@example.org,eve@example.org", "a quoted local part": `"ann@example.org"@example.com`,
	"a wide @": "ann\uff20example.org", "a dotless i": "m\u0131ke@example.org", "a name": "Ann <ann@example.org>", "a percent sign": "ann%eve.example@example.org",
	"long": strings.Repeat("x", 100_000), "empty": "", "spaces": "   ", "an emoji": strings.Repeat("\U0001f469\u200d\U0001f680", 50), "a number": "1e400", "a NaN": "NaN",
}
