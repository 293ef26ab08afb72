package config

import "testing"

// The default of FREEHOLD_ADDR is in a tag too, which cannot use the constant.
func TestHealthIsAskedWhereTheServerListens(t *testing.T) {
	t.Parallel()
	if c, err := Load(nil); err != nil || c.Addr != defaultAddr {
		t.Errorf("the default is %q, %v; want %q", c.Addr, err, defaultAddr)
	}
	for addr, want := range map[string]string{
		"":                 "http://127.0.0.1:8080/readyz",
		"0.0.0.0:80":       "http://127.0.0.1:80/readyz",
		":81":              "http://127.0.0.1:81/readyz",
		"[::]:82":          "http://[::1]:82/readyz",
		"[::1]:83":         "http://[::1]:83/readyz",
		"10.1.2.3:84":      "http://10.1.2.3:84/readyz",
		"host.internal:85": "http://host.internal:85/readyz",
		"127.0.0.1:0":      "",
		"8080":             "",
	} {
		got, err := ReadyURL([]string{"FREEHOLD_ADDR=" + addr})
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", addr, got, err, want)
		}
	}
}
