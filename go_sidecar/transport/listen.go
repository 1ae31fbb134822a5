//go:build unix

// Package transport opens the sidecar's address so that only its own clients reach it.
//
// An address is `unix:/absolute/path` or `tcp:host:port`.
package transport

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Access says who may connect.
type Access struct {
	PeerUIDs       []int // on a Unix socket, besides our own user and root
	AllowSharedDir bool  // a socket in a directory that others can enter
	AllowRemote    bool  // TCP on more than the loopback: without any authentication
}

// Listen opens the address. A Unix socket is checked per connection: the directory and
// the socket's mode decide who may try, the kernel's word on the peer's user who may stay.
func Listen(address string, access Access) (net.Listener, error) {
	network, where, err := Split(address)
	if err != nil {
		return nil, err
	}
	if network == "tcp" {
		return listenTCP(where, access)
	}
	return listenUnix(where, access)
}

// Split returns the network and what follows it.
func Split(address string) (network, where string, err error) {
	network, where, found := strings.Cut(address, ":")
	switch {
	case found && network == "unix" && filepath.IsAbs(where):
		return network, filepath.Clean(where), nil
	case found && network == "tcp":
		if _, _, err := net.SplitHostPort(where); err == nil {
			return network, where, nil
		}
	}
	return "", "", fmt.Errorf("address: expected unix:/absolute/path or tcp:host:port, got %q", address)
}

// Address is what a client must be told: the port may have been chosen by the system.
func Address(listener net.Listener) string {
	return listener.Addr().Network() + ":" + listener.Addr().String()
}

func listenTCP(where string, access Access) (net.Listener, error) {
	listener, err := net.Listen("tcp", where)
	if err != nil {
		return nil, err
	}
	if bound := listener.Addr().(*net.TCPAddr); !bound.IP.IsLoopback() && !access.AllowRemote {
		listener.Close()
		return nil, fmt.Errorf("tcp:%s: expected a loopback address, because nothing authenticates the callers; -allow-remote listens all the same", where)
	}
	return listener, nil
}

func listenUnix(path string, access Access) (net.Listener, error) {
	mode := fs.FileMode(0o600)
	if access.AllowSharedDir {
		mode = 0o660
	} else if err := checkPrivate(filepath.Dir(path)); err != nil {
		return nil, err
	}
	listener, err := bind(path, mode)
	if errors.Is(err, syscall.EADDRINUSE) {
		if err := removeStale(path); err != nil {
			return nil, err
		}
		listener, err = bind(path, mode)
	}
	if errors.Is(err, syscall.EINVAL) {
		return nil, fmt.Errorf("%s: expected a path of about 100 bytes at most, got %d: %w", path, len(path), err)
	}
	if err != nil {
		return nil, err
	}
	return &peerListener{listener.(*net.UnixListener), append([]int{0, os.Geteuid()}, access.PeerUIDs...)}, nil
}

// bind sets the mode by the umask, so that the socket is never open to others, not even
// between its creation and a chmod. The umask is the process's: call this before other work.
func bind(path string, mode fs.FileMode) (net.Listener, error) {
	before := syscall.Umask(int(^mode & 0o777))
	defer syscall.Umask(before)
	return net.Listen("unix", path)
}

func checkPrivate(directory string) error {
	info, err := os.Stat(directory)
	if err != nil {
		return err
	}
	owner := int(info.Sys().(*syscall.Stat_t).Uid)
	if mode := info.Mode().Perm(); owner != os.Geteuid() || mode&0o077 != 0 {
		return fmt.Errorf("%s: expected a directory of user %d with mode 0700 or stricter, got user %d, mode %04o; -allow-shared-dir accepts it", directory, os.Geteuid(), owner, mode)
	}
	return nil
}

// removeStale removes a socket that its process left behind, and nothing else.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s: expected a free path or a stale socket, got another file", path)
	}
	connection, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		connection.Close()
		return fmt.Errorf("%s: another process answers there", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%s: cannot tell whether the socket is stale: %w", path, err)
	}
	return os.Remove(path)
}
