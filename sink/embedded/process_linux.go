package embedded

import (
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// childAttributes ties the child's life to the parent's thread and keeps a
// terminal's Ctrl-C for the parent, which then stops the child in order.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// niceness of the engine: storing may wait a moment, a webhook or a live screen
// may not. It only matters where the processors are busy.
const niceness = 5

// yield lowers the priority of this process: of every thread there is, from which
// all later ones inherit. Linux keeps it by thread. A failure costs nothing but
// the priority.
func yield() {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, t := range threads {
		if id, err := strconv.Atoi(t.Name()); err == nil {
			_ = unix.Setpriority(unix.PRIO_PROCESS, id, niceness)
		}
	}
}
