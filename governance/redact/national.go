package redact

import "strings"

// nationals finds identity, tax and social security numbers. A number goes when
// its own check digit and its grouping say so, or when it is named beside it.
func (t *text) nationals(runs []run, asked topic, words int, out []Finding) []Finding {
	if words > fewWords {
		asked = nothing
	}
	for _, r := range runs {
		for _, f := range r.free() {
			for i := 0; i < len(f.items); {
				j := i + 1
				for j < len(f.items) && t.idGap(f.items[j-1].last, f.items[j].first) {
					j++
				}
				if rule := t.national(f.items[i:j], asked); rule != "" {
					tp := NationalID
					if rule == "license" {
						tp = License
					}
					found := t.take(f, i, j, tp, rule, joined(f.items[i:j]))
					// Letters that belong to it: "12345678Z", "F1628…".
					for found.Start > 0 && alnum(t.s[found.Start-1]) {
						found.Start--
					}
					for found.End < len(t.s) && alnum(t.s[found.End]) {
						found.End++
					}
					out = append(out, found)
				}
				i = j
			}
		}
	}
	return t.lettered(out)
}

func (t *text) idGap(a, b int) bool {
	g := t.s[t.tokens[a].end:t.tokens[b].start]
	return len(g) == 1 && strings.Contains(" -./", g) || b > a+1 || t.tokens[a].lex.say != "" || t.tokens[b].lex.say != ""
}

// national names the rule that knows the digits of items, or "".
func (t *text) national(items []item, asked topic) string {
	d := joined(items)
	first, last := items[0].first, items[len(items)-1].last
	about := t.about(first, last, asked)
	named := about == anID || t.near(anID, first, last, 6, 2)
	if t.shaped(first, last) {
		return ""
	}
	if about == aLicense && len(d) >= 5 && len(d) <= 18 && !year(d) {
		return "license"
	}
	groups := grouping(items)
	plain := len(items) == 1
	g := ""
	if !plain && !items[0].spoken {
		g = t.s[t.tokens[items[0].last].end:t.tokens[items[1].first].start]
	}
	if glued(t.s, t.tokens[first].start, t.tokens[last].end) && !named {
		return ""
	}
	switch {
	case groups == "3-2-4" && (g == "-" && ssn(d) || g == " " && named):
		return "us_ssn"
	case groups == "3-3-3-2" && g == "." && cpf(d), len(d) == 11 && named && cpf(d):
		return "br_cpf"
	case groups == "3-4-4-2" && strings.HasPrefix(d, "756") && ean13(d), strings.HasPrefix(d, "756") && len(d) == 13 && ean13(d):
		return "ch_ahv"
	case groups == "4-4-4" && verhoeff(d) && d[0] > '1' && (g == " " || g == "-" || named), len(d) == 12 && named && verhoeff(d):
		return "in_aadhaar"
	case groups == "2-3-3-3" && steuerID(d), len(d) == 11 && named && steuerID(d):
		return "de_steuer_id"
	case (groups == "1-2-2-2-3-3-2" || len(d) == 15 && (named || plain)) && nir(d):
		return "fr_nir"
	case len(d) == 11 && (named || groups == "2-2-2-3-2") && rijksregister(d):
		return "be_rrn"
	case !named:
		return ""
	case len(d) == 9 && ssn(d):
		return "us_ssn"
	case len(d) == 4 && t.near(lastFour, first, last, 12, 6), len(d) == 4 && asked == anID:
		return "id_part"
	case len(d) >= 6 && len(d) <= 18:
		return "named"
	}
	return ""
}

// grouping writes the lengths of items as "3-2-4".
func grouping(items []item) string {
	if len(items) > 7 {
		return ""
	}
	var b [16]byte
	n := 0
	for i, it := range items {
		if i > 0 {
			b[n] = '-'
			n++
		}
		if len(it.digits) > 9 {
			return ""
		}
		b[n] = byte('0' + len(it.digits))
		n++
	}
	return string(b[:n])
}

// lettered finds ids that mix letters and digits: UK NINO, Spanish DNI and NIE,
// Indian PAN, Italian codice fiscale, and licences near their word.
func (t *text) lettered(out []Finding) []Finding {
	for i := 0; i < len(t.tokens); i++ {
		// A row of tokens without gaps is one word to the eye.
		j := i
		for j+1 < len(t.tokens) && t.tokens[j].end == t.tokens[j+1].start {
			j++
		}
		start, end := t.tokens[i].start, t.tokens[j].end
		rule, tp := "", NationalID
		if w := t.s[start:end]; j > i && len(w) >= 6 && len(w) <= 20 && (start == 0 || t.s[start-1] != '/') {
			w = strings.ToUpper(w)
			switch {
			case shape(w, "AA999999A") && nino(w):
				rule = "uk_nino"
			case shape(w, "99999999A") && dni(w):
				rule = "es_dni"
			case shape(w, "A9999999A") && strings.IndexByte("XYZ", w[0]) >= 0 && dni(string('0'+w[0]-'X')+w[1:]):
				rule = "es_nie"
			case shape(w, "AAAAA9999A") && strings.IndexByte("ABCFGHJLPT", w[3]) >= 0:
				rule = "in_pan"
			case shape(w, "AAAAAA99A99A999A"):
				rule = "it_codice_fiscale"
			case t.count(i, j) < 3: // "Person1", "90mins"
			case t.near(aLicense, i, j, 8, 3):
				rule, tp = "license", License
			case t.near(anID, i, j, 6, 2):
				rule = "named"
			}
		} else if j == i && i+4 < len(t.tokens) && len(w) == 2 && !t.tokens[i].numeral && t.tokens[i+1].numeral {
			// "QQ 12 34 56 C"
			joined, k := w, i+1
			for ; k <= i+4 && len(joined) < 9 && (t.gap(k) == " " || t.gap(k) == "" || t.gap(k) == "-"); k++ {
				joined += t.of(k)
			}
			if joined = strings.ToUpper(joined); shape(joined, "AA999999A") && nino(joined) {
				rule, end, j = "uk_nino", t.tokens[k-1].end, k-1
			}
		}
		if rule != "" {
			out = append(out, Finding{Type: tp, Rule: rule, Start: start, End: end, value: strings.ToUpper(strings.Map(keepAlnum, t.s[start:end]))})
		}
		i = j
	}
	return out
}

// count is how many digits tokens i…j hold.
func (t *text) count(i, j int) int {
	n := 0
	for ; i <= j; i++ {
		n += len(t.tokens[i].digits)
	}
	return n
}

func keepAlnum(r rune) rune {
	if r < 0x80 && alnum(byte(r)) {
		return r
	}
	return -1
}

// shape compares s with a pattern of A (letter) and 9 (digit).
func shape(s, pattern string) bool {
	if len(s) != len(pattern) {
		return false
	}
	for i := range len(s) {
		letter, digit := s[i] >= 'A' && s[i] <= 'Z', s[i] >= '0' && s[i] <= '9'
		if pattern[i] == 'A' && !letter || pattern[i] == '9' && !digit {
			return false
		}
	}
	return true
}
