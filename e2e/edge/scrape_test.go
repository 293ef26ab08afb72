package edge

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/app/operate"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
	"freehold.dev/freehold/internal/eventually"
)

// The metrics show how long mails have waited, and those that are not retried. They are unknown if the database does not answer, which
// also makes the instance not ready.
func TestOutboxAndReadinessAreMeasured(t *testing.T) {
	t.Parallel()
	s, proxy := harness.StartBehindProxy(t)
	measure := func() string {
		all := s.Metrics()
		age := all["freehold_mails_oldest_waiting_seconds"]
		return fmt.Sprintf("waiting %v, for an hour %v, parked %v, ready %v", all["freehold_mails_waiting"], age >= 3600 && age < 3660, all["freehold_mails_parked"], all["freehold_ready"])
	}
	expect := func(want string) {
		t.Helper()
		if got := measure(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	expect("waiting 0, for an hour false, parked 0, ready 1")
	const mails = `INSERT INTO app.outbox (id, kind, recipient, created_at, parked_at, last_error)
		SELECT gen_random_uuid(), 'x', 'x@example.org', now() - make_interval(mins => n), CASE WHEN n > 60 THEN now() END, CASE WHEN n = 63 THEN 'withheld' END
		  FROM generate_series(58, 63) n`
	s.DB.Query(t, mails)
	expect("waiting 3, for an hour true, parked 2, ready 1")
	s.DB.Query(t, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$`)
	proxy.Cut()
	expect("waiting 3, for an hour true, parked 2, ready 0")
	proxy.SilenceAll()
	expect("waiting NaN, for an hour false, parked NaN, ready 0")
}

// Attempts that a limit refused are counted by the limit that was full.
func TestLimitsAreCounted(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "FREEHOLD_RATE_LIMIT=on", "FREEHOLD_TRUSTED_PROXIES=127.0.0.1/32", "FREEHOLD_LIMIT_GUESS=2/1h", "FREEHOLD_LIMIT_GUESS_TOTAL=3/1h", "FREEHOLD_LIMIT_SIGN_IN=6/1h", "FREEHOLD_LIMIT_USERNAME=1/1h")
	a := s.SignUp(nil)
	guess := func(client, email string) {
		t.Helper()
		r, err := s.TrySend(t.Context(), harness.Request{Header: http.Header{"X-Forwarded-For": {client}}, Query: harness.SignInMutation, Vars: harness.Input("email", email, "password", "wrong password")})
		if err != nil || len(r.Errors) != 1 {
			t.Errorf("%v %s", err, r.Body)
		}
	}
	for range 3 { // one more than a client may guess
		guess("203.0.113.1", a.Email)
	}
	guess("198.51.100.1", a.Email)
	guess("192.0.2.1", a.Email) // one more than all strangers may guess
	for i := range 8 {          // two more than a client may sign in
		guess("198.18.0.1", fmt.Sprintf("nobody-%d@example.org", i))
	}
	for _, name := range []string{"first-name", "second-name"} {
		s.Do(a.Token, harness.ChangeUsername, harness.Input("username", name))
	}
	want := harness.Metrics{}
	for limit, n := range map[string]float64{"guess": 1, "strangers": 1, "signIn": 2, "changeUsername": 1} {
		want[`freehold_rate_limited_total{limit="`+limit+`"}`] = n
	}
	if got := s.Metrics().With("freehold_rate_limited"); !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// Connections of clients are counted while they are open, requests while they are answered.
func TestConnectionsAndRequestsAreCounted(t *testing.T) {
	t.Parallel()
	s, _ := harness.Listen(t, app.Options{}, "FREEHOLD_METRICS_ADDR=127.0.0.1:0")
	url := ""
	eventually.True(t, 10*time.Second, "metrics are served", func() bool {
		url = metricsURL.FindString(s.Logs.String())
		return url != ""
	})
	await := func(connections, requests float64) {
		t.Helper()
		eventually.True(t, 10*time.Second, fmt.Sprintf("%v connections, %v requests", connections, requests), func() bool {
			all, _ := s.MetricsAt(url)
			return all["freehold_http_connections_open"] == connections && all["freehold_requests_in_flight"] == requests
		})
	}
	var clients []net.Conn
	for range 3 {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		clients = append(clients, c)
	}
	await(3, 0)
	fmt.Fprint(clients[0], "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	await(3, 1)
	for i, c := range clients {
		c.Close()
		await(float64(2-i), 0)
	}
}

// The age of the signing key is that of the key that signs, not of one that waits. A key without a date is as old as its file.
func TestSigningKeysAreMeasured(t *testing.T) {
	t.Parallel()
	var clock harness.Clock
	dir := t.TempDir()
	s := harness.Setup{Database: dbtest.New(t), Options: app.Options{Now: clock.Now}, Settings: []string{"FREEHOLD_DATA_DIR=" + dir}}.Start(t)
	expect := func(keys float64, age time.Duration) {
		t.Helper()
		all := s.Metrics()
		got := time.Duration(all["freehold_signing_key_age_seconds"] * float64(time.Second))
		if all["freehold_signing_keys"] != keys || (got-age).Abs() > time.Minute {
			t.Errorf("%v keys, of %v; want %v, of %v", all["freehold_signing_keys"], got, keys, age)
		}
	}
	expect(1, 0)
	clock.Put(400 * 24 * time.Hour)
	expect(1, 400*24*time.Hour)
	config := harness.Config(t, s.DB.App, "FREEHOLD_SIGNING_KEY_FILE="+filepath.Join(dir, "signing-key.pem"))
	if _, _, err := operate.RotateKeys(config, clock.Now()); err != nil {
		t.Fatal(err)
	}
	clock.Put(400*24*time.Hour + 20*time.Second)
	if all := s.Metrics(); all["freehold_signing_keys"] != 2 {
		t.Errorf("after a rotation: %v", all.With("freehold_signing"))
	}
	clock.Put(400*24*time.Hour + time.Hour)
	expect(2, time.Hour)
	if _, err := os.Stat(config.SigningKey); err != nil {
		t.Error(err)
	}
}
