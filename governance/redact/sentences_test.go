package redact

import (
	"math/rand/v2"
	"regexp"
	"strings"
)

// sentences are our own, with slots that training fills with names of the
// development files: they show the tagger more ways to speak of people, places
// and addresses than the templates of the set do. Those without slots show what
// is no name although it looks like one.
var sentences = strings.Split(strings.TrimSpace(`
Hi, this is {PERSON} calling about my order
Hello, {PERSON} here from {ORGANIZATION}
You are speaking with {PERSON}, how can I help you today?
Could you put me through to {PERSON} in {PLACE}, please?
I spoke to {PERSON} yesterday and she promised to call back
{PERSON} and {PERSON} both live in {PLACE}
The account is held by {PERSON} and {PERSON}
Please tell {PERSON} that the parcel came back
My husband {PERSON} ordered it, not me
My daughter {PERSON} is {AGE} years old and lives with me
I am {AGE} years old and I have never seen anything like it
She is {AGE}, he is {AGE}
At the age of {AGE} he moved to {PLACE}
Happy birthday, {PERSON}! You are {AGE} now
When I was {AGE} we left {PLACE} for good
A {AGE} year old man from {PLACE} was arrested on Monday, {ORGANIZATION} reported
Dear {TITLE} {PERSON}, thank you for writing to us
{TITLE} {PERSON} is on the other line
Kind regards,\n{PERSON}\n{ORGANIZATION}
Best,\n{PERSON}
Thanks {PERSON}!
Thank you, {TITLE} {PERSON}, is there anything else?
My name's {PERSON}, that's how it is spelled in my passport
name: {PERSON}, city: {PLACE}, zip: {ZIP}
First name {PERSON}, last name {PERSON}
Full name: {PERSON}\nDate of birth: {DATE_TIME}
Customer {PERSON} was born on {DATE_TIME} in {PLACE}
"I never ordered this," said {PERSON}, a teacher from {PLACE}.
{PERSON} told {ORGANIZATION} that the flight to {PLACE} had been cancelled
According to {PERSON}, the {GROUP} team lost in {PLACE}
{PERSON}'s brother works for {ORGANIZATION}
{PERSON}'s new album was recorded in {PLACE} in {DATE_TIME}
The {GROUP} singer {PERSON} played in {PLACE} on {DATE_TIME}
The {GROUP} minister met {PERSON} in {PLACE}
I love {GROUP} food, and the {GROUP} people are so kind
Are you {GROUP}? No, I am {GROUP}
He speaks with a {GROUP} accent
{ORGANIZATION} has opened a new office in {PLACE}
{ORGANIZATION} was bought by {ORGANIZATION} in {DATE_TIME}
Shares of {ORGANIZATION} fell after {PERSON} left
The invoice from {ORGANIZATION} is wrong
I work at {ORGANIZATION}
I used to be a customer of {ORGANIZATION} but now I am with {ORGANIZATION}
My employer is {ORGANIZATION}, based in {PLACE}
{ORGANIZATION}, {ORGANIZATION} and {ORGANIZATION} all raised their prices
{PERSON} is the head of {ORGANIZATION}
{PERSON} ({ORGANIZATION}) and {PERSON} ({ORGANIZATION}) will join the call
Since {DATE_TIME} {PERSON} has been working for {ORGANIZATION} as a {TITLE}
I am a {TITLE} and I work nights
She works as a {TITLE} at {ORGANIZATION}
My job title is {TITLE}
We are flying from {PLACE} to {PLACE} next week
The hotel in {PLACE} was lovely
What is the weather like in {PLACE}?
I was born in {PLACE} but grew up in {PLACE}
Do you deliver to {PLACE}?
Greetings from {PLACE}!
{PLACE} is beautiful in spring
The train to {PLACE} leaves at nine
{PLACE}, {PLACE}
We have shops in {PLACE}, {PLACE} and {PLACE}
He studied at the University of {PLACE}
The government of {PLACE} has said nothing
Welcome to {PLACE}
I live in {PLACE}, {PLACE}
The Embassy of {PLACE} in {PLACE} is closed
the mayor of {PLACE} spoke to the crowd
Northern {PLACE} was hit hardest
My postcode is {ZIP}
The zip code is {ZIP} and the city is {PLACE}
I live in {PLACE}, {ZIP}
Postal code: {ZIP}
{PLACE} {ZIP} is where I stay
I live at {LONG}
My address is {LONG}
please deliver it to {LONG}
The parcel should go to {LONG}, not to {LONG}
Ship to: {LONG}
Where do you live? I live at {LONG}
The new office is at {LONG}.
Could you change my address to {LONG}?
Send the refund to {PERSON}, {LONG}
Our shop: {LONG}
The technician went to {LONG} by mistake
Pick me up at {LONG} at eight
There was an accident near {LONG}
The restaurant at {LONG} is closed on Monday
My billing address is {LONG} and my name is {PERSON}
{PERSON}\n{NUMBER} {STREET}\n{UNIT}\n{PLACE}\n{PLACE} {NUMBER}
{PERSON}\n{ORGANIZATION}\n{NUMBER} {STREET}\n{UNIT}\n{PLACE}\n{PLACE} {NUMBER}
{TITLE} {PERSON}\n{NUMBER} {STREET} {UNIT}\n{PLACE} {PLACE} {ZIP}
* {PERSON}\n* {ORGANIZATION}\n* {NUMBER} {STREET}\n* {UNIT}\n* {PLACE}\n* {PLACE} {NUMBER}
| {PERSON}\n| {ORGANIZATION}\n| {PERSON}\n| {NUMBER} {STREET}\n| {UNIT}\n| {PLACE}\n| {PLACE} {NUMBER}
To {PERSON}\n\n{NUMBER} {STREET}\n{UNIT}\n{PLACE}\n\n{PLACE} {NUMBER}
{PERSON}\n{ORGANIZATION}\n{LONG}\nTel. 020 7946 0123
{PERSON}\n\n{NUMBER} {STREET}\n{UNIT}\n{PLACE}\n{PLACE} {NUMBER}\n030 1234567 home\n030 7654321 work
- {PERSON}\n- {NUMBER} {STREET}\n- {UNIT}\n- {PLACE}\n- {PLACE} {NUMBER}
{ORGANIZATION}\n{NUMBER} {STREET}\n{UNIT}\n{PLACE}\n{PLACE} {NUMBER}
Address: {LONG}
Please send the new card for {PERSON} to {LONG}? I am in {PLACE} now
Here is where I live: {LONG}. And my parents: {LONG}
It happened on {DATE_TIME}
I bought it in {DATE_TIME}
My contract runs until {DATE_TIME}
The call was on {DATE_TIME} with {PERSON}
Time: {DATE_TIME}\nPlace: {PLACE}
from {DATE_TIME} to {DATE_TIME}
The war began in {DATE_TIME} and ended in {DATE_TIME}
Can you check the booking for {PERSON} on {DATE_TIME}?
Add {PERSON} to the list
I want to pay {PERSON} back
The song is by {PERSON}, not by {PERSON}
Have you met {PERSON}? Yes, {PERSON} introduced us
{PERSON} won again
{PERSON}: Hello?\n{PERSON}: Hi, is {PERSON} there?
The report was written by {PERSON}, {PERSON} and {PERSON}
Ask {PERSON} or {PERSON}
Directed by {PERSON}, with {PERSON}
He looked at {PERSON} and smiled
Is {PERSON} in today?
I think {PERSON} is wrong about this
Who is {PERSON}?
{PERSON}, you are late
Let me speak to your manager, I want a Refund
I need help with my Internet. It does not work
Your App is broken since the last Update
Can I pay with Visa or with PayPal?
The Terms and Conditions are too long
Nobody answers. Nobody ever does. What a Company!
Please cancel my subscription, the Service is bad
WHY IS NOBODY ANSWERING MY QUESTION
I have been waiting for three weeks and 2 days now
The Number of the Beast is a great Song
In the first half of the year sales grew by 12%
My order is 10 days late and I paid 25 dollars for express
Is there an ATM in the station?
Top 10 Albums of the Year
We are the Champions
Can you reset my password? I am locked out
There are 5 people on the account and 3 cards
I called 4 times in 2 weeks
He got 8 years in prison for it
Error 404: Page Not Found
Good Morning, I would like to know the balance of my account
The Manager said that Wisdom comes with Age
Section 5 of the Act says that customers can cancel
Unfortunately, {PERSON} never replied
However, {ORGANIZATION} says the opposite
Honestly? {PERSON} was the best of them
Producer {PERSON} said it was "a small miracle"
Singer {PERSON} and drummer {PERSON} left the band in {DATE_TIME}
Actress {PERSON} was seen in {PLACE}
Agent {PERSON} could not help me
Doctor {PERSON} is on holiday
The {PERSON} tour starts in {PLACE}
The {PERSON} biography has sold a million copies
The {ORGANIZATION} board met in {PLACE}
The {ORGANIZATION} website is down again
a {ORGANIZATION} spokesman said so
{ORGANIZATION} engineer {PERSON} found the fault
{ORGANIZATION} customers are angry
Last year I was at {ORGANIZATION}, then at {ORGANIZATION}
The three winners are {PERSON}, {PERSON} and {PERSON}
Nominees: {PERSON}, {PERSON}, {PERSON}
We had two: {PERSON} and {PERSON}
{PERSON}, {PERSON}, and {PERSON} were there
Once upon a time {PERSON} lived in {PLACE}
Old {PERSON} never came back to {PLACE}
The guests arrived at {PLACE} late at night
They returned to {PLACE} by boat
Life in {PLACE} is cheap
The people of {PLACE} are friendly
The {PLACE} tower is falling apart
The {PLACE} police have found the car
{PLACE} president resigns
Live from {PLACE}: The Evening Show
Eastern {PLACE} and western {PLACE}
It is a film about {PLACE}, {PERSON} and love
The Queen of Hearts came in and Everybody laughed
Rock and Roll will never die, My Friend
Guilty or Not Guilty? The Lovers of the Bridge
Comedy, Drama, Crime & Thriller
Experienced and motivated Nurse with 12 years of practice. Employee of the Month twice.
The Easter Bunny and Santa Claus met on Christmas Day
On Sunday after Labour Day the Pool is closed
Dragons, Elves and Wizards are not real
Chapter 4: The Lost Garden
"Yellow House" and "The Long Night" are my favourite songs
The French Revolution and the Cold War
English is my second language. I studied Spanish and German
An Italian restaurant and an Indian one
We are {GROUP} and proud of it
the {GROUP} government has resigned
A {GROUP} friend of mine
Proud to be {GROUP}!
a {GROUP} film by {PERSON}
the {GROUP} football player {PERSON}
Agent: Who am I speaking to? Customer: {PERSON}
Agent: What is your address? Customer: {LONG}
Bot: Please type your name. User: {PERSON}
Sir, Madam, To Whom It May Concern
Is it in the Box? It's in the Bag
{LONG}\n{PERSON}
{ORGANIZATION}\n{LONG}
{PERSON}\n\n{LONG}
{PERSON} {NUMBER} {STREET}, {PLACE}
The head office of {ORGANIZATION} is at {LONG}
{TITLE} {PERSON}, {AGE}, from {PLACE}
{TITLE} {PERSON} of {ORGANIZATION}
I was helped by {TITLE} {PERSON}
Retired {TITLE} {PERSON} turned {AGE} in {PLACE}
I'll be {AGE} next month
My mother is {AGE}
Patient is a {AGE} year old woman
Yes Sir, that is right. The Box is empty
`), "\n")

