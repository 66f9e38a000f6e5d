"""Customer-service turns of our own, labelled by how they were written.

Public sentiment sets hold opinions; callers mostly state what happened to them.
"Still no refund" has no sad word in it and is a complaint all the same."""

import random
import re

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
❤️ {co}
👍 thanks
😀 perfect
""".strip().splitlines()


def sentiment_turns(copies=12):
    """(text, class) pairs; each sentence with as many fillings as it can tell apart, copies at most."""
    rng, out = random.Random(7), {}
    for label, lines in enumerate((NEGATIVE, NEUTRAL, POSITIVE)):
        for line in lines:
            for _ in range(copies):
                turn = re.sub(r"\{(\w+)\}", lambda m: rng.choice(SLOTS[m[1]].split("|")), line)
                out[" ".join(turn.split())] = label
    return sorted(out.items())
