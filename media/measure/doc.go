// Package measure computes conversation measures live, from who spoke when.
//
// In: intervals of voice on both legs on one timeline, holds, word counts, speech levels.
// Out: talk, non-talk, interruptions, overtalk, speed and loudness, with the parameters they were
// computed with. For a call recorded as one mixed channel, what cannot be known is absent and named.
// It sees no audio and no words, and imports the standard library only.
package measure
