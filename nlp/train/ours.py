"""Customer-service turns of our own, labelled by how they were written.

Public sentiment sets hold opinions; callers mostly state what happened to them.
"Still no refund" has no sad word in it and is a complaint all the same."""

import pathlib
import random
import re

HELD = 5  # every fifth written turn only measures

SLOTS = {
    "thing": "order|parcel|card|refund|router|invoice|bill|booking|ticket|reservation|delivery|account|phone|laptop|"
             "contract|subscription|payment|claim|policy|suitcase|prescription|appointment|upgrade|replacement|password",
    "place": "app|website|store|branch|office|desk|hotline|chat|front desk|counter|warehouse|help line|portal",
    "who": "agent|driver|technician|manager|supervisor|cashier|rep|receptionist|clerk|engineer|advisor|crew|team|staff member",
    "long": "two hours|45 minutes|an hour and a half|three days|two weeks|a month|over an hour|forever|all day|all morning|"
            "six weeks|ten days|half a day|4 hrs|90 min",
    "n": "two|three|four|five|six|3|4|5|7|ten|a dozen",
    "day": "monday|tuesday|friday|yesterday|last week|this morning|last month|two days ago|thursday|tomorrow",
    "later": "tomorrow|monday|next week|tonight|friday|the weekend|next month|this afternoon",
    "money": "$40|£25|$200|60 dollars|€15|300 bucks|$1,200|£9.99|a hundred dollars|€80",
    "co": "@user|@user|you guys|your company|you|@user|",
    "broke": "broken|lost|damaged|late|delayed|cancelled|blocked|missing|stuck|locked|gone|declined|wrong|frozen|dead",
    "didthis": "cancelled|lost|broke|blocked|delayed|changed|damaged|closed|moved|forgot|sold",
    "dothat": "cancel|lose|change|block|move|delay",
    "ord": "third|fourth|second|fifth|tenth",
}

