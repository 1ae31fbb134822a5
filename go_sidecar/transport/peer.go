//go:build unix

package transport

import (
	"log/slog"
	"net"
	"slices"
)

// peerListener refuses connections of other users.
type peerListener struct {
	*net.UnixListener
	allowed []int
}

func (l *peerListener) Accept() (net.Conn, error) {
	for {
		connection, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		uid, err := peerUID(connection)
		if err == nil && slices.Contains(l.allowed, uid) {
			return connection, nil
		}
		slog.Warn("connection refused", "peer_uid", uid, "allowed_uids", l.allowed, "error", err)
		connection.Close()
	}
}

// peerUID asks the operating system who connected; it cannot be forged by the peer.
func peerUID(connection *net.UnixConn) (uid int, err error) {
	uid = -1
	raw, err := connection.SyscallConn()
	if err != nil {
		return uid, err
	}
	var inner error
	if err := raw.Control(func(descriptor uintptr) { uid, inner = descriptorUID(int(descriptor)) }); err != nil {
		return -1, err
	}
	return uid, inner
}
