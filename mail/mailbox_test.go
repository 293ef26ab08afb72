package mail

import (
	"testing"

	"github.com/google/uuid"
)

func TestMailbox(t *testing.T) {
	t.Parallel()
	var box Mailbox
	var ids []uuid.UUID
	for range mailboxSize + 2 {
		m := letter(t)
		ids = append(ids, m.ID)
		if err := box.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	all := box.Messages()
	if len(all) != mailboxSize || all[0].ID != ids[mailboxSize+1] || all[mailboxSize-1].ID != ids[2] {
		t.Errorf("there are %d messages, or not the newest first", len(all))
	}
	if m, ok := box.Find(ids[2]); !ok || m.ID != ids[2] {
		t.Error("a message that is there is not found")
	}
	if _, ok := box.Find(ids[1]); ok {
		t.Error("the mailbox keeps too many messages")
	}
}
