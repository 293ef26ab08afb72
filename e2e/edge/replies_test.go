package edge

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"freehold.dev/freehold/app"
	"freehold.dev/freehold/db/dbtest"
	"freehold.dev/freehold/e2e/harness"
)

// aliases returns n aliases of a field.
func aliases(n int, field string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "a%d: %s ", i, field)
	}
	return b.String()
}

// wordy creates a public profile whose bio takes as many bytes in JSON as a bio can.
func wordy(s *harness.Service) harness.Account {
	return s.SignUp(harness.Vars{"visibility": "PUBLIC", "bio": strings.Repeat("<", 1000)})
}

// G13: the size of a reply is bounded, by an estimate of its texts before anything runs and by its bytes while it is encoded.
func TestRepliesAreBounded(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	keep := "FREEHOLD_DATA_DIR=" + t.TempDir() // one key, so that tokens are valid for all
	s := harness.StartWith(t, d, harness.BothLayers, app.Options{}, keep)
	a := wordy(s)
	generous := harness.StartWith(t, d, harness.BothLayers, app.Options{}, "FREEHOLD_COST_LIMIT=1000000", keep)
	narrow := harness.StartWith(t, d, harness.BothLayers, app.Options{}, "FREEHOLD_REPLY_LIMIT=16384", keep)
	entities := func(n int, fields string) harness.Request {
		key := harness.Vars{"__typename": "Profile", "id": a.ProfileID}
		return harness.Request{Query: `query ($r: [_Any!]!) { _entities(representations: $r) { ... on Profile { ` + fields + ` } } }`, Vars: harness.Vars{"r": slices.Repeat([]harness.Vars{key}, n)}}
	}
	nodes := func(n int, fields string) harness.Request {
		return harness.Request{Query: `query ($i: [ID!]!) { nodes(ids: $i) { ... on Profile { ` + fields + ` } } }`, Vars: harness.Vars{"i": slices.Repeat([]string{a.ProfileID}, n)}}
	}
	for name, c := range map[string]struct {
		s           *harness.Service
		request     harness.Request
		cost, limit int // both 0: the request succeeds
	}{
		"one key 500 times, 18 bios":          {s, entities(500, aliases(18, "bio")), 201 + 500*18*6, 10_000},
		"one key 500 times, a usual fragment": {s, entities(500, "id username displayName"), 0, 0},
		"one id 100 times, 18 bios":           {s, nodes(100, aliases(18, "bio")), 201 + 100*18*6, 10_000},
		"100 bios":                            {s, nodes(100, "bio"), 0, 0},
		"174 bios":                            {s, entities(174, "bio"), 0, 0},
		"175 bios":                            {s, entities(175, "bio"), 175*6002 + 174 + 2 + 175*len(`{"bio":}`), 1 << 20},
		"bios of several root fields":         {s, harness.Request{Query: "{" + aliases(7, `profile(username: "`+a.Username+`") { `+aliases(6, "bio")+"}") + "}"}, 0, 0},
		"57 MB":                               {generous, entities(500, aliases(18, "bio")), 500*(18*6002+10*len(`"a0":,`)+8*len(`"a00":,`)+1) + 499 + 2, 1 << 20},
		"more than the setting allows":        {narrow, nodes(3, "bio"), 3*(6002+len(`{"bio":}`)) + 2 + 2, 16384},
		"as much as it allows":                {narrow, nodes(2, "bio"), 0, 0},
	} {
		r := c.s.Send(c.request)
		if c.limit == 0 {
			if len(r.Errors) > 0 || len(r.Data) < 1000 {
				t.Errorf("%s: %.300s", name, r.Body)
			}
			continue
		}
		if told := fmt.Sprintf(`"cost":%d,"limit":%d}`, c.cost, c.limit); r.Status != 200 || r.Code() != "OPERATION_TOO_COSTLY" || r.Data != nil || !strings.Contains(r.Body, told) {
			t.Errorf("%s: %d %.300s; want %s", name, r.Status, r.Body, told)
		}
	}
	// The error for a mutation that has run says so.
	r := narrow.Do(a.Token, `mutation { updateProfile(input: {location: "here"}) { profile { `+aliases(3, "bio")+` } } }`, nil)
	if r.Code() != "OPERATION_TOO_COSTLY" || r.Data != nil || !strings.Contains(r.Errors[0].Message, "saved") {
		t.Errorf("a mutation with a large reply: %s", r.Body)
	}
	if r := s.Do("", `{ profile(username: "`+a.Username+`") { location } }`, nil); !strings.Contains(r.Body, "here") {
		t.Errorf("afterwards: %s", r.Body)
	}
}

