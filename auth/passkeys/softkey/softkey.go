// Package softkey owns an authenticator in software: it answers the options of package passkeys as a browser with one authenticator
// does, for tests. It can also misbehave. It must not know the service.
package softkey

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

// Authenticator is a browser on a page, with an authenticator that can verify its user. The fields after Keys decide how it answers; a
// test that changes them makes it misbehave.
type Authenticator struct {
	Keys []*Key // the newest last

	Origin      string // of the page
	RPID        string // instead of that of the options; "" for that
	CrossOrigin bool   // whether the page is in a frame of another origin
	Present     bool   // whether the user touches the authenticator
	Verified    bool   // whether it verifies the user
	Eligible    bool   // whether its keys can be backed up
	BackedUp    bool
	Step        uint32 // by which each use of a key increases its counter; 0 if it has none
	AAGUID      [16]byte
	Type        string // of the ceremony, instead of the right one
}

// Key is a passkey.
type Key struct {
	ID, UserID []byte
	Private    *ecdsa.PrivateKey
	Counter    uint32
}

// New returns an authenticator that behaves, and a browser on a page of an origin.
func New(origin string) *Authenticator {
	return &Authenticator{Origin: origin, Present: true, Verified: true, Eligible: true, BackedUp: true}
}

// The members of the options that matter here.
type options struct {
	Challenge string
	RPID      string `json:"rpId"`
	RP        struct{ ID string }
	User      struct{ ID string }
	Exclude   []struct{ ID string } `json:"excludeCredentials"`
	Allow     []struct{ ID string } `json:"allowCredentials"`
}

var encoding = base64.RawURLEncoding

// ErrExcluded means that the authenticator has one of the excluded passkeys: a browser's InvalidStateError.
var ErrExcluded = errors.New("the authenticator has an excluded passkey")

// ErrNone means that the authenticator has no passkey that is allowed: a browser's NotAllowedError.
var ErrNone = errors.New("the authenticator has no such passkey")

// Create answers PublicKeyCredentialCreationOptionsJSON with a RegistrationResponseJSON, and keeps the new passkey.
func (a *Authenticator) Create(optionsJSON []byte) (json.RawMessage, error) {
	var o options
	if err := json.Unmarshal(optionsJSON, &o); err != nil {
		return nil, fmt.Errorf("read options: %w", err)
	}
	for _, excluded := range o.Exclude {
		if a.find(excluded.ID) != nil {
			return nil, ErrExcluded
		}
	}
	userID, err := encoding.DecodeString(o.User.ID)
	if err != nil {
		return nil, fmt.Errorf("read the user: %w", err)
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	key := &Key{ID: make([]byte, 32), UserID: userID, Private: private, Counter: a.Step}
	rand.Read(key.ID)
	a.Keys = append(a.Keys, key)
	return a.Attest(o.RP.ID, o.Challenge, key)
}

// Attest answers a challenge with a RegistrationResponseJSON for a passkey, new or not.
func (a *Authenticator) Attest(rpID, challenge string, key *Key) (json.RawMessage, error) {
	point, err := key.Private.PublicKey.Bytes() // 4, x, y
	if err != nil {
		return nil, err
	}
	public, err := cbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]}) // EC2, ES256, P-256
	if err != nil {
		return nil, err
	}
	data := append(a.data(rpID, key, true), a.AAGUID[:]...)
	data = binary.BigEndian.AppendUint16(data, uint16(len(key.ID)))
	data = append(append(data, key.ID...), public...)
	object, err := cbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": data})
	if err != nil {
		return nil, err
	}
	return a.answer(key, map[string]any{
		"clientDataJSON": encoding.EncodeToString(a.client("webauthn.create", challenge)), "attestationObject": encoding.EncodeToString(object),
		"transports": []string{"internal", "hybrid"},
	})
}

// Get answers PublicKeyCredentialRequestOptionsJSON with an AuthenticationResponseJSON, with the newest passkey that is allowed.
func (a *Authenticator) Get(optionsJSON []byte) (json.RawMessage, error) {
	var o options
	if err := json.Unmarshal(optionsJSON, &o); err != nil {
		return nil, fmt.Errorf("read options: %w", err)
	}
	var key *Key
	for _, allowed := range o.Allow {
		if found := a.find(allowed.ID); found != nil {
			key = found
		}
	}
	if len(o.Allow) == 0 && len(a.Keys) > 0 {
		key = a.Keys[len(a.Keys)-1]
	}
	if key == nil {
		return nil, ErrNone
	}
	key.Counter += a.Step
	return a.Assert(o.RPID, o.Challenge, key)
}

// Assert answers a challenge with an AuthenticationResponseJSON for a passkey.
func (a *Authenticator) Assert(rpID, challenge string, key *Key) (json.RawMessage, error) {
	data, client := a.data(rpID, key, false), a.client("webauthn.get", challenge)
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(bytes.Clone(data), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, key.Private, digest[:])
	if err != nil {
		return nil, err
	}
	return a.answer(key, map[string]any{
		"clientDataJSON": encoding.EncodeToString(client), "authenticatorData": encoding.EncodeToString(data),
		"signature": encoding.EncodeToString(signature), "userHandle": encoding.EncodeToString(key.UserID),
	})
}

func (a *Authenticator) find(id string) *Key {
	for _, key := range a.Keys {
		if encoding.EncodeToString(key.ID) == id {
			return key
		}
	}
	return nil
}

// data returns the authenticator data (Web Authentication Level 3, 6.1) up to the counter.
func (a *Authenticator) data(rpID string, key *Key, attested bool) []byte {
	if a.RPID != "" {
		rpID = a.RPID
	}
	hash := sha256.Sum256([]byte(rpID))
	flags := byte(0)
	for bit, set := range map[int]bool{0: a.Present, 2: a.Verified, 3: a.Eligible, 4: a.BackedUp, 6: attested} {
		if set {
			flags |= 1 << bit
		}
	}
	return binary.BigEndian.AppendUint32(append(hash[:], flags), key.Counter)
}

// client returns the client data (5.8.1).
func (a *Authenticator) client(typ, challenge string) []byte {
	if a.Type != "" {
		typ = a.Type
	}
	text, err := json.Marshal(map[string]any{"type": typ, "challenge": challenge, "origin": a.Origin, "crossOrigin": a.CrossOrigin})
	if err != nil {
		panic(err) // texts can always be encoded
	}
	return text
}

func (a *Authenticator) answer(key *Key, response map[string]any) (json.RawMessage, error) {
	id := encoding.EncodeToString(key.ID)
	return json.Marshal(map[string]any{
		"id": id, "rawId": id, "type": "public-key", "authenticatorAttachment": "platform", "clientExtensionResults": map[string]any{},
		"response": response,
	})
}
