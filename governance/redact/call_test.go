package redact

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCall plays a short call in which an agent asks for one number after the
// other. What was asked for decides what an answer of bare digits is.
func TestCall(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(dataDir(t, "pii_call_text"), "voicegain_sensitive1.txt"))
	if err != nil {
		t.Fatal(err)
	}
	r, _ := New(Config{})
	var c Conversation
	var out strings.Builder
	for line := range strings.Lines(string(b)) {
		who, said, _ := strings.Cut(strings.TrimSpace(line), ": ")
		out.WriteString(r.Next(&c, Said{Speaker: who, Text: said}).Text + "\n")
	}
	got := out.String()
	for _, gone := range []string{"123-45-6789", "123-456-7890", "4111", "is 135", "is 6789"} {
		if strings.Contains(got, gone) {
			t.Errorf("%q stayed in\n%s", gone, got)
		}
	}
	for _, kept := range []string{"123456789.", "11/11/1911", "1333 Corporate Dr. Suite 211", "75038"} {
		if !strings.Contains(got, kept) {
			t.Errorf("%q is gone from\n%s", kept, got)
		}
	}
}
