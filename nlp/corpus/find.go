package corpus

import (
	"fmt"
	"os"
	"path/filepath"
)

// Folder finds the data folder: $THROUGHLINE_DATA, or shared/data beside one of
// the folders above the working directory.
func Folder() (string, error) {
	if given := os.Getenv("THROUGHLINE_DATA"); given != "" {
		return given, nil
	}
	at, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find data: %w", err)
	}
	for {
		folder := filepath.Join(at, "shared", "data")
		if _, err := os.Stat(filepath.Join(folder, "README.md")); err == nil {
			return folder, nil
		}
		up := filepath.Dir(at)
		if up == at {
			return "", fmt.Errorf("find data: no shared/data above the working directory; set THROUGHLINE_DATA")
		}
		at = up
	}
}