NEGATIVE = """
{co} still no {thing}
it's been {long} and still no {thing}
I have been on hold for {long}
{co} on hold for {long} now, is anybody there?
been waiting {long} for a {who} and nobody picked up
this is the {ord} time I'm calling about the same {thing}
{n} calls, {n} different answers
you said the {thing} would be here {day} and it isn't
my {thing} was supposed to come {day}
the {thing} was cancelled and nobody told us
{co} cancelled my {thing} without telling me
you lost my {thing} again
{co} lost my {thing} and nobody can tell me where it is
how do you lose a {thing}?
how is it possible that a {thing} takes {long}?
why does it take {long} to get a {thing}?
why do I have to explain this {n} times?
why was I charged {money} twice?
why am I paying {money} for a {thing} that does not work
I was charged {money} for a {thing} I never got
you took {money} from my account and I never ordered a {thing}
there's a {money} fee nobody mentioned
so I have to pay {money} because of your mistake?
the {thing} arrived broken
my {thing} came damaged and the {place} won't replace it
the {place} is down again
the {place} keeps crashing when I try to pay
the {place} won't let me change my {thing}
your {place} just hangs up on me
the {who} hung up on me
your {who} hung up on me after {long}
I got disconnected {n} times
the {who} was so rude
your {who} rolled her eyes at me
the {who} told me to call back {later}
nobody at the {place} knows anything
the {who} had no idea what I was talking about
no one answers the phone at the {place}
no one is helping us
no reply to my {n} emails
{co} no response for {long}
I sent {n} messages and got nothing back
still waiting
{co} still waiting for a call back
still waiting on my {thing}, {co}
nothing has changed since {day}
the {who} never showed up
I took a day off work and the {who} didn't come
we sat there for {long} with no information
stuck here for {long} because of you
we missed everything because your {thing} was late
{thing} delayed again
delayed {long} and no explanation
another delay, {co}, that's {n} this week
no apology, no explanation, nothing
this is not acceptable
that's not what I was promised
that is not good enough
this doesn't solve my problem
I am not happy about this
not impressed {co}
not a good start with {co}
never again {co}
I will never use {co} again
I'm done with {co}
I want to close my {thing} and go somewhere else
I'm switching to someone else after this
I want to speak to a {who} right now
I want my money back
give me my {money} back
please fix this, it's been {long}
can someone please help, I have been trying for {long}
{co} can you please answer your phones
is there anybody working at the {place}?
does anyone at your {place} actually work?
do you even read these messages?
what is the point of a {place} if nobody answers
worst {thing} I ever had
worst service ever {co}
horrible service from the {who}
terrible experience at the {place}
what a joke
what a mess
this is ridiculous
unbelievable {co}
you have got to be kidding me
thanks for nothing {co}
thanks for losing my {thing}
thanks for ruining our trip {co}
great, another {long} on hold
great job losing my {thing} {co}
wow, {long} on hold, love it
oh wonderful, the {place} is down again
nice, you charged me {money} twice
fantastic, now my {thing} is gone
awesome, {n} transfers and no answer 🙄
yeah right, sure you will
I guess my time means nothing to {co}
apparently {long} is normal for {co}
my {thing} has not been working for {long}
my {thing} won't activate
I can't get into my {thing} and the {place} is no help
I can't rebook, the {place} says no and the phone says no
you won't even let me talk to a {who}
the refund you promised is {money} short
I feel cheated
I'm really frustrated with this {thing}
so disappointed with {co}
I was told {n} different things by the {who}
that's the {ord} wrong {thing} you sent me
the wrong {thing} again
you sent me the wrong {thing}
I expected better from {co}
I shouldn't have to chase you for my {thing}
every time I call I get a different {who}
it worked until your {who} touched it
we are still sitting here
left us waiting {long} in the cold
seats were dirty and the {who} didn't care
and then you wonder why people leave
I have a {thing} to catch and nobody is at the {place}
{co} my {thing} was {broke} and now I have to wait {long}
{co} my {thing} is {broke}, what now?
{co} the {thing} got {broke} and I need help
{co} you {didthis} my {thing}, how do I get it back?
you {didthis} my {thing} and I found out from someone else
they {didthis} my {thing} and the {who} just shrugged
so you {didthis} my {thing} and now you want {money}?
I have a problem with my {thing} and can't reach anyone
{co} I can't reach anyone about my {thing}
{co} I can't get through, the line just drops
{co} your {place} says there is an error every time
{co} getting an error when I try to pay for my {thing}
{co} your {place} isn't working, I can't see my {thing}
{co} been trying to get a {thing} since {day}
{co} tried calling, tried the {place}, nothing
{co} can't believe I have to wait {long} for a {thing}
{co} when are you going to fix the {place}?
{co} when will I get my {thing}? it was due {day}
{co} where is my {thing}? it was due {day}
{co} where's my {thing}? nobody can tell me
{co} will anybody ever answer? {long} and counting
{co} how much longer do we have to wait?
{co} how long does it take to answer a phone?
{co} how hard is it to send a {thing}?
{co} why is the {place} closed when you say it's open?
{co} why can't the {who} see my {thing}?
{co} why do you keep changing my {thing}?
{co} why would you {dothat} a {thing} without asking?
{co} why no {who} at the {place}?
{co} what happened to customer service?
{co} what kind of company does that?
{co} your {who} said {n} days, it's been {long}
{co} you said {later}, then {day}, now nothing
{co} told me {n} days. that was {long} ago
{co} the {who} promised to call {day}. never did
{co} one {who} for the whole {place}, really
{co} line out the door at the {place} and one {who}
{co} waiting in line for {long} with {n} kids
{co} {long} late and counting
{co} already {long} late
{co} late again
{co} missed my {thing} because of your {who}
{co} going to miss my {thing} because of this
{co} had to buy a new {thing} because you {didthis} mine
{co} I had to pay {money} out of my own pocket
{co} now I am out {money}
{co} charging {money} for that is robbery
{co} {money} for a {thing}? no thanks
{co} your fees are out of control
{co} prices go up and service goes down
{co} you can't even get a {thing} right
{co} the {who} lied to me
{co} the {who} wouldn't help
{co} {who} refused to help with my {thing}
{co} your {who} made my mother cry
{co} not one {who} apologised
{co} an apology would be nice
{co} how about an apology
{co} do better
{co} get it together
{co} fail
{co} epic fail with my {thing}
{co} you failed me today
{co} bad form
{co} poor service at the {place}
{co} very poor communication about the {thing}
{co} lack of communication is what gets me
{co} nobody informed us about the {thing}
{co} your policy makes no sense
{co} that policy is a scam
{co} that is not what your {place} says
{co} I have called {n} times since {day}
{co} {n} hours on the phone and no {thing}
{co} no one picks up. ever.
{co} it just rings and rings
{co} the call back option doesn't call back
{co} your automated system is useless
{co} the bot keeps sending me in circles
{co} automated reply again? I need a person
{co} copy and paste answers don't help me
{co} that link doesn't work
{co} I already did that, it does not work
{co} I already sent you that {n} times
{co} yes I did dm you, no answer
{co} dm sent {long} ago, still nothing
{co} you didn't answer my question
{co} that does not help me at all
{co} sorry doesn't get me my {thing}
{co} sorry isn't good enough
{co} empty seats everywhere and you won't move us
{co} made us check out at noon, room wasn't ready until 6
{co} the room smelled and the {who} laughed
{co} cold food, dirty table, slow {who}
{co} the internet has been out since {day}
{co} no signal for {long}
{co} no heating since {day} and nobody came
{co} power is out and your {place} is too
{co} my bag is in another city and I'm not
{co} sitting on the ground for {long}, no water, no news
{co} rebooked me on something that leaves {long} later
{co} lost a whole day of our holiday
{co} ruined my weekend
{co} you ruined her birthday
{co} I was a loyal customer until {day}
{co} after ten years I am leaving
{co} losing a customer today
{co} last time I buy a {thing} from you
{co} won't be coming back
{co} I want a refund for my {thing}
{co} refund me
{co} I need my {money} back, it's been {long}
{co} where is my refund?
{co} need help asap, {thing} is {broke} and I leave {later}
{co} please help! my {thing} is {broke}
{co} help, I'm stuck at the {place}
{co} stranded at the {place}, no {who} in sight
{co} disappointed
{co} disgusted
{co} annoyed that my {thing} is {broke} again
{co} so frustrating
{co} awful
{co} pathetic
{co} shame on you
{co} #fail
{co} #badservice
my {thing} is {broke} again
my {thing} has been {broke} since {day}
I think someone took {money} from my account
there is a charge of {money} I don't recognise
I was double charged
it says my {thing} doesn't exist
it still says pending after {long}
the {thing} you sent doesn't work
I was supposed to get a call {day}
I don't understand why this is so hard
😡 {co} fix my {thing}
ugh {co}
seriously {co}?
smh {co}
""".strip().splitlines()

