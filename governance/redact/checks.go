package redact

import "strings"

// The check digits of national numbers. Each takes digits only, of any length,
// and says no where the length is not its own.

// ssn: no area 000 or 666 or 9xx, no group 00, no serial 0000 (SSA, since 2011
// the only rules).
func ssn(d string) bool {
	return len(d) == 9 && d[:3] != "000" && d[:3] != "666" && d[0] != '9' && d[3:5] != "00" && d[5:] != "0000"
}

// cpf: two digits mod 11 (Receita Federal); rows of one digit are not issued.
func cpf(d string) bool {
	if len(d) != 11 || strings.Count(d, d[:1]) == 11 {
		return false
	}
	for n := 9; n <= 10; n++ {
		sum := 0
		for i := range n {
			sum += int(d[i]-'0') * (n + 1 - i)
		}
		if sum*10%11%10 != int(d[n]-'0') {
			return false
		}
	}
	return true
}

// ean13 is the check of GS1 numbers, which the Swiss AHV number uses.
func ean13(d string) bool {
	if len(d) != 13 {
		return false
	}
	sum := 0
	for i := range d {
		sum += int(d[i]-'0') * (1 + i%2*2)
	}
	return sum%10 == 0
}

// steuerID: ISO 7064 MOD 11,10, no leading zero, and one digit of the first ten
// stands twice or three times (§ 139b AO).
func steuerID(d string) bool {
	if len(d) != 11 || d[0] == '0' {
		return false
	}
	var count [10]int
	p := 10
	for i := range 10 {
		v := int(d[i] - '0')
		count[v]++
		if v = (v + p) % 10; v == 0 {
			v = 10
		}
		p = v * 2 % 11
	}
	repeated := 0
	for _, n := range count {
		if n > 3 {
			return false
		}
		if n > 1 {
			repeated++
		}
	}
	return repeated == 1 && (11-p)%10 == int(d[10]-'0')
}

// nir: French social security number, 13 digits and 97 − n mod 97.
func nir(d string) bool {
	if len(d) != 15 || d[0] != '1' && d[0] != '2' {
		return false
	}
	n := 0
	for i := range 13 {
		n = (n*10 + int(d[i]-'0')) % 97
	}
	return 97-n == int(d[13]-'0')*10+int(d[14]-'0')
}

// rijksregister: Belgian national number, 97 − n mod 97, with a 2 before the
// number for people born since 2000.
func rijksregister(d string) bool {
	if len(d) != 11 {
		return false
	}
	n, check := 0, int(d[9]-'0')*10+int(d[10]-'0')
	for i := range 9 {
		n = n*10 + int(d[i]-'0')
	}
	return 97-n%97 == check || 97-(2_000_000_000+n)%97 == check
}

// verhoeff is the check of Aadhaar numbers (Verhoeff 1969, dihedral group D5).
func verhoeff(d string) bool {
	if len(d) != 12 {
		return false
	}
	const mul = "0123456789" + "1234067895" + "2340178956" + "3401289567" + "4012395678" +
		"5987604321" + "6598710432" + "7659821043" + "8765932104" + "9876543210"
	const permute = "0123456789" + "1576283094" + "5803796142" + "8916043527" + "9453126870" + "4286573901" + "2793806415" + "7046913258"
	c := 0
	for i := range d {
		p := permute[i%8*10+int(d[len(d)-1-i]-'0')] - '0'
		c = int(mul[c*10+int(p)] - '0')
	}
	return c == 0
}

// nino: prefixes that HMRC does not issue are not numbers.
func nino(w string) bool {
	if strings.IndexByte("DFIQUV", w[0]) >= 0 || strings.IndexByte("DFIOQUV", w[1]) >= 0 || w[8] > 'D' {
		return false
	}
	switch w[:2] {
	case "BG", "GB", "KN", "NK", "NT", "TN", "ZZ":
		return false
	}
	return true
}

// dni: eight digits and the letter that their remainder by 23 names.
func dni(w string) bool {
	if len(w) != 9 {
		return false
	}
	n := 0
	for i := range 8 {
		n = n*10 + int(w[i]-'0')
	}
	return "TRWAGMYFPDXBNJZSQVHLCKE"[n%23] == w[8]
}
