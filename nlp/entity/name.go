package entity

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"throughline/event"
)

// people finds names where people say them: "my name is …", "this is … speaking",
// "Mr …". Names elsewhere are not guessed.
func people(text string, ws []word) []event.Entity {
	var out []event.Entity
	for i := 0; i < len(ws); i++ {
		start := introduced(ws, i)
		if start == 0 {
			continue
		}
		end := start
		for end < len(ws) && end < start+3 && capital(ws[end].text) && !ws[end].digits && !ws[end].hidden && (end == start || !ws[end].broken) {
			end++
		}
		if end == start {
			continue
		}
		value := text[ws[start].start:ws[end-1].end]
		out = append(out, made(text, "PERSON", ws[start].start, ws[end-1].end, value))
		i = end - 1
	}
	return out
}

// introduced is where a name should begin when ws[i:] introduces one, 0 else.
func introduced(ws []word, i int) int {
	said := func(phrase ...string) bool {
		if i+len(phrase) >= len(ws) {
			return false
		}
		for j, p := range phrase {
			if ws[i+j].lower != p {
				return false
			}
		}
		return true
	}
	switch {
	case said("my", "name", "is"), said("mi", "nombre", "es"), said("meu", "nome", "é"), said("mein", "name", "ist"), said("je", "m", "appelle"):
		return i + 3
	case said("name", "is"), said("name", "s"), said("me", "llamo"), said("me", "chamo"), said("ich", "heiße"), said("mi", "chiamo"):
		return i + 2
	case said("mr"), said("mrs"), said("ms"), said("dr"), said("miss"), said("señor"), said("señora"), said("herr"), said("frau"), said("monsieur"), said("madame"), said("signor"), said("signora"):
		return i + 1
	case said("this", "is") && i+2 < len(ws) && spoken(ws[i+2:]):
		return i + 2
	}
	return 0
}

// spoken tells "this is Anna speaking" and "this is Anna from …" from "this is Ridiculous".
func spoken(ws []word) bool {
	for i := 1; i < min(len(ws), 4); i++ {
		if ws[i].lower == "speaking" || ws[i].lower == "from" || ws[i].lower == "calling" {
			return true
		}
	}
	return false
}

func capital(w string) bool {
	r, _ := utf8.DecodeRuneInString(w)
	return unicode.IsUpper(r)
}

// places finds countries and large cities, capitalised, in any of the languages
// that spell them alike.
func places(text string, ws []word) []event.Entity {
	var out []event.Entity
	for i := 0; i < len(ws); i++ {
		if !capital(ws[i].text) {
			continue
		}
		used := 0
		name := ""
		for n := 0; n < 3 && i+n < len(ws) && (n == 0 || !ws[i+n].broken); n++ {
			if name += " " + ws[i+n].lower; listed(name[1:]) {
				used = n + 1
			}
		}
		if used == 0 {
			continue
		}
		value := text[ws[i].start:ws[i+used-1].end]
		out = append(out, made(text, "PLACE", ws[i].start, ws[i+used-1].end, value))
		i += used - 1
	}
	return out
}

// listed tells whether the list of places has a name. The list is searched as it
// lies, so it costs nothing at start.
func listed(name string) bool { return len(name) > 2 && strings.Contains(gazetteer, "|"+name+"|") }

const gazetteer = "|afghanistan|albania|algeria|argentina|armenia|australia|austria|bangladesh|belgium|bolivia|brazil|brasil|bulgaria|" +
	"cambodia|cameroon|canada|chile|china|colombia|croatia|cuba|cyprus|denmark|ecuador|egypt|england|estonia|ethiopia|finland|france|" +
	"germany|deutschland|ghana|greece|guatemala|hungary|iceland|india|indonesia|iran|iraq|ireland|israel|italy|italia|jamaica|japan|" +
	"jordan|kenya|kuwait|latvia|lebanon|lithuania|luxembourg|malaysia|malta|mexico|méxico|morocco|nepal|netherlands|nigeria|norway|" +
	"pakistan|panama|paraguay|peru|perú|philippines|poland|portugal|qatar|romania|russia|scotland|senegal|serbia|singapore|slovakia|" +
	"slovenia|somalia|spain|españa|sweden|switzerland|schweiz|syria|taiwan|tanzania|thailand|tunisia|turkey|uganda|ukraine|uruguay|" +
	"venezuela|vietnam|wales|yemen|zambia|zimbabwe|united states|united kingdom|south africa|new zealand|saudi arabia|south korea|" +
	"sri lanka|costa rica|czech republic|puerto rico|dominican republic|el salvador|hong kong|northern ireland|" +
	"amsterdam|athens|atlanta|austin|baltimore|bangkok|barcelona|beijing|belfast|berlin|birmingham|bogotá|bogota|bordeaux|boston|" +
	"brisbane|bristol|brussels|bucharest|budapest|calgary|cardiff|chicago|cleveland|cologne|copenhagen|dallas|delhi|denver|detroit|" +
	"dubai|dublin|düsseldorf|edinburgh|florence|frankfurt|geneva|genoa|glasgow|hamburg|hannover|helsinki|houston|istanbul|jakarta|" +
	"johannesburg|karachi|kyiv|lagos|leeds|leicester|leipzig|lima|lisbon|lisboa|liverpool|london|lyon|madrid|málaga|malaga|manchester|" +
	"manila|marseille|melbourne|memphis|miami|milan|milano|minneapolis|montreal|moscow|mumbai|munich|münchen|nairobi|naples|nashville|" +
	"newcastle|nottingham|nuremberg|orlando|oslo|ottawa|oxford|paris|perth|philadelphia|phoenix|pittsburgh|porto|portland|prague|" +
	"quebec|rome|roma|rotterdam|sacramento|salvador|santiago|seattle|seoul|seville|sevilla|shanghai|sheffield|southampton|stockholm|" +
	"stuttgart|sydney|tampa|tokyo|toronto|toulouse|turin|torino|valencia|vancouver|venice|vienna|wien|warsaw|zurich|zürich|" +
	"new york|los angeles|san francisco|san diego|san antonio|san jose|las vegas|new orleans|fort worth|salt lake city|kansas city|" +
	"são paulo|sao paulo|rio de janeiro|belo horizonte|porto alegre|buenos aires|mexico city|cape town|tel aviv|kuala lumpur|"
