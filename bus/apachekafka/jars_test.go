package apachekafka

import "testing"

func TestJarName(t *testing.T) {
	for _, c := range []struct {
		line, want string
		ok         bool
	}{
		{"[INFO] Downloaded from central: https://host/maven2/org/apache/kafka/kafka-clients/4.1.1/kafka-clients-4.1.1.jar (9.8 MB at 12 MB/s)",
			"kafka-clients-4.1.1.jar (9.8 MB at 12 MB/s)", true},
		{"Downloaded from central: https://host/a/b.pom (1 kB at 2 kB/s)", "", false},
		{"[INFO] BUILD SUCCESS", "", false},
		{"Downloaded from ", "", false},
		{"", "", false},
	} {
		got, ok := jarName(c.line)
		if ok != c.ok || ok && got != c.want {
			t.Errorf("jarName(%q) = %q, %v; want %q, %v", c.line, got, ok, c.want, c.ok)
		}
	}
}
