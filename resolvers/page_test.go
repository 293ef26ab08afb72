package resolvers

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"freehold.dev/freehold/db"
)

func TestCursorsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := time.UnixMicro(rapid.Int64Range(32_000_000_000_000, 250_000_000_000_000_000).Draw(t, "at")).UTC()
		p := db.Place{CreatedAt: at, ID: uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))}
		place, ok := parseCursor(cursor(p))
		if !ok || !place.CreatedAt.Equal(at) || place.ID != p.ID {
			t.Fatalf("%v %v reads back as %v, %v", at, p.ID, place, ok)
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add(cursor(db.Place{CreatedAt: time.Now(), ID: uuid.New()}))
	f.Add("AP__________AAAAAAAAAAAAAAAAAAAAAA")
	f.Add("AQA0000000000000000000000000000\r\r0")
	f.Add(strings.Repeat("\n", 34))
	f.Fuzz(func(t *testing.T, text string) {
		place, ok := parseCursor(text)
		if !ok {
			return
		}
		if again := cursor(db.Place{CreatedAt: place.CreatedAt, ID: place.ID}); again != text {
			t.Errorf("%q is read as what is written %q", text, again)
		}
		if y := place.CreatedAt.Year(); y < 1971 || y > 9998 {
			t.Errorf("%q is in the year %d", text, y)
		}
	})
}
