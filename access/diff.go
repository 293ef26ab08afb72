package access

import (
	"fmt"
	"io"
	"slices"
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
	for _, v := range Viewers {
		if f.Answers[v] == Value {
			text, any = text+" ["+string(v)+"]", true
		}
	}
	if !any {
		text += " no viewer"
	}
	return text + ", held by " + string(f.HeldBy)
}

func (d *Difference) compare(before, after Field) {
	for _, v := range Viewers {
		was, is := before.Answers[v], after.Answers[v]
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
	for _, v := range Viewers {
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

var holders = [...]string{"nothing", "only one of rule and policy", "rule and policy"}

// held returns how many of rule and policy refuse a viewer.
func held(f Field, v Viewer) int {
	switch {
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
