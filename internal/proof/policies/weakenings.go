package policies

// Weakening is a change of a policy, and the statement that undoes it.
type Weakening struct{ Name, Weaken, Restore string }

// Weakenings returns the mistakes that a policy can have: it is dropped, or one or both of its expressions admit everyone, or
// every member. (An UPDATE policy without WITH CHECK uses USING, so omitting WITH CHECK changes nothing.)
func (p Stored) Weakenings() (list []Weakening) {
	on := p.Name + " ON app." + p.Table
	list = append(list, Weakening{"dropped", "DROP POLICY " + on, "CREATE POLICY " + on + " FOR " + p.Command + " TO freehold_app" + expressions(p.Using.String, p.Check.String)})
	for _, wide := range []string{"true", "app.viewer_id() IS NOT NULL"} {
		add := func(name, using, check string) {
			list = append(list, Weakening{name + " (" + wide + ")", "ALTER POLICY " + on + expressions(using, check), "ALTER POLICY " + on + expressions(p.Using.String, p.Check.String)})
		}
		if p.Using.Valid {
			add("USING", wide, p.Check.String)
		}
		if p.Check.Valid {
			add("WITH CHECK", p.Using.String, wide)
		}
		if p.Using.Valid && p.Check.Valid {
			add("USING and WITH CHECK", wide, wide)
		}
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
