package mail

import (
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"pgregory.net/rapid"
)

// hrefs returns the targets of the links of a page, as a browser reads them.
func hrefs(t interface{ Fatal(args ...any) }, page string) (list []string) {
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for node := range root.Descendants() {
		for _, a := range node.Attr {
			if a.Key == "href" {
				list = append(list, a.Val)
			}
		}
	}
	return list
}

func TestCheckLink(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"https://app.example.org/reset?email={email}&code={code}", "HTTPS://app.example.org/{code}", "http://localhost:3000/reset?code={code}",
		"https://app.example.org?code={code}", "https://app.example.org#code={code}&email={email}", "https://app.example.org:8443/a/{email}/{code}/b?c=d%20e#f",
		"https://[2001:db8::1]:8443/{code}", "https://xn--bcher-kva.example/?c={code}&again={code}", "https://app.example.org/%7Bcode%7D?c={code}",
		"https://app.example.org/?next=https://other.example/@x&code={code}",
		"myapp://reset?code={code}", "myapp:///reset?code={code}", "org.example.app+dev://reset/{email}/{code}",
	} {
		if err := CheckLink(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	const canary = "canary"
	for text, want := range map[string]string{
		"": "such as", "canary": "such as", "/canary?c={code}": "such as", "//canary.example/?c={code}": "such as", "https:canary.example/{code}": "such as",
		"https:/canary.example/{code}": "such as", "https:///canary?c={code}": "such as", "https://?canary={code}": "such as", "https://canary.example:port/{code}": "such as",
		"1app://canary?c={code}": "such as", " https://canary.example/{code}": "such as", "my app://canary/{code}": "such as", "{code}://canary": "such as",
		"https://:80/canary?c={code}": "such as", "myapp:canary?c={code}": "such as", "mailto:canary@example.org?body={code}": "such as", "javascript:canary({code})": "such as", "data:text/html,canary{code}": "such as",
		"javascript://canary/%0aalert({code})": "scheme", "JavaScript://canary?{code}": "scheme", "data://text/html,canary{code}": "scheme", "vbscript://canary/{code}": "scheme",
		"file:///canary/{code}": "scheme", "blob://canary/{code}": "scheme", "view-source://canary/{code}": "scheme", "ftp://canary/{code}": "scheme",
		"https://canary.example/reset": "no {code}", "https://canary.example/?e={email}": "no {code}",
		"https://canary.example/?c={kode}&e={email}": "{kode} is not a placeholder", "https://canary.example/?c={Code}": "{Code} is not a placeholder",
		"https://canary.example/?c={{code}}": "brace", "https://canary.example/?c={code": "brace", "https://canary.example/?c={code}}": "brace",
		"https://canary.example/?c={code}&d={}": "brace", "https://canary.example/?c={ code }": "brace",
		"https://{code}.canary.example/": "host", "https://canary.example{code}": "host", "https://canary.example:{code}/": "host", "myapp://{code}": "host", "https://{email}/canary/{code}": "host",
		"https://canary@example.org/{code}": "user", "https://canary:secret@example.org/{code}": "user", "https://{email}@canary.example/{code}": "host", "myapp://canary@x/{code}": "user",
		"https://canary.example/{code} b": "percent-encode", "https://canary.example/\"{code}": "percent-encode", "https://canary.example/'{code}'": "percent-encode",
		"https://canary.example/<{code}>": "percent-encode", "https://canary.example/{code}\r\nBcc: b@y.org": "percent-encode", "https://canary.example\\{code}": "host",
		"https://canary.example/\\{code}": "percent-encode", "https://canary.example/%{code}": "percent-encode", "https://canary.example/%4{code}": "percent-encode", "https://canary.example/%zz{code}": "percent-encode",
		"https://canary-bücher.example/{code}": "percent-encode", "https://canary.example/({code})": "percent-encode", "https://canary.example/\u202e{code}": "percent-encode",
	} {
		err := CheckLink(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), canary) {
			t.Errorf("%q: %v, want an error with %q", text, err, want)
		}
	}
}

