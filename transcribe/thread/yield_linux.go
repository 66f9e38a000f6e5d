package thread

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// Yielding is how much nicer than the rest of the process the threads are that
// listen, recognise and read. Words may come a moment later; a call that has to be
// answered, a packet, a webhook may not. Where nothing else wants the processor
// it changes nothing.
const Yielding = 5

// Yield gives the calling goroutine a thread of its own that runs after all
// others. It is never unlocked: the thread ends with the goroutine, so nobody
// else inherits its priority. A failure costs nothing but the priority.
func Yield() {
	runtime.LockOSThread()
	thread := unix.Gettid()
	// The system call gives 20 less the niceness (getpriority(2)).
	if have, err := unix.Getpriority(unix.PRIO_PROCESS, thread); err == nil {
		_ = unix.Setpriority(unix.PRIO_PROCESS, thread, min(20-have+Yielding, 19))
	}
}
