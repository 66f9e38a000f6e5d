// Package corpus reads the public text sets that models are trained and measured
// on, each in the format its authors publish.
//
// Enters: files of a data folder. Leaves: labelled examples. It trains and
// scores nothing, and only training and evaluation may use it.
package corpus
