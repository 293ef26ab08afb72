package auth

import "time"

// KeyAges says how old the signing keys are.
type KeyAges struct {
	Count   int
	Signing time.Duration // since the key that signs was created
}

// Ages returns how old the keys are. A key without a date, such as one that openssl has created, is as old as the file.
func (k *Keys) Ages() KeyAges {
	created := k.signing().created
	k.mu.Lock()
	defer k.mu.Unlock()
	if created.IsZero() {
		created = k.loaded.ModTime()
	}
	return KeyAges{Count: len(k.keys), Signing: max(0, k.now().Sub(created))}
}
