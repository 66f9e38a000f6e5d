// Package eval measures the models on public benchmarks, for anyone to repeat.
//
// Enters: folders of published test sets, and the models. Leaves: one JSON object
// of metrics with confidence intervals. It trains heads only on the folder it is
// given as data, never on the test folder, and changes no shipped file.
package eval
