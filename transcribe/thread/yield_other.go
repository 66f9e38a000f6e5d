//go:build !linux

package thread

// Yield does nothing where priority does not belong to a thread.
func Yield() {}
