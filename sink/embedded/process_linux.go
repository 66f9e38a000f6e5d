package embedded

import "syscall"

// childAttributes ties the child's life to the parent's thread and keeps a
// terminal's Ctrl-C for the parent, which then stops the child in order.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
