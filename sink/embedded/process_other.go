//go:build unix && !linux

package embedded

import "syscall"

// childAttributes keeps a terminal's Ctrl-C for the parent. The child sees the
// parent's end by its standard input.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// yield does nothing where priorities are not by thread.
func yield() {}
