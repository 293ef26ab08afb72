package passkeys

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"
)

// The most that is accepted of a passkey. The longest public keys are those of RSA.
const (
	maxID         = 1023 // bytes; Web Authentication Level 3, 4
	maxPublicKey  = 2048 // bytes
	maxTransports = 8
)

var transport = regexp.MustCompile(`^[a-z-]{1,32}$`)

// ErrReplayed means that the signature counter of a passkey did not increase: there may be a copy of it.
var ErrReplayed = errors.New("the signature counter did not increase")

// FinishRegistration verifies the answer to the options of StartRegistration, a RegistrationResponseJSON, and returns the new passkey.
// The caller makes sure that the ceremony is used once, and that no account has the passkey.
func (s *Service) FinishRegistration(c Ceremony, response []byte) (*Key, error) {
	session, userID, err := c.decode()
	if err != nil {
		return nil, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return nil, refusal(err)
	}
	record, err := s.webauthn.CreateCredential(owner{User: User{ID: userID}}, session, parsed)
	if err != nil {
		return nil, refusal(err)
	}
	key := &Key{
		ID: record.ID, PublicKey: record.PublicKey, SignCount: record.Authenticator.SignCount,
		BackupEligible: record.Flags.BackupEligible, BackedUp: record.Flags.BackupState, UserVerified: record.Flags.UserVerified,
	}
	if key.AAGUID, err = uuid.FromBytes(record.Authenticator.AAGUID); err != nil {
		return nil, fmt.Errorf("read the model of an authenticator: %w", err)
	}
	for _, name := range record.Transport {
		if transport.MatchString(string(name)) && len(key.Transports) < maxTransports {
			key.Transports = append(key.Transports, string(name))
		}
	}
	if len(key.ID) > maxID || len(key.PublicKey) > maxPublicKey {
		return nil, errors.New("the passkey is too long")
	}
	return key, nil
}

// Answer is what a browser returns for the options of StartSignIn or StartProof, before it is verified.
type Answer struct {
	KeyID  []byte    // of the passkey that the answer claims to be of
	UserID uuid.UUID // its owner, as the authenticator knows them; uuid.Nil if it did not say

	parsed *protocol.ParsedCredentialAssertionData
}

// ReadAnswer reads an AuthenticationResponseJSON. It verifies nothing.
func ReadAnswer(response []byte) (*Answer, error) {
	parsed, err := protocol.ParseCredentialRequestResponseBytes(response)
	if err != nil {
		return nil, refusal(err)
	}
	a := &Answer{KeyID: parsed.RawID, parsed: parsed}
	if handle := parsed.Response.UserHandle; len(handle) > 0 {
		if a.UserID, err = uuid.FromBytes(handle); err != nil {
			return nil, errors.New("the user handle is not an id")
		}
	}
	return a, nil
}

// Use is the use of a passkey that was verified. The caller stores the counter and the backup state.
type Use struct {
	SignCount    uint32
	BackedUp     bool
	UserVerified bool // whether the authenticator verified the user this time, so that it is two factors
}

// Verify verifies an answer with the passkey that it claims to be of, and the passkey's owner. The error is ErrReplayed if only the
// counter is wrong. The caller makes sure that the ceremony is used once, and compares the counter again when it stores it.
func (s *Service) Verify(c Ceremony, a *Answer, userID uuid.UUID, key Key) (*Use, error) {
	session, asked, err := c.decode()
	if err != nil {
		return nil, err
	}
	of := owner{User{ID: userID}, []Key{key}}
	var record *webauthn.Credential
	if asked == uuid.Nil {
		find := func([]byte, []byte) (webauthn.User, error) { return of, nil }
		record, err = s.webauthn.ValidateDiscoverableLogin(find, session, a.parsed)
	} else {
		// The options named all passkeys of the user. The library would compare them with those of the owner, which is one here.
		if slices.ContainsFunc(session.AllowedCredentialIDs, func(id []byte) bool { return bytes.Equal(id, key.ID) }) {
			session.AllowedCredentialIDs = [][]byte{key.ID}
		}
		record, err = s.webauthn.ValidateLogin(of, session, a.parsed)
	}
	switch {
	case err != nil:
		return nil, refusal(err)
	case record.Authenticator.CloneWarning:
		return nil, ErrReplayed
	}
	return &Use{
		SignCount: record.Authenticator.SignCount, BackedUp: record.Flags.BackupState,
		UserVerified: a.parsed.Response.AuthenticatorData.Flags.HasUserVerified(),
	}, nil
}

// refusal returns an error that says for the log why an answer was refused, such as which origins are accepted, which is often a setting
// that is wrong. It does not contain the challenge.
func refusal(err error) error {
	if e, ok := errors.AsType[*protocol.Error](err); ok && !strings.Contains(e.Details, "challenge") {
		return fmt.Errorf("verify a passkey: %w: %.300s", err, e.DevInfo)
	}
	return fmt.Errorf("verify a passkey: %w", err)
}
