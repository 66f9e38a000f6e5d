package corpus

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const rated = "USER\tmy bin was not emptied\tINFORM\t3,3,2\nSYSTEM\tI am sorry, who collects it?\tREQUEST\t\n" +
	"USER\tyou do, again\tINFORM\t2,1,2\nUSER\tOVERALL\t\t2,2,2\n\nUSER\thello\t\t3\n"

func TestUSS(t *testing.T) {
	talks, err := USS(write(t, map[string]string{"MWOZ.txt": rated}) + "/MWOZ.txt")
	if err != nil || len(talks) != 2 {
		t.Fatalf("%d dialogues, error %v", len(talks), err)
	}
	a := talks[0]
	if len(a.Spoken) != 3 || a.Spoken[1].Customer || len(a.Spoken[1].Ratings) != 0 || a.Spoken[2].Ratings[1] != 1 {
		t.Errorf("first dialogue %+v", a)
	}
	for name, c := range map[string]struct{ file, want string }{
		"role":      {"CLIENT\thi\t\t3\n", "line 1"},
		"no text":   {"USER\n", "line 1"},
		"rating":    {"USER\thi\t\t3\nUSER\thi\t\t9\n", "line 2"},
		"no number": {"USER\thi\t\tgood\n", `"good"`},
	} {
		if _, err := USS(write(t, map[string]string{"x.txt": c.file}) + "/x.txt"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

const tweets = `{"first_tweet_id":"7","tag":"DELAY","first_utterance":"<cust__ __company__ my case is lost __cust>","context":"<rep__ __cust__ sorry , which flight ? __rep> <cust__ the last one __cust>"}` + "\n"

func TestTwACS(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte(tweets)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	dir := write(t, map[string]string{"a.jsonl": tweets, "b.jsonl.gz": packed.String(), "c.jsonl": tweets + "{", "d.gz": "x",
		"e.jsonl": "\ufeff" + tweets, "f.jsonl.gz": packed.String()[:packed.Len()-9]})
	for _, name := range []string{"a.jsonl", "b.jsonl.gz", "e.jsonl"} {
		talks, err := TwACS(filepath.Join(dir, name))
		if err != nil || len(talks) != 1 || talks[0].ID != "7" || len(talks[0].Spoken) != 3 {
			t.Fatalf("%s: %+v, error %v", name, talks, err)
		}
		if s := talks[0].Spoken; !s[0].Customer || s[0].Text != "my case is lost" || s[1].Customer || s[1].Text != "sorry , which flight ?" {
			t.Errorf("%s: %+v", name, s)
		}
	}
	for _, name := range []string{"c.jsonl", "d.gz", "f.jsonl.gz", "nowhere.jsonl"} {
		if _, err := TwACS(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// The published sets, where they are at hand, have as many dialogues as their
// description says.
func TestPublishedTalks(t *testing.T) {
	data, err := Folder()
	if err != nil {
		t.Skip(err)
	}
	for _, c := range []struct {
		file string
		read func(string) ([]Talk, error)
		want int
	}{
		{"uss/MWOZ.txt", USS, 819},
		{"uss/SGD.txt", USS, 806},
		{"twacs/labelled.dev.jsonl", TwACS, 260},
	} {
		talks, err := c.read(filepath.Join(data, c.file))
		if err != nil || len(talks) != c.want {
			t.Errorf("%s: %d dialogues, error %v; want %d", c.file, len(talks), err, c.want)
		}
		for _, talk := range talks {
			if len(talk.Spoken) == 0 || !talk.Spoken[0].Customer {
				t.Errorf("%s: %s does not begin with the customer", c.file, talk.ID)
			}
		}
	}
}

func FuzzTalks(f *testing.F) {
	for _, seed := range []string{rated, tweets, "USER", "\t\t\t", "<cust__ <rep__ __cust> __rep>", `{"context":"<rep__"}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, read := range []func(string) ([]Talk, error){USS, TwACS} {
			talks, err := read(path)
			if err != nil {
				continue
			}
			for _, talk := range talks {
				for _, s := range talk.Spoken {
					for _, r := range s.Ratings {
						if r < 1 || r > 5 {
							t.Errorf("rating %d", r)
						}
					}
				}
			}
		}
		sides(text)
	})
}
