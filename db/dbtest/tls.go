package dbtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// WithTLS returns a connection string for the same database over TLS. The client verifies the certificate and the host.
func WithTLS(t testing.TB, databaseURL string) string {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	target := u.Query().Get("host") + "/.s.PGSQL." + u.Query().Get("port")
	certificate, root := selfSigned(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is closed when the test ends
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() }) //nolint:errcheck // the test has ended
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go encrypt(client, target, certificate)
		}
	}()
	host, port, _ := net.SplitHostPort(listener.Addr().String())
	query := u.Query()
	query.Set("host", host)
	query.Set("port", port)
	query.Set("sslmode", "verify-full")
	query.Set("sslrootcert", root)
	u.RawQuery = query.Encode()
	return u.String()
}

// encrypt answers a client's SSLRequest, and copies between the client and the server.
func encrypt(client net.Conn, target string, certificate tls.Certificate) {
	defer client.Close()
	if _, err := io.CopyN(io.Discard, client, 8); err != nil {
		return
	}
	if _, err := client.Write([]byte{'S'}); err != nil {
		return
	}
	server, err := net.Dial("unix", target) //nolint:noctx // a local socket
	if err != nil {
		return
	}
	defer server.Close()
	inner := tls.Server(client, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	go func() {
		io.Copy(server, inner) //nolint:errcheck // the other direction ends, too
		server.Close()         // ends the other direction
	}()
	io.Copy(inner, server) //nolint:errcheck // the client gets an error
}

// selfSigned returns a certificate for 127.0.0.1, and the path of its file.
func selfSigned(t testing.TB) (certificate tls.Certificate, root string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	root = filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(root, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, root
}
