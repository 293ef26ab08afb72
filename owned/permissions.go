package owned

// Permissions are what a viewer may do with a row, by the field rules: values of the enums of its type. It is the Go type of
// NotePermissions for a type Note.
type Permissions struct {
	Actions []string // of NoteAction: the mutations
	See     []string // of NoteField
	Edit    []string // of NoteField: what some mutation would change
}
