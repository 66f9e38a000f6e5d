// Package linear is the arithmetic under the text models: sparse vectors, and
// how linear classifiers are fitted to them and calibrated.
//
// Enters: vectors and labels. Leaves: weights and probabilities.
// It knows nothing of words, files or events, and imports gonum alone.
package linear
