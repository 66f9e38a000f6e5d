// Package entity finds what is named in a turn: amounts, dates, order, account
// and tracking numbers, products of the user's list, people and places.
//
// Enters: a text, when it was said, and its language. Leaves: entities with byte
// spans and normalised values. It looks at spelling and word lists only: no
// model, no network, the same answer always, in time linear in the text.
package entity
