package floor

import (
	"unicode"

	"throughline/nlp/linear"
)

// certain is how probable a language must be to be named.
const certain = 0.6

// knows tells whether the models were trained on texts of a language.
func (m *Model) knows(language string) bool {
	for _, name := range m.language.names {
		if name == language {
			return true
		}
	}
	return false
}

// tongue names the language of a text that has been scanned, as BCP 47; "" where
// it cannot be told ("ok", "12", emoji). The script decides where only one of
// our languages uses it; among Latin letters the words do, with lists of small
// words for neighbours that the models were not shown, so that Dutch is not
// scored as bad German.
func (m *Model) tongue(w *work, text string) string {
	switch language := byScript(text); language {
	case "latin":
	default:
		return language
	}
	if foreign := neighbour(&w.scan); foreign != "" {
		return foreign
	}
	w.features = w.scan.tongue(w.features[:0])
	if len(w.features) == 0 {
		return ""
	}
	p := w.scores[:len(m.language.names)]
	m.language.scores(w.features, p)
	linear.Softmax(p)
	best := 0
	for i := range p {
		if p[i] > p[best] {
			best = i
		}
	}
	if p[best] < certain {
		return ""
	}
	return m.language.names[best]
}

// byScript counts the letters of each script and names the language of the most
// common one, "latin" where the words must decide, "" without letters.
func byScript(text string) string {
	var latin, arabic, devanagari, cyrillic, han, kana, hangul, greek, hebrew, thai, persian, ukrainian int
	for _, r := range text {
		switch {
		case r < utf8Latin:
			if r >= 'A' && (r|0x20) >= 'a' && (r|0x20) <= 'z' || r >= 0xC0 {
				latin++
			}
		case r >= 0x0370 && r < 0x0400:
			greek++
		case r >= 0x0400 && r < 0x0530:
			cyrillic++
			if r == 'і' || r == 'ї' || r == 'є' || r == 'ґ' {
				ukrainian++
			}
		case r >= 0x0590 && r < 0x0600:
			hebrew++
		case r >= 0x0600 && r < 0x0780:
			if unicode.IsLetter(r) {
				arabic++
			}
			switch r {
			case 'پ', 'چ', 'ژ', 'گ', 'ی', 'ک':
				persian++
			}
		case r >= 0x0900 && r < 0x0980:
			devanagari++
		case r >= 0x0E00 && r < 0x0E80:
			thai++
		case r >= 0x3040 && r < 0x3100:
			kana++
		case r >= 0x4E00 && r < 0xA000:
			han++
		case r >= 0xAC00 && r < 0xD7B0:
			hangul++
		}
	}
	name, most := "", 0
	for _, script := range []struct {
		name  string
		count int
	}{{"latin", latin}, {"ar", arabic}, {"hi", devanagari}, {"ru", cyrillic}, {"zh", han * 2}, {"ja", kana * 3},
		{"ko", hangul * 2}, {"el", greek}, {"he", hebrew}, {"th", thai}} { // one Chinese sign says as much as two letters
		if script.count > most {
			name, most = script.name, script.count
		}
	}
	switch {
	case name == "zh" && kana > 0:
		return "ja"
	case name == "ar" && persian*12 > arabic:
		return "fa"
	case name == "ru" && ukrainian > 0:
		return "uk"
	}
	return name
}

// utf8Latin is where Latin letters with their accents end.
const utf8Latin = 0x0250

// neighbour names a language of Latin letters that is not among the trained
// ones, when two of its small words, and a third of all words, say so.
func neighbour(s *scan) string {
	var hits [len(neighbours)]int
	words := 0
	for _, t := range s.tokens {
		if t.kind != word {
			continue
		}
		words++
		for i := range neighbours {
			if neighbours[i].small(s.text[t.start:t.end]) {
				hits[i]++
			}
		}
	}
	best := 0
	for i := range hits {
		if hits[i] > hits[best] {
			best = i
		}
	}
	if hits[best] < 2 || hits[best]*3 < words {
		return ""
	}
	return neighbours[best].language
}

// neighbours are lists of small words that the trained languages do not use, or
// hardly. The function form keeps them free of package state.
var neighbours = [...]struct {
	language string
	small    func([]byte) bool
}{
	{"nl", dutch}, {"pl", polish}, {"sv", swedish}, {"tr", turkish}, {"id", indonesian}, {"ro", romanian}, {"cs", czech},
}

func dutch(w []byte) bool {
	switch string(w) {
	case "ik", "het", "een", "niet", "van", "mijn", "maar", "geen", "wat", "zijn", "voor", "naar", "met", "ook", "nog",
		"heb", "heeft", "jullie", "bestelling", "wanneer", "waar", "hoe", "dit", "deze", "graag", "bedankt", "dank", "ben", "wil", "kan", "de":
		return true
	}
	return false
}

func polish(w []byte) bool {
	switch string(w) {
	case "nie", "jest", "się", "że", "moje", "mój", "moja", "gdzie", "proszę", "dziękuję", "dzień", "dobry", "czy", "jak", "tak", "ale", "dla", "zamówienie", "chcę", "mam", "kiedy", "już", "bardzo", "z", "w":
		return true
	}
	return false
}

func swedish(w []byte) bool {
	switch string(w) {
	case "jag", "är", "och", "inte", "det", "att", "på", "för", "min", "mitt", "har", "hur", "när", "var", "tack", "hej", "beställning", "vill", "kan", "ni", "med", "som", "en", "ett", "mycket":
		return true
	}
	return false
}

func turkish(w []byte) bool {
	switch string(w) {
	case "bir", "ve", "bu", "için", "çok", "nerede", "ne", "değil", "siparişim", "sipariş", "teşekkürler", "teşekkür", "merhaba", "var", "yok", "istiyorum", "zaman", "hala", "benim", "lütfen", "nasıl":
		return true
	}
	return false
}

func indonesian(w []byte) bool {
	switch string(w) {
	case "saya", "tidak", "yang", "dan", "ini", "itu", "dengan", "untuk", "ada", "sudah", "belum", "bisa", "pesanan", "terima", "kasih", "kapan", "mana", "tolong", "dari", "apa", "mau":
		return true
	}
	return false
}

func romanian(w []byte) bool {
	switch string(w) {
	case "nu", "și", "si", "este", "sunt", "pentru", "comanda", "mea", "meu", "unde", "când", "cand", "mulțumesc", "multumesc", "bună", "vreau", "am", "la", "să", "sa", "în", "din", "foarte", "cum":
		return true
	}
	return false
}

func czech(w []byte) bool {
	switch string(w) {
	case "je", "se", "že", "moje", "kde", "prosím", "děkuji", "dobrý", "den", "objednávka", "chci", "mám", "když", "ale", "není", "jsem", "jak", "už", "velmi", "jsou", "na":
		return true
	}
	return false
}
