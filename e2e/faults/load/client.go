package load

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"freehold.dev/freehold/e2e/harness"
)

// client has a few accounts, which no other client uses. It sends one request at a time, so it knows what each account must be like.
type client struct {
	load    *Load
	number  int
	rand    *rand.Rand
	members []*member // whose accounts exist
	past    []*member // whose accounts were deleted
	never   []string  // usernames of sign-ups that were refused
	forms   int       // sign-ups so far
}

// member is an account as its client knows it.
type member struct {
	name, id        string
	access, refresh string
	ended           []string // refresh tokens of sessions that the client has ended
	written         int      // the number in the bio that was acknowledged last
	perhaps         []int    // numbers whose writing has an unknown outcome, since then
	next            int
	mails           int // acknowledged requests of a mail
	mailsPerhaps    int // those with an unknown outcome
}

func (m *member) email() string { return m.name + "@example.org" }

// action is something that a client does, more or less often.
type action struct {
	weight int
	do     func(*client, *member)
}

var actions = []action{
	{30, (*client).read}, {12, (*client).list}, {26, (*client).write}, {12, (*client).renew}, {7, func(c *client, _ *member) { c.signUp() }},
	{4, (*client).signOut}, {4, (*client).delete}, {2, (*client).signUpInvalid}, {3, (*client).askForMail},
}

func (c *client) work() {
	for c.act(); !c.load.ending(); c.act() {
		c.pause()
	}
}

// act does one thing.
func (c *client) act() {
	c.load.acting.RLock()
	defer c.load.acting.RUnlock()
	if len(c.members) == 0 {
		c.signUp()
		return
	}
	m := c.members[c.rand.IntN(len(c.members))]
	if len(c.members) > 6 { // so that a long run has no ever longer list
		c.delete(m)
		return
	}
	c.choose()(c, m)
}

func (c *client) choose() func(*client, *member) {
	if c.load.Mails && c.rand.IntN(4) == 0 {
		return (*client).askForMail
	}
	total := 0
	for _, a := range actions {
		total += a.weight
	}
	n := c.rand.IntN(total)
	for _, a := range actions {
		if n -= a.weight; n < 0 {
			return a.do
		}
	}
	panic("unreachable")
}

func (c *client) pause() {
	time.Sleep(time.Duration(c.rand.Int64N(int64(c.load.Pause))))
}

// back is the longest that a client waits after a failure. Real clients wait a second, so these are impatient.
const back = 300 * time.Millisecond

// send sends a request once. Besides success, the expected code is fine.
func (c *client) send(token, query string, v harness.Vars, expected string) (harness.Reply, outcome, string) {
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	r, err := c.load.Service.TrySend(ctx, harness.Request{Token: token, Query: query, Vars: v})
	o, code := c.load.classify(query, r, err, expected)
	if code == Lost || code == "UNAVAILABLE" {
		time.Sleep(time.Duration(c.rand.Int64N(int64(back))))
	}
	return r, o, code
}

// givesUp is how long a client repeats a request whose outcome it must know.
const givesUp = time.Minute

// insist sends a request until the answer is not that the service is unavailable. It reports whether an outcome was unknown before.
// Only for what can be repeated.
func (c *client) insist(token, query string, v harness.Vars) (r harness.Reply, code string, unsure bool) {
	for begun := time.Now(); ; {
		r, o, code := c.send(token, query, v, "")
		unsure = unsure || o == unknown
		if code != Lost && code != "UNAVAILABLE" || time.Since(begun) > givesUp {
			return r, code, unsure
		}
	}
}

// sendAs sends a request of a member. If the access token is refused, it renews the session and sends the request once more.
func (c *client) sendAs(m *member, query string, v harness.Vars) (harness.Reply, outcome) {
	r, o, code := c.send(m.access, query, v, "")
	if code != "UNAUTHENTICATED" {
		return r, o
	}
	c.renew(m)
	if r, o, code = c.send(m.access, query, v, ""); code == "UNAUTHENTICATED" {
		c.signedOut(m, r)
	}
	return r, o
}

// signedOut notes that a session has ended. The client continues with a new one.
func (c *client) signedOut(m *member, r harness.Reply) {
	reason := ""
	if len(r.Errors) > 0 {
		reason = r.Errors[0].Extensions.Reason
	}
	b := &c.load.book
	b.note(&b.signedOut, "%s: %s", m.name, reason)
	c.signIn(m)
}

// decode reads the data of an answer.
func (c *client) decode(r harness.Reply, into any) {
	if err := json.Unmarshal(r.Data, into); err != nil {
		c.load.book.note(&c.load.book.wrong, "decode %s: %v", r.Body, err)
	}
}

type tokens struct{ AccessToken, RefreshToken string }