var slotName = regexp.MustCompile(`\{[A-Z_]+\}`)

// fill makes training examples of sentences with the names of set.
func fill(set []labelled, rng *rand.Rand, times int) []labelled {
	pool := map[string][]string{}
	for _, l := range set {
		runes := []rune(l.Text)
		for _, s := range l.Spans {
			v := string(runes[s.Start:s.End])
			kind := string(ours(s.Type))
			pool[kind] = append(pool[kind], v)
			if kind != "ADDRESS" {
				continue
			}
			digits, words := strings.ContainsAny(v, "0123456789"), len(strings.Fields(v))
			low := strings.ToLower(v)
			switch {
			case words == 1 && digits:
				pool["NUMBER"] = append(pool["NUMBER"], v)
			case strings.HasPrefix(low, "apt") || strings.HasPrefix(low, "suite") && words == 2:
				pool["UNIT"] = append(pool["UNIT"], v)
			case words >= 5:
				pool["LONG"] = append(pool["LONG"], v)
			case words > 1:
				pool["STREET"] = append(pool["STREET"], v)
				pool["LONG"] = append(pool["LONG"], v)
			}
		}
	}
	var out []labelled
	for _, s := range sentences {
		n := times
		if !strings.Contains(s, "{") {
			n = times / 3
		}
	again:
		for range n {
			var l labelled
			var b strings.Builder
			from := 0
			s := strings.ReplaceAll(s, `\n`, "\n")
			for _, at := range slotName.FindAllStringIndex(s, -1) {
				b.WriteString(s[from:at[0]])
				kind := s[at[0]+1 : at[1]-1]
				if len(pool[kind]) == 0 {
					continue again
				}
				v := pool[kind][rng.IntN(len(pool[kind]))]
				tp := kind
				switch kind {
				case "LONG", "NUMBER", "UNIT", "STREET":
					tp = "ADDRESS"
				}
				start := len([]rune(b.String()))
				b.WriteString(v)
				l.Spans = append(l.Spans, span{tp, start, start + len([]rune(v))})
				from = at[1]
			}
			b.WriteString(s[from:])
			l.Text, l.Masked = b.String(), s
			if low := strings.ToLower(l.Text); rng.IntN(6) == 0 && len([]rune(low)) == len([]rune(l.Text)) {
				l.Text = low
			}
			out = append(out, l)
		}
	}
	return out
}
