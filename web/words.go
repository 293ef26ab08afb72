package web

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"freehold.dev/freehold/access"
)

// plainViewers names the kinds of viewers in plain words. Other kinds have plain names already.
var plainViewers = map[access.Viewer]string{
	access.Nobody: "anonymous", access.NobodyVisibleTo: "anonymous, can see it", access.MemberVisibleTo: "member, can see it",
}

func plain(v access.Viewer) string { return cmp.Or(plainViewers[v], string(v)) }

// meaning is an entry of the legend: of a viewer, an answer or another word.
type meaning struct {
	Word   string
	Answer access.Answer
	Means  string
}

// legend explains the words on the page of a matrix.
func legend(matrix *access.Matrix) (entries []meaning) {
	has := func(about func(access.Field) bool) bool { return slices.ContainsFunc(matrix.Fields, about) }
	entries = []meaning{
		{Word: plain(access.Nobody), Means: "Nobody is signed in, and the row is hidden from anonymous viewers."},
		{Word: plain(access.Member), Means: "Someone is signed in, and the row is hidden from them. They never reach it: queries return null and lists omit it."},
		{Word: "can see it", Means: "The row is visible to the viewer, who does not own it."},
		{Word: plain(access.Owner), Means: "The viewer owns the row."},
	}
	if has(func(f access.Field) bool { return len(f.Relations) > 0 }) {
		entries = append(entries, meaning{Word: "a name in capitals", Means: "The viewer has this relation to the row, and sees it whatever its visibility."})
	}
	if has(func(f access.Field) bool { return len(f.Scopes) > 0 }) {
		entries = append(entries, meaning{Word: string(access.Operator), Means: "The viewer has the scopes that the rule or the row policies name, and no relation to the row."})
	}
	entries = append(
		entries,
		meaning{Answer: access.Value, Means: "The viewer gets the field's value."},
		meaning{Answer: access.Null, Means: "The viewer gets null, without an error."},
		meaning{Answer: "UNAUTHENTICATED", Means: "Null and an error: sign in first."},
		meaning{Answer: "FORBIDDEN", Means: "Null and an error: the viewer sees the row, but not this field."},
		meaning{Answer: "NOT_FOUND", Means: "Null and an error: for this viewer, the row does not exist."},
	)
	if has(func(f access.Field) bool { return f.When != "" }) {
		entries = append(entries, meaning{Word: "with", Means: "The row is about calls that have this argument. The row above it is about calls without it."})
	}
	return append(
		entries,
		meaning{Word: "refused by", Means: "The field rule, before the resolver runs; the row policy, in PostgreSQL; or each on its own."},
		meaning{Word: "–", Means: "The field does not distinguish this viewer."},
	)
}

// ruleInWords is what the playground shows of a field.
type ruleInWords struct {
	Title     string   `json:"title"`
	Rule      string   `json:"rule"`
	DecidedBy []string `json:"decidedBy,omitempty"`
	Groups    []group  `json:"groups"`
}

// group is the viewers who get the same answer.
type group struct {
	Answer  access.Answer `json:"answer"`
	Viewers []string      `json:"viewers"`
}

// rulesInWords returns the JSON that the playground shows rules from: those of each Type.field, and the plain names of viewers.
func rulesInWords(matrix *access.Matrix) ([]byte, error) {
	shown := struct {
		Viewers map[access.Viewer]string `json:"viewers"`
		Fields  map[string][]ruleInWords `json:"fields"` // a field has more than one if arguments have rules of their own
	}{plainViewers, map[string][]ruleInWords{}}
	for _, f := range matrix.Fields {
		name := f.Type + "." + f.Name
		shown.Fields[name] = append(shown.Fields[name], ruleInWords{f.String(), f.Rule, f.DecidedBy, groups(f)})
	}
	text, err := json.Marshal(shown)
	if err != nil {
		return nil, fmt.Errorf("write the rules for the playground: %w", err)
	}
	return text, nil
}

// groups returns who gets each answer, the viewers who get the value first.
func groups(f access.Field) (list []group) {
	for _, v := range access.Columns(f) {
		answer := f.Answers[v]
		i := slices.IndexFunc(list, func(g group) bool { return g.Answer == answer })
		if i < 0 {
			i, list = len(list), append(list, group{Answer: answer})
		}
		name := plain(v)
		if v == access.Operator {
			name += " with " + inScopes(f.Scopes)
		}
		list[i].Viewers = append(list[i].Viewers, name)
	}
	if len(list) == 1 {
		list[0].Viewers = []string{"everyone"}
	}
	slices.SortStableFunc(list, func(a, b group) int {
		switch {
		case a.Answer == access.Value && b.Answer != access.Value:
			return -1
		case a.Answer != access.Value && b.Answer == access.Value:
			return 1
		}
		return 0
	})
	return list
}

// inScopes names alternatives of scopes, of which each is a set.
func inScopes(scopes [][]string) string {
	var sets []string
	for _, set := range scopes {
		sets = append(sets, strings.Join(set, " and "))
	}
	return strings.Join(sets, ", or ")
}
