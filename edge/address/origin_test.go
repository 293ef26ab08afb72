package address

import "testing"

func TestOriginsAreThoseThatBrowsersSend(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://app.example.org": "https://app.example.org", "https://app.example.org:443": "https://app.example.org", "http://app.example.org:80": "http://app.example.org",
		"http://app.example.org:443": "http://app.example.org:443", "HTTPS://App.Example.ORG": "https://app.example.org", "https://b\u00fccher.example": "https://xn--bcher-kva.example",
		"https://app.example.org:08443": "https://app.example.org:8443", "http://[0:0::1]:3000": "http://[::1]:3000", "http://127.0.0.1:3000": "http://127.0.0.1:3000",
		"http://my_host:3000": "http://my_host:3000", "capacitor://localhost": "capacitor://localhost", "app://.": "app://.", "moz-extension://a-b-c": "moz-extension://a-b-c",
		"": "", "null": "", "*": "", "https://*.example.org": "", "https://app.example.org/": "", "https://app.example.org/x": "", "https://app.example.org?x": "", "https://app.example.org?": "",
		"https://app.example.org#": "", "https://ann@app.example.org": "", "app.example.org": "", "//app.example.org": "", "https://": "", "https://:443": "", "https://app.example.org:": "",
		"https://app.example.org:0": "", "https://app.example.org:65536": "", "https://app.example.org:x": "", "https://127.1": "", "https://0x7f.1": "", "https://app..example": "",
		"https://app.example.org.": "https://app.example.org.", "https://127.0.0.1.": "", "file://": "", "file:///x": "", "data:text/html,x": "", "javascript:alert(1)": "", "capacitor://local host": "", "https://a b": "", "http://[::ffff:127.0.0.1]": "",
		"http://[fe80::1%25eth0]": "",
	} {
		if got, ok := ParseOrigin(text); ok != (want != "") || ok && got != want {
			t.Errorf("%q is %q, %v; want %q", text, got, ok, want)
		}
	}
}
