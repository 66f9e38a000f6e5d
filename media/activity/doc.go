// Package activity finds where a leg sounds at all, by level alone.
//
// In: decoded blocks. Out: intervals of sound with their level, on the leg's media time, and how
// long the leg has been silent. It costs next to nothing, so it runs on every leg: as the gate
// before a voice model, and as the stand-in when no model runs. Noise that rises suddenly passes
// for speech for a few seconds; a model's intervals are better where there are any.
// It keeps no audio and knows no words.
package activity
