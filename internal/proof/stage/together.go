package stage

import (
	"encoding/json"

	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/proof/cases"
)

// grouped returns requests in groups that go together: the same mutation, by the same viewer, about the same visibility. What costs time is
// the people of a mutation, and not what it selects. Queries stay alone, so that each path is also requested by itself.
func grouped(requests []cases.Request) (groups [][]int) {
	type key struct{ field, of, with, key, asker, visibility string }
	at := map[key]int{}
	for i, r := range requests {
		if !r.Path.IsMutation() || !r.Path.IsPlain() {
			groups = append(groups, []int{i})
			continue
		}
		root := r.Path.RootField()
		k := key{field: root.Def.Name, with: root.With, key: root.Key, asker: r.Asker, visibility: r.Visibility}
		if root.On != nil {
			k.of = root.On.Name
		}
		g, known := at[k]
		if !known {
			g, at[k] = len(groups), len(groups)
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], i)
	}
	return groups
}

// partOf returns what a path alone gets of a reply to several. ok is false if that cannot be seen: a field beside the path was refused, and
// has made null what the path selects.
func partOf(all harness.Reply, p cases.Path) (part harness.Reply, ok bool) {
	var own cases.Selection
	own.Add(p)
	var data any
	if err := json.Unmarshal(all.Data, &data); err != nil {
		return all, true // the reply has no data for any path
	}
	part = all
	part.Errors = nil
	for _, e := range all.Errors {
		selects, nulls := own.Touch(data, e.Path)
		if nulls {
			return part, false
		}
		if selects {
			part.Errors = append(part.Errors, e)
		}
	}
	text, err := json.Marshal(own.Of(data))
	part.Data = text
	return part, err == nil
}
