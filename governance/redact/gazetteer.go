package redact

import (
	"strings"
	"sync"
)

// gazetteer says what kind of name w usually is: a first name, a country, a
// nationality, a word of street names or of companies. Lists are short and our
// own; they help the tagger with words that it has not met.
func gazetteer(w string) string { return gazetteers()[w] }

var gazetteers = sync.OnceValue(func() map[string]string {
	m := map[string]string{}
	for _, list := range [...]struct{ kind, words string }{
		{"first", `james john robert michael william david richard joseph thomas charles christopher daniel matthew anthony mark donald steven paul
andrew joshua kenneth kevin brian george edward ronald timothy jason jeffrey ryan jacob gary nicholas eric jonathan stephen larry justin scott brandon
benjamin samuel gregory frank alexander raymond patrick jack dennis jerry tyler aaron jose adam nathan henry douglas zachary peter kyle walter ethan
jeremy harold keith christian roger noah gerald carl terry sean austin arthur lawrence jesse dylan bryan joe jordan billy bruce albert willie gabriel
mary patricia jennifer linda elizabeth barbara susan jessica sarah karen lisa nancy betty margaret sandra ashley kimberly emily donna michelle carol
amanda dorothy melissa deborah stephanie rebecca sharon laura cynthia kathleen amy angela shirley anna brenda pamela emma nicole helen samantha
katherine christine debra rachel carolyn janet catherine maria heather diane ruth julie olivia joyce virginia victoria kelly lauren christina joan
evelyn judith megan andrea cheryl hannah jacqueline martha gloria teresa ann sara madison frances kathryn janice jean abigail alice julia judy sophia
grace denise amber doris marilyn danielle beverly isabella theresa diana natalie brittany charlotte marie kayla alexis lori oliver harry charlie oscar
leo arthur theo freddie alfie archie isla ava mia poppy ella lily freya hans karl heinz jürgen klaus wolfgang dieter uwe andreas stefan matthias jens
lukas jonas felix leon paul finn ben elias ursula monika petra sabine renate helga karin brigitte ingrid erika claudia susanne lena lea marie sophie
jean pierre michel andré philippe rené louis alain jacques bernard marcel daniel françois nathalie isabelle sylvie catherine françoise nicole monique
antonio josé manuel francisco juan pedro luis carlos javier miguel rafael alejandro pablo sergio diego jorge alberto raúl carmen ana isabel dolores
pilar teresa rosa josefa cristina lucía sofía joão paulo marcos lucas mateus gustavo rodrigo felipe bruno thiago rafaela juliana fernanda camila larissa
beatriz gabriela letícia mariana giuseppe giovanni luigi mario roberto stefano marco andrea francesco alessandro lorenzo matteo giulia chiara francesca
elena valentina martina jan piet willem kees sanne daan bram anouk lars erik sven nils björn anders ingrid astrid olav mikko juha matti anna krzysztof
piotr andrzej tomasz paweł jakub katarzyna agnieszka małgorzata ivan dmitri sergei alexei vladimir natalia olga svetlana tatiana irina mohammed ahmed
ali hassan omar youssef fatima aisha leila zainab wei li ming hiroshi takashi yuki kenji sakura raj amit sanjay priya anita deepa sunita vijay`},
		{"country", `afghanistan albania algeria andorra angola argentina armenia australia austria azerbaijan bahamas bahrain bangladesh barbados belarus
belgium belize benin bhutan bolivia bosnia botswana brazil brunei bulgaria burundi cambodia cameroon canada chad chile china colombia comoros congo
croatia cuba cyprus czechia denmark djibouti dominica ecuador egypt eritrea estonia ethiopia fiji finland france gabon gambia georgia germany ghana
greece grenada guatemala guinea guyana haiti honduras hungary iceland india indonesia iran iraq ireland israel italy jamaica japan jordan kazakhstan
kenya kiribati kosovo kuwait kyrgyzstan laos latvia lebanon lesotho liberia libya liechtenstein lithuania luxembourg macedonia madagascar malawi
malaysia maldives mali malta mauritania mauritius mexico micronesia moldova monaco mongolia montenegro morocco mozambique myanmar namibia nauru nepal
netherlands nicaragua niger nigeria norway oman pakistan palau panama paraguay peru philippines poland portugal qatar romania russia rwanda samoa
senegal serbia seychelles singapore slovakia slovenia somalia spain sudan suriname swaziland sweden switzerland syria taiwan tajikistan tanzania
thailand togo tonga tunisia turkey turkmenistan tuvalu uganda ukraine uruguay usa uzbekistan vanuatu vatican venezuela vietnam yemen zambia zimbabwe
england scotland wales texas california florida ohio london paris berlin madrid rome lisbon vienna amsterdam brussels dublin chicago boston seattle
tokyo sydney toronto mumbai delhi`},
		{"nation", `american british english scottish welsh irish french german spanish italian portuguese dutch belgian swiss austrian swedish norwegian
danish finnish icelandic polish czech slovak slovenian croatian serbian bosnian hungarian romanian bulgarian greek turkish russian ukrainian
belarusian lithuanian latvian estonian georgian armenian israeli arab egyptian moroccan tunisian algerian libyan sudanese ethiopian kenyan nigerian
ghanaian senegalese african canadian mexican cuban brazilian argentinian argentine chilean peruvian colombian venezuelan bolivian uruguayan
paraguayan ecuadorian chinese japanese korean vietnamese thai indian pakistani bangladeshi nepalese iranian iraqi syrian lebanese jordanian saudi
afghan indonesian malaysian filipino australian muslim christian jewish catholic protestant buddhist hindu sikh democrat republican asian european`},
		{"street", `street str st road rd avenue ave av lane ln drive dr boulevard blvd court ct place pl square sq terrace way close crescent highway
hwy parkway row walk gardens grove hill rue via viale piazza calle avenida rua travessa straße strasse gasse weg platz allee straat laan plein
gata gatan gade vej väg vägen katu tie utca út útja ulica ul aleja prospekt apt apartment suite unit floor flat box po psc building`},
		{"company", `inc llc ltd plc corp corporation company co gmbh ag sa srl bv nv oy ab group holdings partners associates bank consulting solutions
systems technologies insurance services industries foundation university institute`},
		{"title", `mr mrs ms miss dr prof sir madam mister doctor professor herr frau señor señora monsieur madame`},
		{"month", `january february march april may june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec
monday tuesday wednesday thursday friday saturday sunday today tomorrow yesterday`},
	} {
		for _, w := range strings.Fields(list.words) {
			if m[w] == "" { // "jordan", "virginia": the first list wins
				m[w] = list.kind
			}
		}
	}
	return m
})
