package edge

import (
	"net"
	"syscall"
)

// RefuseNew lets no connection begin any more; those that are there can all be accepted, so that to
// close the listener resets none. What asks for a connection is dropped: a client asks again a
// second later, and is then refused or finds the next server.
func RefuseNew(listener *net.TCPListener) error {
	raw, err := listener.SyscallConn()
	if err != nil {
		return err
	}
	// Load the byte of TCP's flags, and drop where it has SYN.
	program := []syscall.SockFilter{
		{Code: syscall.BPF_LD | syscall.BPF_B | syscall.BPF_ABS, K: 13},
		{Code: syscall.BPF_JMP | syscall.BPF_JSET | syscall.BPF_K, K: 2, Jf: 1},
		{Code: syscall.BPF_RET | syscall.BPF_K, K: 0},
		{Code: syscall.BPF_RET | syscall.BPF_K, K: 0xFFFFFFFF},
	}
	var failed error
	if err := raw.Control(func(descriptor uintptr) { failed = syscall.AttachLsf(int(descriptor), program) }); err != nil {
		return err
	}
	return failed
}