func TestCheckPage(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"https://app.example.org", "https://app.example.org/start?a=b#c", "http://localhost:3000", "myapp://home", "myapp://"} {
		if err := CheckPage(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"", "app.example.org", "https://", "https://app.example.org/{email}", "https://app.example.org/}", "javascript:alert(1)", "data:,a", "https://a@app.example.org", "https://app.example.org/a b"} {
		if err := CheckPage(text); err == nil || strings.Contains(err.Error(), "app.example.org/") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestIsPlain(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"http://app.example.org/?c={code}": true, "HTTP://app.example.org/{code}": true, "http://localhost.example/{code}": true, "http://10.0.0.1:80/{code}": true,
		"https://app.example.org/{code}": false, "http://localhost:3000/{code}": false, "http://127.0.0.1/{code}": false, "http://[::1]:80/{code}": false, "myapp://reset/{code}": false,
	} {
		if got := IsPlain(text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

func TestCheckName(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"freehold", `Ann's "Größe" & Söhne <b>`, "Böses, GmbH; (x) @home", "日本語のサービス", "👩‍👩‍👧 Family", "❤️ Health", "می\u200cخواهم", strings.Repeat("ö", 60), "O"} {
		if err := CheckName(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{
		"", " ", " canary", "canary ", "canary\n", "canary\r\nBcc: b@y.org", "can\tary", "canary\x00", "canary\u0085", "canary\u2028b", "canary\u00a0b", "can\u202eary", "canary\u200b", "canary\ufeff", "canary\xff", "=?utf-8?q?canary=0D=0ABcc:_b@y.org?=",
		strings.Repeat("ö", 61),
	} {
		if err := CheckName(text); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A front end reads the exact address and code from the link, in the text and in the HTML, for all characters of an address and all
// places of the placeholders.
func TestLinkGivesBackAddressAndCode(t *testing.T) {
	t.Parallel()
	pathPart := func(u *url.URL) (string, string) {
		parts := strings.Split(u.EscapedPath(), "/")
		email, _ := url.PathUnescape(parts[len(parts)-2])
		code, _ := url.PathUnescape(parts[len(parts)-1])
		return email, code
	}
	query := func(q string) (string, string) {
		values, err := url.ParseQuery(q)
		if err != nil || len(values) != 3 || values.Get("a") != "b" {
			return "", ""
		}
		return values.Get("email"), values.Get("code")
	}
	templates := map[string]struct {
		*Templates
		read func(u *url.URL) (email, code string)
	}{}
	for text, read := range map[string]func(u *url.URL) (email, code string){
		"https://app.example.org/reset?a=b&email={email}&code={code}":    func(u *url.URL) (string, string) { return query(u.RawQuery) },
		"https://app.example.org/reset#a=b&email={email}&code={code}":    func(u *url.URL) (string, string) { return query(u.EscapedFragment()) },
		"https://app.example.org/reset/{email}/{code}?next=/a+b%26":      pathPart,
		"my.app+dev://reset?code={code}&a=b&email={email}":               func(u *url.URL) (string, string) { return query(u.RawQuery) },
		"https://app.example.org/{email}?email={email}&code={code}&a=b#": func(u *url.URL) (string, string) { return query(u.RawQuery) },
	} {
		o := TemplatesOptions{PublicURL: testURL, Service: "people", Links: map[Kind]string{ResetPassword: text}}
		made, err := NewTemplates(o)
		if err != nil {
			t.Fatal(err)
		}
		templates[text] = struct {
			*Templates
			read func(u *url.URL) (email, code string)
		}{made, read}
	}
	local := rapid.StringMatching("[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,9})?")
	domain := rapid.SampledFrom([]string{"example.com", "Bücher.example", "xn--bcher-kva.example", "例え.テスト", "a-b.co.example"})
	code := rapid.StringMatching("[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}")
	rapid.Check(t, func(t *rapid.T) {
		m, _ := queued(ResetPassword)
		m.Recipient = local.Draw(t, "local") + "@" + domain.Draw(t, "domain")
		code := code.Draw(t, "code")
		if rapid.Bool().Draw(t, "looks like a placeholder") {
			m.Recipient = "{code}{email}%7Bcode%7D" + "@example.com"
		}
		for text, c := range templates {
			message, err := c.Render(m, code)
			if err != nil {
				t.Fatal(err)
			}
			inHTML := hrefs(t, message.HTML)
			if len(inHTML) != 1 || inHTML[0] != message.Link || !strings.Contains(message.Text, "\n\n"+message.Link+"\n\n") || strings.ContainsAny(message.Link, " \r\n\"'<>") {
				t.Fatalf("the link is %q, in HTML %q, the text is %s", message.Link, inHTML, message.Text)
			}
			u, err := url.Parse(message.Link)
			if err != nil {
				t.Fatal(err)
			}
			if email, got := c.read(u); email != m.Recipient || got != code {
				t.Fatalf("out of %s, of %s, is read %q and %q, want %q and %q", message.Link, text, email, got, m.Recipient, code)
			}
		}
	})
}