NEUTRAL = """
where can I find my {thing} number?
{co} how do I change my {thing}?
{co} what time does the {place} open {later}?
can I change my {thing} to {later}?
can you tell me the status of my {thing}?
do you know when the {thing} will be available?
is there a fee for changing a {thing}?
I'd like to check on my {thing}
I'd like to book a {thing} for {later}
I'm calling about my {thing}
I need to update the address on my {thing}
{co} do you offer a {thing} for students?
{co} is the {place} open {later}?
what documents do I need for the {thing}?
how long does a {thing} usually take?
how much is a {thing}?
does the {thing} cost {money}?
what's the phone number of the {place}?
which {place} should I go to?
who do I contact about a {thing}?
could you send me the {thing} by email
could you please send me a link
please cancel my {thing}
please transfer me to a {who}
{co} sent you a message
{co} just sent you a dm with the {thing} number
{co} ok, will do
{co} ok I'll check the {place}
my {thing} number is 4 5 7 1
my name is on the {thing}
the {thing} is under my wife's name
yes, it's for two people
yes that's correct
no, that's all
no, that's fine
no, it's ok
no problem
that's fine
ok
okay
sure
alright
right
mm hmm
let me check
one moment
hold on a second
hello?
hi, is this the {place}?
good morning, I have a question about my {thing}
hello, I'm calling to ask about a {thing}
I got an email about my {thing}
I got a text saying the {thing} comes {later}
I paid {money} on {day}
I ordered it {day}
I have a {thing} with you since {day}
we will arrive {later}
I will call back {later}
it's a blue {thing}
it's the one with the {money} plan
{co} any update on the {thing}?
{co} are there seats left for {later}?
{co} do you ship to canada?
{co} looking for a {thing} for {later}
{co} will the {thing} be back in stock?
{co} is it possible to move my {thing} to {later}?
{co} can I bring a {thing}?
{co} what's the rule for a {thing}?
new {thing} from {co} http
{co} announces a new {thing} http
{co} do you have a phone number for the {place}?
{co} how many {thing}s can I have?
{co} can I use my {thing} abroad?
{co} can you dm me please?
{co} please follow so I can dm you
{co} dm sent
{co} just sent it
{co} what is the cut off for {later}?
{co} is there a direct one to boston?
{co} how do I add my number to a {thing}?
{co} when does the new {thing} start?
{co} when do you release the summer {thing}?
{co} who should I ask about a job?
{co} does the {thing} include lunch?
{co} I'm here until {later}
{co} on my way to the {place}
{co} what about {later}?
{co} which {thing} do you mean?
{co} it was {day}, around noon
{co} thinking about getting a {thing}
{co} http
check out the {thing} from {co} http
thank you for calling, how can I help you?
can I have your account number please?
may I put you on hold for a moment?
I can see your {thing} here
the {thing} will arrive in {n} working days
you should receive a confirmation email
is there anything else I can help you with?
for that you need to visit the {place}
please restart the {thing} and wait two minutes
I'd like to speak with someone about a {thing}
can I get a {thing} instead?
the {place} asked for a code
is the {who} available {later}?
just wondering if the {thing} has shipped
just checking on my {thing}
I want to add another person to my {thing}
""".strip().splitlines()

