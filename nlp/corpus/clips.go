package corpus

import "fmt"

// Clip is a recording, by its path beside the manifest, and what is said in it.
type Clip struct{ File, Text string }

// Clips reads a manifest of recordings, one JSON object a line.
func Clips(manifest string) ([]Clip, error) {
	clips, err := jsonLines[Clip](manifest)
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	for i, c := range clips {
		if c.File == "" {
			return nil, fmt.Errorf("read manifest: %s: row %d has no file", manifest, i+1)
		}
	}
	return clips, nil
}
