package entity_test

import (
	"strings"
	"testing"
	"time"

	"throughline/event"
	"throughline/nlp/entity"
)

// A Sunday, 22 November 2026.
func sunday() time.Time { return time.Date(2026, 11, 22, 15, 4, 0, 0, time.UTC) }

func found(f *entity.Finder, text, language string) string {
	var out []string
	for _, e := range f.Find(event.Turn{Text: text, At: sunday(), Language: language}) {
		if text[e.Start:e.End] != e.Text {
			return "span is not the text"
		}
		out = append(out, e.Type+" "+e.Text+" = "+e.Value)
	}
	return strings.Join(out, "; ")
}

func TestFind(t *testing.T) {
	f := entity.NewFinder(map[string][]string{"Router X2": {"the x2 router"}, "Router": nil})
	for text, want := range map[string]string{
		"":                                          "",
		"I paid €120.50 for it":                     "AMOUNT €120.50 = 120.50 EUR",
		"it was 1.234,50 euros":                     "AMOUNT 1.234,50 euros = 1234.50 EUR",
		"that is $1,200, not $12":                   "AMOUNT $1,200 = 1200.00 USD; AMOUNT $12 = 12.00 USD",
		"custou R$ 49,90":                           "AMOUNT R$ 49,90 = 49.90 BRL",
		"two hundred and forty five dollars":        "AMOUNT two hundred and forty five dollars = 245.00 USD",
		"twenty pounds and fifty pence":             "AMOUNT twenty pounds and fifty pence = 20.50 GBP",
		"5 thousand euros":                          "AMOUNT 5 thousand euros = 5000.00 EUR",
		"I have 3 questions":                        "",
		"twenty-five dollars":                       "AMOUNT twenty-five dollars = 25.00 USD",
		"two million five hundred thousand dollars": "AMOUNT two million five hundred thousand dollars = 2500000.00 USD",
		"$1.25 million":                             "AMOUNT $1.25 million = 1250000.00 USD",
		"999999 million dollars":                    "AMOUNT 999999 million dollars = 999999000000.00 USD",
		"j'ai payé 1 234,50 €":                      "AMOUNT 1 234,50 € = 1234.50 EUR",
		"€ 1\u202f234\u202f567":                     "AMOUNT € 1\u202f234\u202f567 = 1234567.00 EUR",
		"it costs 1’200 CHF":                        "AMOUNT 1’200 CHF = 1200.00 CHF",
		"room 12 or 345 euros":                      "AMOUNT 345 euros = 345.00 EUR",
		"2026/12/01":                                "DATE 2026/12/01 = 2026-12-01",
		"na segunda-feira, não na terça feira":      "DATE segunda-feira = 2026-11-23; DATE terça feira = 2026-11-24",
		"comprei na segunda-feira":                  "DATE segunda-feira = 2026-11-16",
		"account number: 4432 1199 22":              "ACCOUNT 4432 1199 22 = 4432119922",
		"order 48213 2 items":                       "ORDER 48213 = 48213",
		"my name's Peter":                           "PERSON Peter = Peter",
		"Ms Anne-Marie Smith":                       "PERSON Anne-Marie Smith = Anne-Marie Smith",
		"Rio de Janeiro - Rome":                     "PLACE Rio de Janeiro = Rio de Janeiro; PLACE Rome = Rome",
		"on 2026-12-01":                             "DATE 2026-12-01 = 2026-12-01",
		"the 3rd of May":                            "DATE 3rd of May = 2027-05-03",
		"November 22, 2025":                         "DATE November 22, 2025 = 2025-11-22",
		"22 de noviembre de 2025":                   "DATE 22 de noviembre de 2025 = 2025-11-22",
		"I may come":                                "",
		"tomorrow or the day after tomorrow":        "DATE tomorrow = 2026-11-23; DATE day after tomorrow = 2026-11-24",
		"come on Friday":                            "DATE Friday = 2026-11-27",
		"I ordered it on Friday":                    "DATE Friday = 2026-11-20",
		"last Friday, next friday":                  "DATE last Friday = 2026-11-20; DATE next friday = 2026-11-27",
		"in 3 days":                                 "DATE in 3 days = 2026-11-25",
		"two weeks ago":                             "DATE two weeks ago = 2026-W45",
		"a couple of months ago, last year":         "DATE a couple of months ago = 2026-09; DATE last year = 2025",
		"31/12/2026":                                "DATE 31/12/2026 = 2026-12-31",
		"31/02/2026":                                "",
		"my order number is A-48213-X":              "ORDER A-48213-X = A-48213-X",
		"order #48213 please":                       "ORDER 48213 = 48213",
		"order number is four five double two nine": "ORDER four five double two nine = 45229",
		"my account is 55120987":                    "ACCOUNT 55120987 = 55120987",
		"1Z999AA10123456784":                        "TRACKING 1Z999AA10123456784 = 1Z999AA10123456784",
		"order on 12/11/2026":                       "DATE 12/11/2026 = 2026-11-12",
		"my card is [CARD] and order [ORDER:9]":     "",
		"my name is Anna Silva, hello":              "PERSON Anna Silva = Anna Silva",
		"This is Marco speaking":                    "PERSON Marco = Marco",
		"This is Ridiculous":                        "",
		"Mr Weber from São Paulo":                   "PERSON Weber = Weber; PLACE São Paulo = São Paulo",
		"I am in New York, not London":              "PLACE New York = New York; PLACE London = London",
		"the X2 router and a router x2, a router":   "PRODUCT the X2 router = Router X2; PRODUCT router x2 = Router X2; PRODUCT router = Router",
		"€": "", "$$$ 9": "AMOUNT $ 9 = 9.00 USD", "99999999999999999999 euros": "",
		"\x00\xff 5 \xfe euros": "",
	} {
		if got := found(f, text, "en"); got != want {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
	if got := found(f, "due 3/4/2026", "en-US"); got != "DATE 3/4/2026 = 2026-03-04" {
		t.Errorf("American date: %s", got)
	}
	if got := found(f, "due 3/4/2026", "pt"); got != "DATE 3/4/2026 = 2026-04-03" {
		t.Errorf("date with the day first: %s", got)
	}
}

func TestLongTextsAreBounded(t *testing.T) {
	var f entity.Finder
	got := f.Find(event.Turn{Text: strings.Repeat("order 12345 for €5 tomorrow in Rome ", 600), At: sunday()})
	if len(got) == 0 || len(got) > 200 {
		t.Errorf("%d entities", len(got))
	}
}

func FuzzFind(f *testing.F) {
	for _, seed := range []string{"€1.2,3", "order double double", "[CARD] 5 euros", "next", "3rd of", "in a couple of", "two hundred thousand and"} {
		f.Add(seed)
	}
	finder := entity.NewFinder(map[string][]string{"Thing": {"a thing"}})
	f.Fuzz(func(t *testing.T, text string) {
		end := 0
		for _, e := range finder.Find(event.Turn{Text: text, At: sunday()}) {
			if e.Start < end || e.End > len(text) || text[e.Start:e.End] != e.Text {
				t.Fatalf("entity %+v after %d", e, end)
			}
			end = e.End
		}
	})
}

func BenchmarkFind(b *testing.B) {
	var f entity.Finder
	turn := event.Turn{At: sunday(), Text: "I ordered a blue jacket for €59.90 last Monday and it still has not arrived, my order number is A-48213, please check"}
	b.ReportAllocs()
	for b.Loop() {
		f.Find(turn)
	}
}

// The longest text, full of what is found: half a second a turn when each entity was
// held against all others.
func BenchmarkFindLongest(b *testing.B) {
	var f entity.Finder
	turn := event.Turn{At: sunday(), Text: strings.Repeat("Rome ", 13000)}
	for b.Loop() {
		f.Find(turn)
	}
}
