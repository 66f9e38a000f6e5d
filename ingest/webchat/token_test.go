package webchat

import (
	"testing"
	"time"
)

func FuzzVerify(f *testing.F) {
	good, err := Sign("sixteen bytes at least", Claims{Subject: "v", Expires: 1 << 40})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add("a.b.c")
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		c, err := verify([]string{"sixteen bytes at least"}, token, time.Unix(1, 0))
		if err == nil && token != good {
			t.Errorf("accepted %q as %+v", token, c)
		}
	})
}