// signUp creates an account. It repeats the request with its key until it has an answer, as docs/accounts.md recommends.
func (c *client) signUp() {
	c.forms++
	m := &member{name: fmt.Sprintf("load-%d-%d", c.number, c.forms)}
	r, code, _ := c.insist("", harness.SignUpMutation, form(m.name, m.email(), m.name))
	if code != "" {
		c.load.book.note(&c.load.book.wrong, "the sign-up of %s was refused: %s", m.name, r.Body)
		return
	}
	var data struct {
		SignUp struct {
			User   struct{ ID string }
			Tokens tokens
		}
	}
	c.decode(r, &data)
	m.id, m.access, m.refresh = data.SignUp.User.ID, data.SignUp.Tokens.AccessToken, data.SignUp.Tokens.RefreshToken
	c.members = append(c.members, m)
}

// form returns the variables of a sign-up. The key is different for each sign-up, and the same for each try of it.
func form(name, email, key string) harness.Vars {
	return harness.Vars{"input": harness.Vars{"email": email, "password": harness.Password, "username": name, "idempotencyKey": "key-of-" + key}}
}

// signUpInvalid sends a sign-up that must be refused, since another account has the username.
func (c *client) signUpInvalid(m *member) {
	c.forms++
	email := fmt.Sprintf("never-%d-%d@example.org", c.number, c.forms)
	c.never = append(c.never, email)
	if r, o, _ := c.send("", harness.SignUpMutation, form(m.name, email, email), "CONFLICT"); o == done {
		c.load.book.note(&c.load.book.wrong, "a username was given twice: %s", r.Body)
	}
}

func (c *client) read(m *member) {
	r, o := c.sendAs(m, `{ me { email profile { bio } } }`, nil)
	if o == done {
		c.compare(m, r)
	}
}

// compare checks that a member reads what was written.
func (c *client) compare(m *member, r harness.Reply) {
	var data struct {
		Me struct {
			Email   string
			Profile struct{ Bio string }
		}
	}
	c.decode(r, &data)
	if data.Me.Email != m.email() || !m.mayHave(data.Me.Profile.Bio) {
		c.load.book.note(&c.load.book.lost, "%s reads %.80s, after writing %d, and perhaps %v", m.name, r.Data, m.written, m.perhaps)
	}
}

func (c *client) list(m *member) {
	c.sendAs(m, `{ profiles(first: 10) { nodes { username displayName } } }`, nil)
}

// write writes the next number into the bio.
func (c *client) write(m *member) {
	m.next++
	switch _, o := c.sendAs(m, harness.BioMutation, harness.Vars{"bio": bio(m.next)}); o {
	case done:
		m.written, m.perhaps = m.next, nil
	case unknown:
		m.perhaps = append(m.perhaps, m.next)
	case refused:
	}
}

// renew exchanges the refresh token. It repeats the request with the same token until it has an answer.
func (c *client) renew(m *member) {
	r, code, _ := c.insist("", harness.RefreshMutation, harness.Vars{"t": m.refresh})
	switch code {
	case "":
		var data struct{ RefreshSession struct{ Tokens tokens } }
		c.decode(r, &data)
		m.access, m.refresh = data.RefreshSession.Tokens.AccessToken, data.RefreshSession.Tokens.RefreshToken
	case "UNAUTHENTICATED":
		c.signedOut(m, r)
	}
}

func (c *client) signIn(m *member) {
	r, code, _ := c.insist("", harness.SignInMutation, harness.Input("email", m.email(), "password", harness.Password))
	if code != "" {
		c.load.book.note(&c.load.book.lost, "%s cannot sign in: %s", m.name, r.Body)
		return
	}
	var data struct{ SignIn struct{ Tokens tokens } }
	c.decode(r, &data)
	m.access, m.refresh = data.SignIn.Tokens.AccessToken, data.SignIn.Tokens.RefreshToken
}

// signOut ends the session and starts another one. If signing out is refused, the session continues.
func (c *client) signOut(m *member) {
	_, o, code := c.send(m.access, `mutation ($i: SignOutInput) { signOut(input: $i) { success } }`, harness.Input("refreshToken", m.refresh), "")
	switch {
	case o == done:
		m.ended = append(m.ended, m.refresh)
	case o == refused && code == "UNAVAILABLE":
		return
	}
	c.signIn(m)
}

// delete deletes the account. After an unknown outcome, UNAUTHENTICATED means that it is deleted.
func (c *client) delete(m *member) {
	v := harness.Input("password", harness.Password)
	r, code, unsure := c.insist(m.access, harness.DeleteAccount, v)
	if code == "UNAUTHENTICATED" && !unsure {
		c.renew(m)
		r, code, unsure = c.insist(m.access, harness.DeleteAccount, v)
	}
	if code != "" && (code != "UNAUTHENTICATED" || !unsure) {
		c.load.book.note(&c.load.book.wrong, "%s cannot be deleted: %s", m.name, r.Body)
		return
	}
	for i := range c.members {
		if c.members[i] == m {
			c.members = append(c.members[:i], c.members[i+1:]...)
			break
		}
	}
	c.past = append(c.past, m)
}

func (c *client) askForMail(m *member) {
	switch _, o, _ := c.send("", harness.RequestReset, harness.Input("email", m.email()), ""); o {
	case done:
		m.mails++
	case unknown:
		m.mailsPerhaps++
	case refused:
	}
}
