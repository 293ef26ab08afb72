package policies

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"freehold.dev/freehold/db"
)

// Weakening is a change of a policy, and the statement that undoes it.
type Weakening struct{ Name, Weaken, Restore string }

// Weakenings returns the mistakes that a policy can have: it is dropped, or one or both of its expressions admit everyone, every
// member, one relation more or less, or one scope less. (An UPDATE policy without WITH CHECK uses USING, so omitting WITH CHECK changes
// nothing. A WITH CHECK that admits one relation more changes nothing either, because USING decides who gets there. See guardsOwner.)
func (p Stored) Weakenings(table db.Table) (list []Weakening) {
	on := p.Name + " ON app." + p.Table
	list = append(list, Weakening{"dropped", "DROP POLICY " + on, "CREATE POLICY " + on + " FOR " + p.Command + " TO freehold_app" + expressions(p.Using.String, p.Check.String)})
	for _, wide := range []string{"true", "app.viewer_id() IS NOT NULL"} {
		if p.Using.Valid {
			list = append(list, p.altered("USING ("+wide+")", wide, p.Check.String))
		}
		if p.Check.Valid && (p.Command == "INSERT" || guardsOwner(table) || parentOf(table) != "") {
			list = append(list, p.altered("WITH CHECK ("+wide+")", p.Using.String, wide))
		}
		if p.Using.Valid && p.Check.Valid {
			list = append(list, p.altered("USING and WITH CHECK ("+wide+")", wide, wide))
		}
	}
	for _, c := range changes(cmp.Or(p.Using.String, p.Check.String), table) {
		if p.Using.Valid {
			list = append(list, p.altered("USING, "+c.name, c.of(p.Using.String), p.Check.String))
		}
		if p.Check.Valid && (c.narrows || !p.Using.Valid) {
			list = append(list, p.altered("WITH CHECK, "+c.name, p.Using.String, c.of(p.Check.String)))
		}
	}
	if p.Trigger.Valid {
		list = append(list, Weakening{"owner_updates dropped", "DROP TRIGGER " + ownerUpdates(p.Table) + " ON app." + p.Table, p.Trigger.String})
	}
	return list
}

// altered returns a weakening that replaces both expressions.
func (p Stored) altered(name, using, check string) Weakening {
	alter := "ALTER POLICY " + p.Name + " ON app." + p.Table
	return Weakening{name, alter + expressions(using, check), alter + expressions(p.Using.String, p.Check.String)}
}

// change replaces a part of an expression.
type change struct {
	name, old, new string
	narrows        bool
}

func (c change) of(expression string) string { return strings.ReplaceAll(expression, c.old, c.new) }

var (
	relationList = regexp.MustCompile(`ANY \('\{([A-Z0-9_,]+)\}'::text\[\]\)`)
	scopeCall    = regexp.MustCompile(`app\.has_scope\('([^']+)'::text\)`)
)

// changes returns the relations and scopes that an expression can gain or lose.
func changes(expression string, table db.Table) (list []change) {
	for _, m := range relationList.FindAllStringSubmatch(expression, -1) {
		admitted := strings.Split(m[1], ",")
		to := func(name string, relations []string, narrows bool) {
			list = append(list, change{name, m[0], strings.Replace(m[0], m[1], strings.Join(relations, ","), 1), narrows})
		}
		for _, r := range admitted {
			if r != db.OwnerRelation || table.OfParent { // elsewhere the owner column decides about owners
				to("without "+r, slices.DeleteFunc(slices.Clone(admitted), func(s string) bool { return s == r }), true)
			}
		}
		for _, r := range table.Relations {
			if !slices.Contains(admitted, r) {
				to("and "+r, append(slices.Clone(admitted), r), false)
				break
			}
		}
	}
	for _, m := range scopeCall.FindAllStringSubmatch(expression, -1) {
		list = append(list, change{"without " + m[1], m[0], "false", true})
	}
	return list
}

func expressions(using, check string) (text string) {
	if using != "" {
		text += " USING (" + using + ")"
	}
	if check != "" {
		text += " WITH CHECK (" + check + ")"
	}
	return text
}

// FunctionChanges returns the mistakes that a function with these relations, strongest first, can have: viewers lose a relation, or
// get the next stronger one. definition is what pg_get_functiondef returns of it.
func FunctionChanges(name, definition string, relations []string) (list []Weakening) {
	original := name + "_original"
	preserved := strings.Replace(definition, "FUNCTION "+name+"(", "FUNCTION "+original+"(", 1)
	for i, r := range relations {
		stronger := db.OwnerRelation
		if i > 0 {
			stronger = relations[i-1]
		}
		for _, c := range []struct{ what, becomes string }{{"without " + r, "NULL"}, {r + " is " + stronger, "'" + stronger + "'"}} {
			wrapped := fmt.Sprintf(`SELECT CASE r WHEN '%s' THEN %s ELSE r END FROM (SELECT %s($1) AS r) x`, r, c.becomes, original)
			list = append(list, Weakening{
				Name:    name + " " + c.what,
				Weaken:  preserved + "; " + replaceBody(definition, wrapped),
				Restore: definition + "; DROP FUNCTION " + original,
			})
		}
	}
	return list
}

var (
	language = regexp.MustCompile(`(?m)^ LANGUAGE \w+`)
	body     = regexp.MustCompile(`(?s)AS (\$\w*\$).*\$\w*\$`)
)

// replaceBody returns the definition of a function with another body, in SQL.
func replaceBody(definition, query string) string {
	return body.ReplaceAllLiteralString(language.ReplaceAllLiteralString(definition, " LANGUAGE sql"), "AS $wrapped$ "+query+" $wrapped$")
}
