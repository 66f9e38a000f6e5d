package redact

import "strings"

// ibanLength is the length of a country's IBANs (ISO 13616, SWIFT registry), 0
// for countries without.
func ibanLength(country string) int {
	const registry = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BR29BY28CH21CR22CY28CZ24DE22DK18DO28EE20EG29ES24FI18FO18FR27GB22GE22GI23GL18GR27GT28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21MC27MD24ME22MK19MR27MT31MU30NL18NO15PK24PL28PS29PT25QA29RO24RS22SA24SC31SE24SI19SK24SM27ST25SV28TN24TR26UA29VA22VG24XK20"
	for i := 0; i < len(registry); i += 4 {
		if registry[i:i+2] == country {
			return int(registry[i+2]-'0')*10 + int(registry[i+3]-'0')
		}
	}
	return 0
}

// mod97 is the check of ISO 7064 over an IBAN: its first four characters moved
// to the end, letters as 10…35, the remainder must be 1.
func mod97(iban string) bool {
	m := 0
	for i := range len(iban) {
		switch c := iban[(i+4)%len(iban)]; {
		case c >= '0' && c <= '9':
			m = (m*10 + int(c-'0')) % 97
		case c >= 'A' && c <= 'Z':
			m = (m*100 + int(c-'A') + 10) % 97
		default:
			return false
		}
	}
	return m == 1
}

// ibans finds account numbers, in groups or without, and those of digits only
// when they are read out: "D E eight nine …". With the word IBAN beside it, a
// number with a wrong check goes too.
func (t *text) ibans(runs []run, out []Finding) []Finding {
	named := t.has(anIBAN)
	for i, tok := range t.tokens {
		if tok.numeral || tok.end-tok.start < 2 {
			continue
		}
		// Two letters, then digits without a gap. The scanner has cut "GB29NWBK…"
		// into a word and a numeral.
		if tok.end-tok.start != 2 || i+1 >= len(t.tokens) || !t.tokens[i+1].numeral || len(t.gap(i+1)) > 1 {
			continue
		}
		country := strings.ToUpper(t.of(i))
		want := ibanLength(country)
		if want == 0 || tok.start > 0 && alnum(t.s[tok.start-1]) {
			continue
		}
		var b [34]byte
		n, end := 0, tok.start
		for end < len(t.s) && n < want {
			c := t.s[end]
			switch {
			case alnum(c):
				if c >= 'a' {
					c -= 0x20
				}
				b[n] = c
				n++
			case c == ' ' || c == '-' || c == '.':
				if end+1 < len(t.s) && !alnum(t.s[end+1]) {
					n = -1
				}
			case strings.HasPrefix(t.s[end:], "\u00a0"):
				end++
			default:
				n = -1
			}
			if n < 0 {
				break
			}
			end++
		}
		if n != want || end < len(t.s) && alnum(t.s[end]) {
			continue
		}
		value := string(b[:n])
		if value[2] > '9' || value[3] > '9' || !named && !mod97(value) {
			continue
		}
		out = append(out, Finding{Type: IBAN, Rule: "mod97", Start: tok.start, End: end, value: value})
	}
	for _, r := range runs {
		i := r.first()
		if i < 2 || !r.spoken() || len(t.of(i-1)) != 1 || len(t.of(i-2)) != 1 {
			continue
		}
		value := strings.ToUpper(t.of(i-2)+t.of(i-1)) + joined(r.items)
		if len(value) == ibanLength(value[:2]) && (named || mod97(value)) {
			f := t.take(r, 0, len(r.items), IBAN, "spoken", value)
			f.Start = t.tokens[i-2].start
			out = append(out, f)
		}
	}
	return out
}

func alnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}