// A reply is JSON that is safe within HTML, byte for byte as encoding/json writes it.
func TestRepliesAreEncodedAsJSON(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	bio := "<b>&amp;</b> \"quoted\" \\ line\nbreak \u2028 é 日本 \U0001f469 '"
	a := s.SignUp(harness.Vars{"visibility": "PUBLIC", "bio": bio})
	for name, query := range map[string]string{
		"data":            `{ node(id: "` + a.ProfileID + `") { ... on Profile { bio } } }`,
		"data and errors": `{ node(id: "` + a.ProfileID + `") { ... on Profile { bio birthday } } }`,
		"nothing":         `{ me { id } }`,
		"errors":          `{ <>& }`,
	} {
		r := s.Do("", query, nil)
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(r.Body), &members); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		ordered := struct {
			Errors json.RawMessage `json:"errors,omitempty"`
			Data   json.RawMessage `json:"data,omitempty"`
		}{members["errors"], members["data"]}
		want, err := json.Marshal(ordered)
		if err != nil || r.Body != string(want) || strconv.Itoa(len(want)) != r.Header.Get("Content-Length") {
			t.Errorf("%s: %s (of %s bytes); want %s", name, r.Body, r.Header.Get("Content-Length"), want)
		}
		var data struct{ Node struct{ Bio string } }
		if strings.Contains(query, "bio") {
			if r.Into(t, &data); strings.ReplaceAll(bio, "\u2028", "\n") != data.Node.Bio && bio != data.Node.Bio {
				t.Errorf("%s: %q", name, data.Node.Bio)
			}
		}
	}
}

// narrowListener gives connections a small buffer in the kernel, so that what a client does not read stays in the server.
type narrowListener struct{ net.Listener }

func (l narrowListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		tcp.SetWriteBuffer(4096)
	}
	return c, err
}

// heap returns the bytes in use, after a garbage collection.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// G13: clients that request large replies and do not read them take no more memory than FREEHOLD_REPLY_MEMORY. Others get a
// time to retry, and small replies still work.
func TestSlowReadersTakeBoundedMemory(t *testing.T) { // not parallel: it measures the heap
	const readers, room = 100, 2 << 20
	s, _ := harness.ListenOn(t, dbtest.New(t), func(l net.Listener) net.Listener { return narrowListener{l} }, app.Options{},
		fmt.Sprintf("FREEHOLD_REPLY_MEMORY=%d", room))
	a := wordy(s)
	body := `{"query": "{ nodes(ids: [` + strings.Repeat(`\"`+a.ProfileID+`\" `, 100) + `]) { ... on Profile { bio } } }"}`
	before := heap()
	var wg sync.WaitGroup
	for range readers {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.(*net.TCPConn).SetReadBuffer(4096)
		wg.Go(func() {
			fmt.Fprintf(c, "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
			c.SetReadDeadline(time.Now().Add(30 * time.Second))
			c.Read(make([]byte, 1)) // the reply has begun
		})
	}
	wg.Wait()
	grown := heap() - before
	t.Logf("%d readers of %d bytes: the heap has grown by %d", readers, 100*6011, grown)
	if grown > 3*room {
		t.Errorf("the heap has grown by %d bytes; %d are allowed for replies", grown, room)
	}
	if r := s.Send(harness.Request{Body: body}); r.Status != http.StatusServiceUnavailable || r.Code() != "UNAVAILABLE" || r.Errors[0].Extensions.RetryAfter == 0 {
		t.Errorf("one more: %d %.300s", r.Status, r.Body)
	}
	begun := time.Now()
	if r := s.Do(a.Token, `{ me { id email } }`, nil); len(r.Errors) > 0 || time.Since(begun) > 5*time.Second {
		t.Errorf("a small reply meanwhile: %s in %v", r.Body, time.Since(begun))
	}
}
