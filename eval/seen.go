package eval

// TweetEval's sentiment development rows were found among those of another set.
const tweetEvalInUMSAB = "1,430 of the 2,000 development rows of sentiment, which stand in umsab's English train too"

// seen says what of a set a model learnt from, as the models' cards list it; ""
// where it met nothing of it. A seen set flatters even where the rows that are
// scored were not among what was seen, and above all with few examples an intent:
// the model knows the intents already.
func seen(model, set string) string {
	switch model {
	case "encoder":
		switch set {
		case "clinc150":
			return "train and oos_train, with their intents"
		case "banking77":
			return "nine tenths of train, with their intents"
		case "banking77_oos":
			return "Banking77's train, with the intents held out here too"
		case "hwu64":
			return "train, with its intents"
		case "nlupp":
			return "folds 1 to 14, with their intents"
		case "dstc11_natcs":
			return "the insurance development rows, with their intents"
		case "goemotions", "umsab":
			return "train"
		case "tweeteval":
			return tweetEvalInUMSAB
		}
	case "floor":
		switch set {
		case "goemotions", "umsab":
			return "train"
		case "tweeteval":
			return tweetEvalInUMSAB
		}
	case "redact":
		if set == "presidio_pii" {
			return "the development files"
		}
	}
	return ""
}
