package access

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Difference is what changed from one matrix to the next, one line per change.
type Difference struct {
	Widened  []string // a viewer gets more, or fewer layers refuse
	Narrowed []string // a viewer gets less, or more layers refuse
	Changed  []string // another code
}

// Diff compares two matrices. A new field is widened, and a deleted field is narrowed.
func Diff(before, after *Matrix) Difference {
	var d Difference
	for _, f := range after.Fields {
		old, known := before.Find(f.String())
		if known {
			d.compare(old, f)
		} else {
			d.Widened = append(d.Widened, "new: "+f.outline())
		}
	}
	for _, f := range before.Fields {
		if _, still := after.Find(f.String()); !still {
			d.Narrowed = append(d.Narrowed, "deleted: "+f.outline())
		}
	}
	return d
}

// outline names the viewers to whom a new or deleted field gives a value.
func (f Field) outline() string {
	text := f.String() + " " + f.Rule + ", a value for"
	var any bool
	for _, v := range Columns(f) {
		if f.Answers[v] == Value {
			text, any = text+" ["+f.named(v)+"]", true
		}
	}
	if !any {
		text += " no viewer"
	}
	return text + ", held by " + string(f.HeldBy)
}

// named returns a viewer, an operator with the scopes.
func (f Field) named(v Viewer) string {
	if v != Operator {
		return string(v)
	}
	var sets []string
	for _, set := range f.Scopes {
		sets = append(sets, strings.Join(set, " and "))
	}
	return string(v) + " with " + strings.Join(sets, ", or ")
}

// answer returns what a viewer gets. One whom the field does not distinguish is a member.
func (f Field) answer(v Viewer) Answer {
	if a, known := f.Answers[v]; known {
		return a
	}
	return f.Answers[Member]
}

func (d *Difference) compare(before, after Field) {
	viewers := Columns(before, after)
	for _, v := range viewers {
		was, is := before.answer(v), after.answer(v)
		if was == is {
			continue
		}
		line := fmt.Sprintf("%s [%s]: %s -> %s", after, v, was, is)
		switch {
		case is == Value:
			d.Widened = append(d.Widened, line)
		case was == Value:
			d.Narrowed = append(d.Narrowed, line)
		default:
			d.Changed = append(d.Changed, line)
		}
	}
	d.compareScopes(before, after)
	for _, v := range viewers {
		was, is := held(before, v), held(after, v)
		line := fmt.Sprintf("%s [%s]: refused by %s -> %s", after, v, holders[was], holders[is])
		switch {
		case was == 0 || is == 0 || was == is: // the loop above has reported it
		case is < was:
			d.Widened = append(d.Widened, line)
		default:
			d.Narrowed = append(d.Narrowed, line)
		}
	}
}

// compareScopes compares whom a field counts as an operator, if an operator gets the value before and after.
func (d *Difference) compareScopes(before, after Field) {
	if before.Answers[Operator] != Value || after.Answers[Operator] != Value {
		return
	}
	line := fmt.Sprintf("%s [%s] -> [%s]", after, before.named(Operator), after.named(Operator))
	if slices.ContainsFunc(after.Scopes, func(set []string) bool { return !meets(set, before.Scopes) }) {
		d.Widened = append(d.Widened, line)
	} else if slices.ContainsFunc(before.Scopes, func(set []string) bool { return !meets(set, after.Scopes) }) {
		d.Narrowed = append(d.Narrowed, line)
	}
}

var holders = [...]string{"nothing", "only one of rule and policy", "rule and policy"}

// held returns how many of rule and policy refuse a viewer.
func held(f Field, v Viewer) int {
	switch {
	case f.Answers[v] == "" && v != Member:
		return held(f, Member)
	case f.Answers[v] == Value && !slices.Contains(f.HeldOnce, v):
		return 0
	case slices.Contains(f.HeldOnce, v):
		return 1
	default:
		return 2
	}
}

// Write writes the difference for people.
func (d Difference) Write(w io.Writer) error {
	for _, part := range []struct {
		name  string
		lines []string
	}{{"widened", d.Widened}, {"narrowed", d.Narrowed}, {"changed", d.Changed}} {
		if len(part.lines) == 0 {
			continue
		}
		if _, err := fmt.Fprintln(w, part.name+":"); err != nil {
			return fmt.Errorf("write the difference: %w", err)
		}
		for _, line := range part.lines {
			if _, err := fmt.Fprintln(w, "  "+line); err != nil {
				return fmt.Errorf("write the difference: %w", err)
			}
		}
	}
	return nil
}
