package journey

import (
	"slices"
	"strings"
	"testing"
)

// TestPromisesInOtherLanguages: what agents say who promise, and what others say
// with the same words: questions, denials, what was done, and what the customer
// is to do.
func TestPromisesInOtherLanguages(t *testing.T) {
	for language, sentences := range map[string]map[string]string{
		"de": {
			"Ich rufe Sie morgen früh zurück.":                                            "call back",
			"Keine Sorge, wir erstatten Ihnen den Betrag bis Freitag.":                    "refund",
			"Der Betrag wird Ihnen innerhalb von drei Tagen gutgeschrieben.":              "refund",
			"Ich werde Ihnen heute noch eine Bestätigung schicken.":                       "send",
			"Ich schicke Ihnen gerne ein Ersatzgerät, also: ich schicke Ihnen ein neues.": "replacement send",
			"Ein Techniker kommt am Montag vorbei.":                                       "technician",
			"Wir melden uns bei Ihnen, sobald wir mehr wissen.":                           "update",
			"Ich leite Ihren Fall an meinen Vorgesetzten weiter.":                         "escalation",
			"Ihr Paket wird morgen zugestellt.":                                           "delivery",
			"Ich storniere den Vertrag noch heute.":                                       "cancellation",
			"Ich werde Sie nicht zurückrufen können.":                                     "",
			"Soll ich Sie zurückrufen?":                                                   "",
			"Wir haben Ihnen den Betrag gestern erstattet.":                               "",
			"Sie können uns jederzeit anrufen.":                                           "",
			"Leider erstatten wir keine Versandkosten.":                                   "",
			"Bitte schicken Sie uns ein Foto.":                                            "",
			"Das Paket wurde am Dienstag geliefert.":                                      "",
			"Einen Moment bitte, ich sehe nach.":                                          "",
			"Haben Sie uns schon geschrieben, wann das Gerät kaputtgegangen ist.":         "",
		},
		"es": {
			"Le llamaré mañana por la tarde.":                               "call back",
			"No se preocupe, le devolveremos el importe antes del viernes.": "refund",
			"Recibirá el reembolso en tres días.":                           "refund",
			"Voy a enviarle un correo con la etiqueta.":                     "send",
			"Le enviaremos un nuevo router.":                                "replacement",
			"Un técnico pasará el lunes.":                                   "technician",
			"Me pondré en contacto con usted.":                              "update",
			"Vamos a cancelar el contrato hoy mismo.":                       "cancellation",
			"Le aplicaré un descuento en la próxima factura.":               "price",
			"No le llamaré más.":                                            "",
			"¿Quiere que le llamemos? ¿Le llamaremos mañana?":               "",
			"Le llamo de la tienda para confirmar su pedido.":               "",
			"Ya le hemos enviado el correo.":                                "",
			"Puede llamarnos cuando quiera.":                                "",
			"Tiene que enviar el paquete a esta dirección.":                 "",
			"Ayer cancelamos su contrato.":                                  "",
			"No podemos reembolsar los gastos de envío.":                    "",
			"Un momento, por favor.":                                        "",
		},
		"fr": {
			"Je vous rappellerai demain matin.":                              "call back",
			"Ne vous inquiétez pas, nous vous rembourserons avant vendredi.": "refund",
			"Vous recevrez votre remboursement sous trois jours.":            "refund",
			"Je vais vous envoyer un mail avec l'étiquette.":                 "send",
			"Nous vous enverrons un nouveau boîtier.":                        "replacement",
			"Un technicien passera lundi.":                                   "technician",
			"Je reviens vers vous dès que possible.":                         "update",
			"Je m'en occupe personnellement.":                                "fix",
			"Nous allons annuler la commande.":                               "cancellation",
			"Je ne vous rappellerai pas.":                                    "",
			"Voulez-vous que je vous rappelle ?":                             "",
			"Je vous rappelle que la facture est due le 3.":                  "",
			"Nous vous avons remboursé hier.":                                "",
			"Vous pouvez nous appeler à tout moment.":                        "",
			"Il faut envoyer le colis à cette adresse.":                      "",
			"Nous ne pouvons pas rembourser les frais de port.":              "",
			"Votre colis est arrivé mardi.":                                  "",
			"Un instant, je regarde.":                                        "",
		},
		"pt-BR": {
			"Vou ligar para o senhor amanhã.":                    "call back",
			"Não se preocupe, vamos devolver o valor até sexta.": "refund",
			"Você vai receber o reembolso em três dias.":         "refund",
			"Enviaremos um novo aparelho.":                       "replacement",
			"Vou lhe enviar um e-mail com a etiqueta.":           "send",
			"O técnico irá na segunda-feira.":                    "technician",
			"Entraremos em contato assim que possível.":          "update",
			"Vou cancelar o contrato agora.":                     "cancellation",
			"Seu pedido chegará na quinta.":                      "delivery",
			"Não vou ligar mais.":                                "",
			"Quer que eu ligue amanhã?":                          "",
			"Já enviamos o e-mail ontem.":                        "",
			"O senhor pode ligar quando quiser.":                 "",
			"É preciso enviar o pacote para este endereço.":      "",
			"Não podemos reembolsar o frete.":                    "",
			"Cancelamos o contrato ontem.":                       "",
			"Um momento, por favor.":                             "",
			"O pedido chegou na terça.":                          "",
		},
		"it": {
			"La richiamerò domani mattina.":                    "call back",
			"Non si preoccupi, la rimborseremo entro venerdì.": "refund",
			"Riceverà il rimborso entro tre giorni.":           "refund",
			"Le invio subito una mail con l'etichetta.":        "send",
			"Le manderemo un nuovo modem.":                     "replacement",
			"Il tecnico passerà lunedì.":                       "technician",
			"Le farò sapere appena possibile.":                 "update",
			"Provvederò subito ad annullare il contratto.":     "cancellation",
			"Me ne occupo personalmente.":                      "fix",
			"Non la richiamerò più.":                           "",
			"Vuole che la richiami? La richiamerò domani?":     "",
			"Le abbiamo già inviato la mail.":                  "",
			"Può chiamarci quando vuole.":                      "",
			"Deve inviare il pacco a questo indirizzo.":        "",
			"Non possiamo rimborsare le spese di spedizione.":  "",
			"Ieri abbiamo annullato il contratto.":             "",
			"Un attimo, per favore.":                           "",
			"Il pacco è arrivato martedì.":                     "",
		},
		"nl": {
			"Ik bel u morgenochtend terug.":                          "call back",
			"Geen zorgen, we storten het bedrag voor vrijdag terug.": "refund",
			"Het bedrag wordt binnen drie dagen teruggestort.":       "refund",
			"Ik zal u vandaag nog een bevestiging sturen.":           "send",
			"Wij sturen u een nieuwe router.":                        "replacement",
			"De monteur komt maandag.":                               "technician",
			"Ik neem morgen contact met u op.":                       "update",
			"We gaan het contract vandaag opzeggen.":                 "cancellation",
			"Ik laat het u zo snel mogelijk weten.":                  "update",
			"Ik zal u niet terugbellen.":                             "",
			"Zal ik u morgen terugbellen?":                           "",
			"We hebben u gisteren een mail gestuurd.":                "",
			"U kunt ons altijd bellen.":                              "",
			"Wilt u het pakket naar dit adres sturen.":               "",
			"Verzendkosten vergoeden we niet.":                       "",
			"Het pakket is dinsdag bezorgd.":                         "",
			"Een ogenblik alstublieft.":                              "",
			"Laat ons weten of het werkt.":                           "",
		},
	} {
		held := 0
		for text, want := range sentences {
			if got := strings.Join(promises(text, language), " "); got != want {
				t.Errorf("%s: %q promises %q, want %q", language, text, got, want)
			}
			if want != "" {
				held++
			}
			if got := promises(text, "tr"); got != nil {
				t.Errorf("%q promises %q in another language", text, got)
			}
		}
		if held < 8 || len(sentences)-held < 8 {
			t.Errorf("%s: %d promises and %d that are none", language, held, len(sentences)-held)
		}
	}
	if got := promises("Claro, le llamaré. I will refund you.", "es"); !slices.Equal(got, []string{"call back", "refund"}) {
		t.Errorf("English in between: %q", got)
	}
}

// TestTongues: every row of every language can be found, and names one of the
// deeds that English has.
func TestTongues(t *testing.T) {
	known := map[string]bool{}
	for _, d := range tongueTable[0].deeds {
		known[d.about] = true
	}
	for _, language := range tongueTable {
		if len(language.deeds) != len(known) {
			t.Errorf("%s has %d kinds of deeds, want %d", language.code, len(language.deeds), len(known))
		}
		for _, d := range language.deeds {
			if !known[d.about] {
				t.Errorf("%s: English has no %q", language.code, d.about)
			}
			for _, row := range [][]string{d.does, d.comes, d.said, language.will, language.yours, language.soft, language.denies} {
				for _, words := range row {
					if spoken := strings.ReplaceAll(words, " … ", " "); phrase(spoken) != " "+spoken+" " {
						t.Errorf("%s, %s: %q is not written as words are looked up", language.code, d.about, words)
					}
				}
			}
			for _, words := range d.said {
				if got := promises(strings.ReplaceAll(words, "…", "x"), language.code); len(got) == 0 {
					t.Errorf("%s, %s: %q is not found", language.code, d.about, words)
				}
			}
		}
	}
}
