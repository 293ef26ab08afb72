package mail

import (
	"context"
	"slices"
	"sync"

	"github.com/google/uuid"
)

// mailboxSize is how many messages a mailbox keeps.
const mailboxSize = 100

// Mailbox keeps the last messages in memory, for a developer and for tests to read. It is a Sender.
type Mailbox struct {
	mu       sync.Mutex
	messages []Message // oldest first
}

// Send keeps the message. It never fails.
func (b *Mailbox) Send(_ context.Context, m Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.messages = append(b.messages, m)
	b.messages = slices.Clone(b.messages[max(0, len(b.messages)-mailboxSize):])
	return nil
}

// Messages returns what is there, newest first.
func (b *Mailbox) Messages() []Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	messages := slices.Clone(b.messages)
	slices.Reverse(messages)
	return messages
}

// Find returns the message of this id.
func (b *Mailbox) Find(id uuid.UUID) (Message, bool) {
	for _, m := range b.Messages() {
		if m.ID == id {
			return m, true
		}
	}
	return Message{}, false
}
