// Package passkeys owns the protocol of passkeys (Web Authentication Level 3): the options that a browser needs, and the verification
// of what it returns. The protocol itself is go-webauthn's; this package makes the decisions that the standard leaves to a service. It
// must not know accounts, SQL or GraphQL.
//
// # Decisions
//
//   - Passkeys are discoverable credentials. A sign-in names no account, so its options are the same for everybody.
//   - The user handle is the id of the user. It is random, and says nothing about them.
//   - Attestation is not requested: any authenticator may be used, and none has to reveal its model.
//   - A signature counter that does not increase is refused, unless it is always 0, as that of passkeys that are synchronised.
//   - Pages in frames of other origins cannot use passkeys.
package passkeys

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"
)

// Verification says whether authenticators verify who uses a passkey, by a fingerprint, a face or a PIN: the
// UserVerificationRequirement of the standard.
type Verification string

// The values of Verification.
const (
	Required    Verification = "required"    // a passkey without verification is refused
	Preferred   Verification = "preferred"   // authenticators that can verify do so
	Discouraged Verification = "discouraged" // authenticators verify only if they must
)

// Config describes the service to authenticators.
type Config struct {
	RPID         string   // the domain that passkeys belong to, such as example.org
	Name         string   // the name of the service, which browsers may show
	Origins      []string // the pages that can use passkeys, as browsers send them, and the apps; see ValidateOrigins
	Verification Verification
	Timeout      time.Duration // how long a browser lets the user decide
}

// Service creates options and verifies what browsers return.
type Service struct {
	webauthn *webauthn.WebAuthn
	related  *protocol.RelatedOrigins
}

// New returns a Service. It returns an error for an RP ID or an origin that no browser accepts.
func New(c Config) (*Service, error) {
	if err := ValidateRPID(c.RPID); err != nil {
		return nil, err
	}
	related, err := relate(c.Origins)
	if err != nil {
		return nil, err
	}
	timeout := webauthn.TimeoutConfig{Timeout: c.Timeout, TimeoutUVD: c.Timeout}
	w, err := webauthn.New(&webauthn.Config{
		RPID: c.RPID, RPDisplayName: c.Name, RPOrigins: related.Origins, RPOpaqueOrigins: apps(c.Origins),
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(),
			UserVerification: protocol.UserVerificationRequirement(c.Verification),
		},
		Timeouts: webauthn.TimeoutsConfig{Login: timeout, Registration: timeout},
		// Some password managers return outputs of extensions that nobody asked for. No output decides anything here.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		return nil, fmt.Errorf("describe the service to authenticators: %w", err)
	}
	return &Service{webauthn: w, related: related}, nil
}

// RelatedOrigins returns the document of /.well-known/webauthn: the origins that can use the passkeys of the RP ID (Web
// Authentication Level 3, 5.11).
func (s *Service) RelatedOrigins() any { return s.related }

// User is whom a passkey belongs to.
type User struct {
	ID          uuid.UUID
	Name        string // to tell accounts apart, such as an email address or a username
	DisplayName string // can be empty
}

// Key is a passkey: the part of a credential record (Web Authentication Level 3, 4) that is needed later.
type Key struct {
	ID             []byte // the credential id; at most 1023 bytes
	PublicKey      []byte // COSE_Key (RFC 9052)
	SignCount      uint32
	AAGUID         uuid.UUID // the model of the authenticator; uuid.Nil if it is not known
	Transports     []string  // how a browser reaches the authenticator, such as internal or usb
	BackupEligible bool      // whether the passkey can leave its device; never changes
	BackedUp       bool      // whether it is stored elsewhere, too
	UserVerified   bool      // whether the authenticator verified the user
}

// Ceremony is what the service must know when the answer to the options comes, as JSON. It has the challenge, so keep it secret from
// everyone but the client that has the options.
type Ceremony json.RawMessage

// StartRegistration returns the options of navigator.credentials.create for a new passkey, as a
// PublicKeyCredentialCreationOptionsJSON. Authenticators that have one of the passkeys in exclude refuse.
func (s *Service) StartRegistration(user User, exclude []Key) (options json.RawMessage, c Ceremony, err error) {
	excluded := make([]protocol.CredentialDescriptor, len(exclude))
	for i, key := range exclude {
		record := key.record()
		excluded[i] = record.Descriptor()
	}
	created, session, err := s.webauthn.BeginRegistration(owner{User: user},
		webauthn.WithExclusions(excluded), webauthn.WithCredentialParameters(webauthn.CredentialParametersRecommendedL3()))
	if err != nil {
		return nil, nil, fmt.Errorf("start the registration of a passkey: %w", err)
	}
	return encode(created.Response, session)
}

// StartSignIn returns the options of navigator.credentials.get, as a PublicKeyCredentialRequestOptionsJSON. They name no passkey, so
// that the user chooses one of theirs.
func (s *Service) StartSignIn() (options json.RawMessage, c Ceremony, err error) {
	asked, session, err := s.webauthn.BeginDiscoverableLogin()
	if err != nil {
		return nil, nil, fmt.Errorf("start a sign-in with a passkey: %w", err)
	}
	return encode(asked.Response, session)
}

// StartProof is StartSignIn for one of the given passkeys of a user; there must be at least one.
func (s *Service) StartProof(user User, keys []Key) (options json.RawMessage, c Ceremony, err error) {
	asked, session, err := s.webauthn.BeginLogin(owner{user, keys})
	if err != nil {
		return nil, nil, fmt.Errorf("start a proof with a passkey: %w", err)
	}
	return encode(asked.Response, session)
}

func encode(options any, session *webauthn.SessionData) (json.RawMessage, Ceremony, error) {
	text, err := json.Marshal(options)
	if err != nil {
		return nil, nil, fmt.Errorf("encode the options of a passkey: %w", err)
	}
	kept, err := json.Marshal(session)
	if err != nil {
		return nil, nil, fmt.Errorf("encode the ceremony of a passkey: %w", err)
	}
	return text, kept, nil
}

// decode returns the session of a ceremony, and its user; uuid.Nil for a sign-in.
func (c Ceremony) decode() (session webauthn.SessionData, userID uuid.UUID, err error) {
	if err := json.Unmarshal(c, &session); err != nil {
		return session, uuid.Nil, fmt.Errorf("decode the ceremony of a passkey: %w", err)
	}
	if len(session.UserID) > 0 {
		userID, err = uuid.FromBytes(session.UserID)
	}
	return session, userID, err
}

// owner is a User with passkeys, for go-webauthn.
type owner struct {
	User
	keys []Key
}

func (o owner) WebAuthnID() []byte          { return o.ID[:] }
func (o owner) WebAuthnName() string        { return o.Name }
func (o owner) WebAuthnDisplayName() string { return o.DisplayName }

func (o owner) WebAuthnCredentials() []webauthn.Credential {
	records := make([]webauthn.Credential, len(o.keys))
	for i, key := range o.keys {
		records[i] = key.record()
	}
	return records
}

func (k Key) record() webauthn.Credential {
	transports := make([]protocol.AuthenticatorTransport, len(k.Transports))
	for i, name := range k.Transports {
		transports[i] = protocol.AuthenticatorTransport(name)
	}
	return webauthn.Credential{
		ID: k.ID, PublicKey: k.PublicKey, Transport: transports,
		Flags:         webauthn.CredentialFlags{UserVerified: k.UserVerified, BackupEligible: k.BackupEligible, BackupState: k.BackedUp},
		Authenticator: webauthn.Authenticator{AAGUID: k.AAGUID[:], SignCount: k.SignCount},
	}
}
