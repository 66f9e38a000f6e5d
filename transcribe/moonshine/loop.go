package moonshine

// Attention decoders fall into loops on noise and on long silence: "Thank you.
// Bye. Thank you. Bye. Thank you. Bye." A phrase counts as a loop when it
// fills loopTokens in at least loopTimes copies. People do repeat themselves,
// and briefly: "no, no, no" is speech. Digits repeat more often than words do
// ("zero zero zero"), so a phrase without a letter needs digitTimes copies.
const (
	loopTokens = 12
	loopTimes  = 3
	digitTimes = 10
	loopPhrase = 12
)

// loopStart returns the end of the first copy when the tokens end in a loop,
// and 0 when they do not.
func loopStart(tokens []int64, hasLetter func(int64) bool) int {
	for k := 1; k <= loopPhrase && k < len(tokens); k++ {
		same := 0
		for i := len(tokens) - 1; i >= k && tokens[i] == tokens[i-k]; i-- {
			same++
		}
		times := 1 + same/k
		if times < loopTimes || times*k < loopTokens {
			continue
		}
		if times >= digitTimes || containsLetter(tokens[len(tokens)-k:], hasLetter) {
			return len(tokens) - (times-1)*k
		}
	}
	return 0
}

func containsLetter(tokens []int64, hasLetter func(int64) bool) bool {
	for _, t := range tokens {
		if hasLetter(t) {
			return true
		}
	}
	return false
}
