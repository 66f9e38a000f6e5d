package floor

// topic appends what a text is about: words, pairs of words, and runs of three
// to five letters inside words, which forgive spelling and inflection.
func (s *scan) topic(out []uint32) []uint32 {
	before := feed(saltPair, []byte("<"))
	for _, t := range s.tokens {
		text := s.text[t.start:t.end]
		switch t.kind {
		case stop:
			continue
		case number:
			text = []byte("0") // which number it is says nothing of the topic
		}
		out = append(out, mix(feed(saltWord, text)))
		out = append(out, mix(feed(before, text)))
		before = (feed(saltPair, text) ^ ' ') * fnvPrime
		if t.kind == word {
			out = letters(out, text, 3, 5)
		}
	}
	out = append(out, mix(feed(before, []byte(">"))))
	if s.asks > 0 {
		out = append(out, sign("?"))
	}
	return out
}

// mood appends what a text feels like: as topic, and which words stand denied,
// emoji, drawn-out words, capitals and marks.
func (s *scan) mood(out []uint32) []uint32 {
	before := feed(saltPair, []byte("<"))
	denied := 0
	for _, t := range s.tokens {
		text := s.text[t.start:t.end]
		switch t.kind {
		case stop:
			denied = 0
			if len(text) == 1 && text[0] == ',' {
				continue
			}
		case number:
			text = []byte("0")
		case symbol:
			out = append(out, mix(feed(saltWord, text)))
		case word:
			if denied > 0 {
				denied--
				out = append(out, mix(feed(saltDenied, text)))
			} else {
				out = append(out, mix(feed(saltWord, text)))
			}
			out = letters(out, text, 3, 5)
			if t.long {
				out = append(out, mix((feed(saltSign, text)^'~')*fnvPrime), sign("~"))
			}
			if denies(text) {
				denied = deniedWords
			}
		}
		out = append(out, mix(feed(before, text)))
		before = (feed(saltPair, text) ^ ' ') * fnvPrime
	}
	switch {
	case s.marks > 1:
		out = append(out, sign("!!"))
	case s.marks == 1:
		out = append(out, sign("!"))
	}
	if s.asks > 0 {
		out = append(out, sign("?"))
		if s.asks > 1 {
			out = append(out, sign("??"))
		}
		if n := len(s.tokens); n > 0 && s.tokens[n-1].kind == stop && s.text[s.tokens[n-1].start] == '?' {
			out = append(out, sign("?end"))
		}
	}
	if s.mocks() {
		// Several times, to be heard above the praise it turns round.
		mock := sign("mock")
		out = append(out, mock, mock, mock, mock, mock)
	}
	if s.loud > 1 {
		out = append(out, sign("LOUD"))
	}
	return append(out, sign(length(s.words)))
}

// mocks tells whether praise stands beside a mishap: "great, it broke again". An
// "again" after "works" is none.
func (s *scan) mocks() bool {
	praise, mishap, works := false, false, false
	for _, t := range s.tokens {
		switch string(s.text[t.start:t.end]) {
		case "great", "fantastic", "wonderful", "brilliant", "lovely", "perfect", "nice", "thanks", "awesome", "amazing", "super",
			"genial", "gracias", "ótimo", "obrigado", "toll", "danke", "merci", "génial", "fantastico", "grazie":
			praise = true
		case "nothing", "another", "cancelled", "canceled", "lost", "broke", "broken", "wrong", "late", "delayed", "locked", "crashed",
			"crashes", "failed", "missing", "ruined", "down", "useless", "nada", "nichts", "rien", "niente", "kaputt", "cassé", "roto":
			mishap = true
		case "works", "working", "work", "worked":
			works = true
		case "again":
			mishap = mishap || !works
		}
	}
	return praise && mishap
}

func sign(name string) uint32 { return mix(feed(saltSign, []byte(name))) }

func length(words int) string {
	switch {
	case words <= 2:
		return "len2"
	case words <= 5:
		return "len5"
	case words <= 12:
		return "len12"
	default:
		return "len"
	}
}

// tongue appends which language a text is in: words and runs of one to four letters.
func (s *scan) tongue(out []uint32) []uint32 {
	for _, t := range s.tokens {
		if t.kind != word {
			continue
		}
		text := s.text[t.start:t.end]
		out = append(out, mix(feed(saltWord, text)))
		out = letters(out, text, 2, 4)
	}
	return out
}

// deniedWords is how far a denial reaches, unless a clause ends before.
const deniedWords = 3

// denies tells whether a word turns the next ones round, in the languages of
// the training data.
func denies(text []byte) bool {
	if n := len(text); n > 3 && string(text[n-3:]) == "n't" {
		return true
	}
	switch string(text) {
	case "not", "no", "never", "cannot", "without", "neither", "nor", "hardly", "barely", "dont", "doesnt", "didnt",
		"cant", "wont", "isnt", "wasnt", "aint", "nothing", "nobody", "none", // English
		"nunca", "sin", "nada", "tampoco", "jamás", "ni", // Spanish
		"não", "nao", "sem", "nem", "jamais", // Portuguese
		"ne", "pas", "sans", "rien", "aucun", "aucune", // French
		"nicht", "kein", "keine", "keinen", "keiner", "nie", "ohne", "nichts", // German
		"non", "mai", "senza", "niente", "nessun", "nessuno", // Italian
		"nahi", "nahin", "mat", "नहीं", "मत", // Hindi
		"لا", "ليس", "لم", "لن", "ما", "مش", "بدون": // Arabic
		return true
	}
	return false
}
