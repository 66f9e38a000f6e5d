package redact

// lex is what is known of a word: a digit or number it says, a filler between
// digits, a topic it brings up.
type lex struct {
	say    string // digits it stands for: "4", "11", "40"
	tens   bool   // twenty … ninety: may take a following unit
	times  int    // double 2, triple 3, quadruple 4
	filler bool   // may stand between digits of one number
	scale  bool   // hundred, thousand: an amount, not a digit sequence
	topic  topic
	weak   bool // the topic gives way to a stronger one just before
	other  bool // a digit in another language than English
}

func (l lex) number() bool { return l.say != "" || l.times > 0 }

// lexicon is read-only after it is made.
var lexicon = makeLexicon()

func makeLexicon() map[string]lex {
	m := map[string]lex{}
	for say, words := range map[string][]string{
		"0": {"zero", "oh", "o", "nought", "naught", "aught"}, "1": {"one"}, "2": {"two"}, "3": {"three", "tree"},
		"4": {"four", "fower"}, "5": {"five", "fife"}, "6": {"six"}, "7": {"seven"}, "8": {"eight"}, "9": {"nine", "niner"},
		"10": {"ten"}, "11": {"eleven"}, "12": {"twelve"}, "13": {"thirteen"}, "14": {"fourteen"}, "15": {"fifteen"},
		"16": {"sixteen"}, "17": {"seventeen"}, "18": {"eighteen"}, "19": {"nineteen"},
	} {
		for _, w := range words {
			m[w] = lex{say: say}
		}
	}
	for say, w := range map[string]string{"20": "twenty", "30": "thirty", "40": "forty", "50": "fifty",
		"60": "sixty", "70": "seventy", "80": "eighty", "90": "ninety"} {
		m[w] = lex{say: say, tens: true}
	}
	m["fourty"] = lex{say: "40", tens: true}
	// Single digits of the other languages that our channels see most. Words
	// that are something else in English ("um", "sei", "die") are left out or,
	// as "um", count only where more words of the language stand around.
	for say, words := range map[string][]string{
		"0": {"cero", "null", "zéro", "nul"}, "1": {"uno", "una", "uma", "eins", "un", "une"},
		"2": {"dos", "dois", "duas", "zwei", "zwo", "deux", "due"}, "3": {"tres", "três", "drei", "trois", "tre"},
		"4": {"cuatro", "quatro", "vier", "quatre", "quattro"}, "5": {"cinco", "fünf", "fuenf", "cinq", "cinque"},
		"6": {"seis", "meia", "sechs"}, "7": {"siete", "sete", "sieben", "sept", "sette"},
		"8": {"ocho", "oito", "acht", "huit", "otto"}, "9": {"nueve", "nove", "neun", "neuf"},
	} {
		for _, w := range words {
			m[w] = lex{say: say, other: true}
		}
	}
	for w, n := range map[string]int{"double": 2, "triple": 3, "treble": 3, "quadruple": 4, "doble": 2, "doppel": 2} {
		m[w] = lex{times: n}
	}
	for _, w := range []string{"uh", "um", "er", "erm", "ah", "eh", "hmm", "mm", "hm", "mhm", "and", "then", "next", "so", "like",
		"yeah", "yes", "yep", "okay", "ok", "right", "comma", "dash", "hyphen", "minus", "space", "slash", "followed", "by",
		"it's", "its", "it", "is", "that's", "sorry", "wait", "now", "well", "let", "me", "see", "again", "also", "plus",
		"y", "e", "et", "und", "dann", "depois", "luego", "the", "that", "was", "first", "last", "part", "digits", "finally",
		"ähm", "äh", "este", "né", "euh"} {
		m[w] = lex{filler: true}
	}
	for _, w := range []string{"hundred", "thousand", "million", "billion", "dollars", "dollar", "euros", "euro", "pounds", "cents",
		"percent", "usd", "eur", "gbp", "brl", "reais", "pesos", "point"} {
		m[w] = lex{scale: true}
	}
	for tp := aCard; tp <= aZip; tp++ {
		for _, w := range topicWords[tp] {
			if l := m[w]; l.topic == nothing { // a word of two topics has the first
				l.topic = tp
				m[w] = l
			}
		}
	}
	for _, w := range []string{"number", "nummer", "número", "numero", "numéro", "no", "nr"} {
		m[w] = lex{topic: aPhone, weak: true}
	}
	return m
}

var topicWords = map[topic][]string{
	aCard: {"card", "cards", "visa", "mastercard", "amex", "maestro", "debit", "credit", "cc", "pan", "tarjeta", "cartão", "cartao",
		"karte", "kreditkarte", "carte", "carta", "cardnumber", "creditcard", "discover", "diners"},
	aCVV: {"cvv", "cvc", "cvv2", "cvc2", "csc", "cvn", "prüfnummer", "prüfziffer", "prüfziffern", "kartenprüfnummer", "kartenprüfziffer",
		"sicherheitscode", "sicherheitsnummer", "sicherheitskode", "cryptogramme", "cardcvv", "securitycode", "cardcvc"},
	aExpiry: {"exp", "expires", "expiry", "expiration", "expire", "expiring", "thru", "expdate", "vencimiento", "validade", "gültig"},
	aPhone: {"phone", "telephone", "tel", "mobile", "cell", "cellphone", "fax", "call", "calls", "calling", "dial", "reach", "text", "sms", "whatsapp", "waid",
		"handy", "telefon", "telefone", "teléfono", "telefono", "celular", "móvil", "movil", "portable", "téléphone", "landline",
		"ring", "callback", "messages", "answering", "msisdn", "phonenumber", "rufnummer", "contact", "wa", "recipient", "phones", "ext", "extension"},
	anID: {"ssn", "social", "nino", "insurance", "cpf", "nif", "dni", "nie", "nss", "steuer", "steuerid", "idnr", "aadhaar", "aadhar", "bsn",
		"pesel", "sin", "tfn", "personnummer", "ahv", "avs", "nir", "rijksregister", "codice", "fiscale", "curp", "rg", "passport",
		"reisepass", "pasaporte", "passaporte", "taxpayer", "tin", "itin", "identification", "ausweis", "sozialversicherungsnummer", "steueridentifikationsnummer"},
	aLicense: {"license", "licence", "licenses", "driver's", "drivers", "driving", "führerschein", "dl"},
	anIBAN:   {"iban", "konto", "kontonummer", "cuenta", "conta"},
	anOrder: {"order", "booking", "reference", "ref", "invoice", "ticket", "tracking", "confirmation", "case", "flight", "reservation", "item",
		"model", "serial", "sku", "parcel", "shipment", "package", "record", "locator", "customer", "member", "membership", "policy", "claim",
		"transaction", "code", "pedido", "reserva", "bestellung", "bestellnummer", "commande", "rechnung", "fatura", "factura", "imei", "meter",
		"room", "gate", "seat", "version", "id", "page", "route", "bus", "train", "year", "product", "batch", "loyalty", "miles",
		"timestamp", "protocolo", "otp", "orders", "quantity", "tag", "tags", "bag", "res", "aircraft", "ieee", "iso"},
	anAmount: {"amount", "price", "cost", "costs", "total", "balance", "paid", "pay", "charged", "charge", "fee", "refund", "euro", "euros", "dollars",
		"dollar", "pounds", "usd", "eur", "gbp", "worth", "budget", "owe", "much", "many", "long", "old"},
	aZip: {"zip", "postcode", "postal", "plz", "cep", "zipcode"},
}