POSITIVE = """
thank you so much
thanks {co}
thanks a lot for your help
thanks for the quick reply {co}
thank you, that's perfect
thanks, got it sorted
great, thank you
that's great, thanks
perfect
perfect, that works
awesome, thanks
wonderful, thank you
lovely, thank you very much
brilliant, cheers
that would be great
that sounds good
that works for me, thank you
that's very kind of you
you've been so helpful
the {who} was so helpful
your {who} was lovely
shout out to the {who} at your {place}
big thanks to the {who} who found my {thing}
the {who} went above and beyond
the {who} fixed it in five minutes
got my {thing} today, so happy
my {thing} arrived early
the {thing} came a day early, well done {co}
the {thing} works perfectly now
the new {place} is really easy to use
love the new {place} {co}
love my new {thing}
I love {co}
best {thing} I ever had
best service I've had in a long time
great service {co}
great {who} at the {place}
so impressed with {co}
that was easier than I thought
wow that was fast
wow, you answered right away
problem solved, thank you
I appreciate your help
really appreciate it
you made my day
I'm very happy with the {thing}
I will recommend {co} to everyone
can't wait for my {thing}
looking forward to {later} with {co}
so excited for the {thing}
you guys are the best
you rock {co}
keep up the good work {co}
glad to be your customer
that's a relief, thank you
no complaints, everything was smooth
not bad at all, thanks
couldn't be happier with my {thing}
got through in two minutes, amazing
they refunded me {money} without any fuss
{co} thank you!!
{co} thanks for getting us home
{co} thanks for the upgrade
{co} thanks to {who} who stayed late for my {thing}
{co} very smooth {thing} today
{co} good job today
{co} well done
{co} nice work on the new {place}
{co} you are awesome
{co} amazing {who} on my call today
{co} kudos to your {who}
{co} props to the {who} at the {place}
{co} that's how you treat a customer
{co} my new favourite
{co} excellent
{co} you have won a customer for life
{co} yes! got my {thing}
{co} yay {thing}
{co} beautiful {thing}
{co} appreciate the quick answer
{co} thanks, dm sent
{co} you guys never let me down
{co} happy to see the {thing} back
❤️ {co}
👍 thanks
😀 perfect
""".strip().splitlines()


# Intents of Banking77 that report a failure. Their texts are polite, and still
# nobody who writes one is content: two parts negative, one part neutral.
FAILURES = set("""Refund_not_showing_up balance_not_updated_after_bank_transfer
balance_not_updated_after_cheque_or_cash_deposit beneficiary_not_allowed card_arrival card_not_working
card_payment_not_recognised card_payment_wrong_exchange_rate card_swallowed cash_withdrawal_not_recognised
compromised_card contactless_not_working declined_card_payment declined_cash_withdrawal declined_transfer
direct_debit_payment_not_recognised extra_charge_on_statement failed_transfer lost_or_stolen_card
pending_card_payment pending_cash_withdrawal pending_top_up pending_transfer reverted_card_payment?
top_up_failed top_up_reverted transaction_charged_twice transfer_not_received_by_recipient
unable_to_verify_identity virtual_card_not_working wrong_amount_of_cash_received
wrong_exchange_rate_for_cash_withdrawal""".split())


def of_failures(labels):
    """Soft sentiment of Banking77 texts with these intents."""
    return [[0.65, 0.35, 0.0] if label in FAILURES else [0.05, 0.9, 0.05] for label in labels]


def sentiment_turns(copies=12):
    """(text, class) pairs; each sentence with as many fillings as it can tell apart, copies at most."""
    rng, out = random.Random(7), {}
    for label, lines in enumerate((NEGATIVE, NEUTRAL, POSITIVE)):
        for line in lines:
            for _ in range(copies):
                turn = re.sub(r"\{(\w+)\}", lambda m: rng.choice(SLOTS[m[1]].split("|")), line)
                out[" ".join(turn.split())] = label
    return sorted(out.items())


def written_turns():
    """(text, class) pairs of turns.txt, which were written one by one and hold no slots."""
    marks = "-=+"
    lines = pathlib.Path(__file__).with_name("turns.txt").read_text().splitlines()
    return [(line[2:], marks.index(line[0])) for line in lines]
