package passwords

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"freehold.dev/freehold/auth"
	"freehold.dev/freehold/fault"
	"freehold.dev/freehold/internal/levers"
)

// argonParams are the cost parameters of argon2id (RFC 9106).
type argonParams struct {
	memory  uint32 // KiB
	time    uint32
	threads uint8
}

// current is OWASP's recommended minimum. A sign-in replaces a stored hash with other parameters.
var current = argonParams{memory: 19 * 1024, time: 2, threads: 1}

// capped bounds the cost of a stored hash, whatever has written it.
var capped = argonParams{memory: 64 * 1024, time: 8, threads: 4}

const (
	saltBytes = 16
	keyBytes  = 32
)

// Hasher hashes passwords with argon2id, a few at a time. A hash takes a whole core and 19 MiB, so without a limit a burst of
// sign-ins would starve all other requests. Never call it inside a transaction.
type Hasher struct {
	params  argonParams
	running chan struct{}
	waiting chan struct{}
	shares  shares
	refused atomic.Uint64
	decoy   string // a salt for accounts that do not exist, so that their answers take as long
}

// HasherConfig bounds the work of a Hasher.
type HasherConfig struct {
	Queue int // callers that can wait for their turn
	Share int // of these, callers of one client (auth.Client.Block); twice as many of one auth.Client.Site; 0 for no bound
}

// NewHasher returns a Hasher that leaves one core to other work.
func NewHasher(ctx context.Context, c HasherConfig) *Hasher {
	h := &Hasher{params: current, running: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1)), waiting: make(chan struct{}, c.Queue)}
	h.shares = shares{most: c.Share, taken: map[string]int{}}
	if levers.From(ctx).CheapPasswords {
		h.params = argonParams{memory: 64, time: 1, threads: 1}
	}
	h.decoy = encode(h.params, make([]byte, saltBytes), nil)
	return h
}

// HasherLoad is the current load of a Hasher, in callers, and how many callers it has refused since it was created.
type HasherLoad struct {
	Waiting, Running int
	Refused          uint64
}

// Load returns the current load.
func (h *Hasher) Load() HasherLoad {
	return HasherLoad{Waiting: len(h.waiting), Running: len(h.running), Refused: h.refused.Load()}
}

// Hash returns the PHC string of a normalised password. It waits for its turn. The error is RATE_LIMITED if the queue is full,
// and UNAVAILABLE if ctx ends first.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	done, err := h.turn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	salt := make([]byte, saltBytes)
	rand.Read(salt)
	return encode(h.params, salt, derive(h.params, password, salt)), nil
}

// Salted returns the PHC string of a normalised password under a salt, which is a PHC string without its key. If the password is
// right, that is the stored string; the database compares them. Outdated reports whether the stored string should be replaced
// because its parameters are not the current ones. An empty salt means that the account does not exist or has no password. Salted
// then does the same work, and its result matches no stored string. Errors are those of Hash, and an internal one for a malformed
// salt.
func (h *Hasher) Salted(ctx context.Context, password, salt string) (hash string, outdated bool, err error) {
	if salt == "" {
		salt = h.decoy
	}
	params, raw, err := decode(salt)
	if err != nil {
		return "", false, err
	}
	done, err := h.turn(ctx)
	if err != nil {
		return "", false, err
	}
	defer done()
	return encode(params, raw, derive(params, password, raw)), params != h.params, nil
}

// turn waits for one of the few places, and returns the function that releases it.
func (h *Hasher) turn(ctx context.Context) (done func(), err error) {
	client := auth.ClientFrom(ctx)
	if !h.shares.take(client) {
		return nil, h.refuse()
	}
	defer h.shares.giveBack(client)
	select {
	case h.waiting <- struct{}{}:
	default:
		return nil, h.refuse()
	}
	defer func() { <-h.waiting }()
	select {
	case h.running <- struct{}{}:
		return func() { <-h.running }, nil
	case <-ctx.Done():
		return nil, fault.Busy(fmt.Errorf("wait for a password hash: %w", ctx.Err()))
	}
}

func (h *Hasher) refuse() error {
	h.refused.Add(1)
	return &fault.Error{Code: fault.RateLimited, Message: "Too many sign-ins are in progress. Try again.", RetryAfter: 2 * time.Second}
}

func derive(p argonParams, password string, salt []byte) []byte {
	return argon2.IDKey([]byte(password), salt, p.time, p.memory, p.threads, keyBytes)
}

// encode returns a PHC string. Without a key, it is a salt for Salted.
func encode(p argonParams, salt, key []byte) string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.time, p.threads, b64(salt), b64(key))
}

// decode parses a PHC string without its key. It refuses parameters that cost too much.
func decode(encoded string) (p argonParams, salt []byte, err error) {
	fail := func(why string) (argonParams, []byte, error) {
		return argonParams{}, nil, errors.New("read password salt: " + why)
	}
	parts := strings.Split(encoded, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) || parts[5] != "" {
		return fail("not argon2id of the current version")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.threads); err != nil {
		return fail("malformed parameters")
	}
	if p.memory > capped.memory || p.time > capped.time || p.threads > capped.threads || p.time < 1 || p.threads < 1 {
		return fail("parameters out of range")
	}
	salt, err = base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil || len(salt) < 8 || len(salt) > 64 {
		return fail("malformed salt")
	}
	return p, salt, nil
}
