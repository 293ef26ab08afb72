package scaffold

import (
	"strings"
	"testing"

	"github.com/99designs/gqlgen/codegen/templates"
	"pgregory.net/rapid"
)

// Go code is written with the names that gqlgen gives to types and fields.
func TestGoNamesAreThoseOfGqlgen(t *testing.T) {
	t.Parallel()
	for _, name := range append(strings.Fields("body dueOn imageUrl apiKey ipAddress userIds line2 id2 utf8 Note TodoList ApiKey x idNumber urls line2Of a1B2"), strings.Fields(strings.ToLower(strings.Join(initialisms, " ")))...) {
		if got, want := goName(name), templates.ToGo(name); got != want {
			t.Errorf("%s: %s; want %s", name, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-z][a-z0-9]{0,4}([A-Z][a-z0-9]{1,4}){0,3}|[A-Z][a-z]{1,3}([A-Z][a-z0-9]{1,3}){0,2}`).Draw(t, "name")
		if got, want := goName(name), templates.ToGo(name); got != want {
			t.Errorf("%s: %s; want %s", name, got, want)
		}
	})
}

// Each invalid argument is an error that names it.
func TestInvalidArguments(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, plural, visible string
		fields                string
		want                  string
	}{
		{"Note", "", "", "body:String! pinned:Boolean dueOn:Date at:DateTime count:Int ratio:Float imageUrl:URL", ""},
		{"Note", "", "visibility", "body:String", ""},
		{"Sheep", "Flock", "owner", "name:String", ""},
		{"ApiKey", "", "", "label:String", ""},

		{"", "", "", "body:String", "the name of the type is required"},
		{"note", "", "", "body:String", `type "note": write the name in letters and digits`},
		{"To-do", "", "", "body:String", `type "To-do": write the name`},
		{"APIKey", "", "", "body:String", `type "APIKey": write the name`},
		{"N", "", "", "body:String", `type "N": write the name`},
		{"__Note", "", "", "body:String", `type "__Note": write the name`},
		{"Nöte", "", "", "body:String", `type "Nöte": write the name`},
		{"Note; DROP", "", "", "body:String", `type "Note; DROP": write the name`},
		{"../Note", "", "", "body:String", `type "../Note": write the name`},
		{strings.Repeat("Note", 8), "", "", "body:String", "the name can have at most 28 letters"},
		{"Query", "", "", "body:String", `type "Query": the name is reserved`},
		{"Node", "", "", "body:String", `type "Node": the name is reserved`},
		{"Table", "", "", "body:String", `type "Table": table is a reserved word`},
		{"Func", "", "", "body:String", `type "Func": func is a reserved word`},
		{"NoteInput", "", "", "body:String", "names that end in Input"},
		{"NoteEdge", "", "", "body:String", "names that end in Edge"},

		{"Series", "", "", "body:String", "the plural of Series is the same word: the API needs both, so choose another with --plural"},
		{"News", "", "", "body:String", "the plural of News is the same word"},
		{"Note", "Note", "", "body:String", "the plural of Note is the same word"},
		{"Note", "the notes", "", "body:String", `--plural: write "the notes" in letters and digits`},
		{"Profil", "Profiles", "", "body:String", "the plural Profiles is reserved"},
		{"Note", "Select", "", "body:String", "the plural Select is reserved"},

		{"Note", "", "public", "body:String", `--visible: "public" is not owner or visibility`},

		{"Note", "", "", "", "at least one field is required"},
		{"Note", "", "", "body", `field "body": write it as name:Type`},
		{"Note", "", "", ":String", `field ":String": write it as name:Type`},
		{"Note", "", "", "body:", `field "body:": write it as name:Type`},
		{"Note", "", "", "Body:String", `field "Body": write the name in letters and digits`},
		{"Note", "", "", "due_on:Date", `field "due_on": write the name`},
		{"Note", "", "", "imageURL:URL", `field "imageURL": write the name`},
		{"Note", "", "", "id:String", `field "id": every owned type has one of this name`},
		{"Note", "", "", "viewerCan:String", `field "viewerCan": every owned type has one`},
		{"Note", "", "", "order:Int", `field "order": order is a reserved word of SQL`},
		{"Note", "", "", "body:Text", `field "body": the type Text is not one of String, Int, Float, Boolean, DateTime, Date, URL`},
		{"Note", "", "", "tags:[String]", `field "tags": the type [String] is not one of`},
		{"Note", "", "", "body:String body:Int", `field "body": there are two fields of this name`},
		{"Note", "", "", strings.Repeat("a", 29) + ":String", "the name can have at most 28 letters"},
		{"note", "", "x", "order:Int body", "type \"note\""},
	} {
		_, err := ParseType(c.name, c.plural, c.visible, strings.Fields(c.fields))
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%v: %v", c, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%v: %v; want %s", c, err, c.want)
		}
	}
}

// All invalid arguments are reported at once.
func TestAllInvalidArgumentsAreReported(t *testing.T) {
	t.Parallel()
	_, err := ParseType("note", "x y", "public", []string{"order:Int", "body"})
	for _, want := range []string{`type "note"`, `--plural`, `--visible`, `field "order"`, `field "body"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
}

func TestPlurals(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Note": "Notes", "Category": "Categories", "Day": "Days", "Box": "Boxes", "Class": "Classes", "Branch": "Branches", "Bus": "Buses", "Wish": "Wishes", "Sheep": "Sheep",
	} {
		if got := pluralOf(name); got != want {
			t.Errorf("%s: %s; want %s", name, got, want)
		}
	}
}
