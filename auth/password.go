package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ccojocar/zxcvbn-go/frequency"
	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"freehold.dev/freehold/fault"
)

// MaxPasswordLength is the longest password, in code points after normalisation (NIST SP 800-63B asks for at least
// 64).
const MaxPasswordLength = 256

// common holds the passwords that are tried first by everybody (NIST SP 800-63B-4, 3.1.1.2).
var common = sync.OnceValue(func() map[string]bool {
	list := frequency.Lists["Passwords"].List
	words := make(map[string]bool, len(list))
	for _, w := range list {
		words[w] = true
	}
	return words
})

// NormalizePassword returns the form in which a password is judged and hashed: Unicode NFC, so that the same word
// typed on two keyboards is the same password.
func NormalizePassword(password string) string { return norm.NFC.String(password) }

// JudgePassword returns what is wrong with a normalised password. Own are the words by which the account and the service
// go. Length counts code points; there are no composition rules (NIST SP 800-63B).
func JudgePassword(password string, minLength int, own ...string) fault.Flaw {
	switch n := len([]rune(password)); {
	case n < minLength:
		return fault.Flaw{Code: "TOO_SHORT", Message: fmt.Sprintf("The password must have at least %d characters.", minLength), Params: fault.Params{"min": minLength}}
	case n > MaxPasswordLength:
		return fault.Flaw{Code: "TOO_LONG", Message: fmt.Sprintf("The password can have at most %d characters.", MaxPasswordLength), Params: fault.Params{"max": MaxPasswordLength}}
	case isCommon(strings.ToLower(password)):
		return fault.Flaw{Code: "TOO_COMMON", Message: "This password is too common. Choose another one."}
	case isPersonal(password, own):
		return fault.Flaw{
			Code:    "TOO_PERSONAL",
			Message: "This password is too similar to your email address, your name or the service's name. Choose another one.",
		}
	}
	return fault.Flaw{}
}

// leastOfItsOwn is how many letters and digits a password needs besides the words that others would try first.
const leastOfItsOwn = 6

// isPersonal reports whether hardly anything is left of a password without an account's own words, whatever the case and
// what stands between them.
func isPersonal(password string, own []string) bool {
	between := func(r rune) bool { return !unicode.In(r, unicode.L, unicode.M, unicode.Nd) } // marks (M) are vowels, in Hindi for one
	squeeze := func(text string) string { return strings.ToLower(strings.Join(strings.FieldsFunc(text, between), "")) }
	var words []string
	for _, word := range own {
		word = norm.NFC.String(word)
		for _, part := range append(strings.FieldsFunc(word, between), word) {
			if part = squeeze(part); utf8.RuneCountInString(part) >= 3 {
				words = append(words, part)
			}
		}
	}
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) }) // "ann" must not spoil "annlee"
	whole := squeeze(password)
	rest := whole
	for _, word := range words {
		rest = strings.ReplaceAll(rest, word, "")
	}
	return rest != whole && len([]rune(rest)) < leastOfItsOwn
}

// isCommon reports whether a password is on the list, is a word of it with digits or marks behind ("password123!"), or
// is one character repeated or counted on ("aaaaaaaa", "12345678").
func isCommon(lower string) bool {
	word := strings.TrimRight(lower, "0123456789!?.#*$@-_")
	return common()[lower] || len(word) >= 6 && common()[word] || isRun([]rune(lower))
}

func isRun(runes []rune) bool {
	for i := 2; i < len(runes); i++ {
		if runes[i]-runes[i-1] != runes[1]-runes[0] {
			return false
		}
	}
	step := runes[1] - runes[0]
	return step >= -1 && step <= 1
}

// argonParams are the cost parameters of argon2id (RFC 9106).
type argonParams struct {
	memory  uint32 // KiB
	time    uint32
	threads uint8
}

// current is OWASP's recommended minimum; stored hashes with less are replaced at the next sign-in.
var current = argonParams{memory: 19 * 1024, time: 2, threads: 1}

// The most that a stored hash may ask of us, whatever wrote it.
var capped = argonParams{memory: 64 * 1024, time: 8, threads: 4}

const (
	saltBytes = 16
	keyBytes  = 32
)

// Hasher hashes passwords with argon2id, a few at a time: hashing takes all of a core and 19 MiB, and without a limit
// a burst of sign-ins would starve every other request. Never call it inside a transaction.
type Hasher struct {
	params  argonParams
	running chan struct{}
	waiting chan struct{}
	shares  shares
	refused atomic.Uint64
	decoy   string // a salt for accounts that do not exist, so that the answer takes as long
}

// HasherConfig says how much a Hasher takes on.
type HasherConfig struct {
	Queue       int  // callers that may wait for their turn
	Share       int  // of these, callers of one client (Client.Block); twice as many of one Client.Site. 0 for no bound
	UnsafeCheap bool // hashes that cost nearly nothing: for tests that are not about passwords
}

// NewHasher returns a Hasher that leaves one core to everybody else.
func NewHasher(c HasherConfig) *Hasher {
	h := &Hasher{params: current, running: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1)), waiting: make(chan struct{}, c.Queue)}
	h.shares = shares{most: c.Share, taken: map[string]int{}}
	if c.UnsafeCheap {
		h.params = argonParams{memory: 64, time: 1, threads: 1}
	}
	h.decoy = encode(h.params, make([]byte, saltBytes), nil)
	return h
}

// HasherLoad is what a Hasher has to do now, in callers, and how many it has told to come again since it was made.
type HasherLoad struct {
	Waiting, Running int
	Refused          uint64
}

// Load returns the load of the moment.
func (h *Hasher) Load() HasherLoad {
	return HasherLoad{Waiting: len(h.waiting), Running: len(h.running), Refused: h.refused.Load()}
}

// Hash returns the PHC string of a normalised password. It waits for its turn; RATE_LIMITED when too many wait
// already, UNAVAILABLE when ctx ends first.
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

// Salted returns the PHC string of a normalised password under a given salt, which is a PHC string without its key. It is
// the stored string if the password is right, which the database says. Outdated reports whether that string should be
// replaced because its parameters are not the current ones. An empty salt stands for an account that does not exist or has
// no password: the same work is done, and no stored string is the result. Errors are those of Hash, and an internal one
// for a malformed salt.
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

// turn waits for one of the few places and returns the function that gives it back.
func (h *Hasher) turn(ctx context.Context) (done func(), err error) {
	client := ClientFrom(ctx)
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

// encode writes a PHC string; without a key it is a salt, as Salted takes it.
func encode(p argonParams, salt, key []byte) string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.time, p.threads, b64(salt), b64(key))
}

// decode reads a PHC string without its key, and refuses parameters beyond what we are willing to compute.
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
