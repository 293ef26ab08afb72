package oauth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const appleIssuer = "https://appleid.apple.com"

// appleSecretAge is how long a client secret for Apple is valid. A new one is signed for each exchange.
const appleSecretAge = 5 * time.Minute

// ParseAppleKey reads the private key that Apple gives to a developer: PKCS #8 in PEM, a file whose name ends in .p8.
func ParseAppleKey(text []byte) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("the file has no key in PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("the file has no private key in PKCS #8")
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("the key is not one of P-256")
	}
	return key, nil
}

// appleSecret signs a client secret, which Apple requires instead of a constant one.
func (p *Provider) appleSecret() (string, error) {
	now := p.settings.Now()
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.RegisteredClaims{
		Issuer: p.settings.Apple.TeamID, Subject: p.settings.ClientID, Audience: jwt.ClaimStrings{p.settings.Issuer},
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(appleSecretAge)),
	})
	token.Header["kid"] = p.settings.Apple.KeyID
	secret, err := token.SignedString(p.settings.Apple.Key)
	if err != nil {
		return "", fmt.Errorf("sign a client secret for Apple: %w", err)
	}
	return secret, nil
}
