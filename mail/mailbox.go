package mail

import (
	"context"
	"slices"
	"sync"

	"github.com/google/uuid"
)

// mailboxSize is how many messages a mailbox keeps.
const mailboxSize = 100

// Mailbox keeps the last messages in memory, for developers and tests. It is a Sender. It is safe for concurrent use.
type Mailbox struct {
	mu       sync.Mutex
	messages []Message // oldest first
}

// Send stores the message. It never fails.
func (b *Mailbox) Send(_ context.Context, m Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.messages = append(b.messages, m)
	b.messages = slices.Clone(b.messages[max(0, len(b.messages)-mailboxSize):])
	return nil
}

// Messages returns the stored messages, newest first.
func (b *Mailbox) Messages() []Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	messages := slices.Clone(b.messages)
	slices.Reverse(messages)
	return messages
}

// Find returns the message with an id.
func (b *Mailbox) Find(id uuid.UUID) (Message, bool) {
	for _, m := range b.Messages() {
		if m.ID == id {
			return m, true
		}
	}
	return Message{}, false
}
