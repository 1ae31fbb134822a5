//go:build unix

package transport

import (
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSocketIsForOurUserOnly(t *testing.T) {
	path := filepath.Join(privateDir(t), "s")
	open(t, path, Access{})
	if info, err := os.Stat(path); err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

func TestSharedDirIsRefusedUnlessAllowed(t *testing.T) {
	directory := privateDir(t)
	if err := os.Chmod(directory, 0o750); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(directory, "s")
	refused(t, "unix:"+path, "expected a directory of user")
	open(t, path, Access{AllowSharedDir: true})
	if info, err := os.Stat(path); err != nil || info.Mode() != fs.ModeSocket|0o660 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

func TestStaleSocketIsReplacedAndALiveOneIsNot(t *testing.T) {
	path := filepath.Join(privateDir(t), "s")
	dead := open(t, path, Access{}).(*peerListener)
	refused(t, "unix:"+path, "another process answers")
	dead.SetUnlinkOnClose(false)
	dead.Close()
	open(t, path, Access{})
}

func TestAnotherFileIsLeftAlone(t *testing.T) {
	path := filepath.Join(privateDir(t), "s")
	if err := os.WriteFile(path, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, "unix:"+path, "got another file")
	if content, err := os.ReadFile(path); string(content) != "kept" {
		t.Errorf("%q %v", content, err)
	}
}

func TestAddressesAreChecked(t *testing.T) {
	refused(t, "unix:relative", "expected unix:/absolute/path")
	refused(t, "tcp:nowhere", "expected unix:/absolute/path")
	refused(t, "127.0.0.1:1", "expected unix:/absolute/path")
	refused(t, "tcp:0.0.0.0:0", "expected a loopback address")
	refused(t, "unix:/"+strings.Repeat("x", 200), "expected a")
	refused(t, "unix:"+filepath.Join(privateDir(t), strings.Repeat("x", 120)), "about 100 bytes")
}

func TestTCPAddressTellsTheChosenPort(t *testing.T) {
	listener, err := Listen("tcp:127.0.0.1:0", Access{})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if address := Address(listener); !strings.HasPrefix(address, "tcp:127.0.0.1:") || strings.HasSuffix(address, ":0") {
		t.Error(address)
	}
}

func TestPeerOfAnotherUserIsDropped(t *testing.T) {
	for _, test := range []struct {
		allowed []int
		accept  bool
	}{{[]int{os.Geteuid()}, true}, {[]int{os.Geteuid() + 1}, false}} {
		path := filepath.Join(privateDir(t), "s")
		listener := open(t, path, Access{}).(*peerListener)
		listener.allowed = test.allowed
		accepted := make(chan net.Conn, 1)
		go func() {
			if connection, err := listener.Accept(); err == nil {
				accepted <- connection
			}
		}()
		client, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if test.accept {
			(<-accepted).Close()
			continue
		}
		client.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := client.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("expected the connection closed, got %v", err)
		}
		if len(accepted) != 0 {
			t.Error("accepted")
		}
	}
}

func privateDir(t *testing.T) string {
	t.Helper()
	directory, err := os.MkdirTemp("", "hotpath") // mode 0700; t.TempDir's path can be too long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(directory) })
	return directory
}

func open(t *testing.T, path string, access Access) net.Listener {
	t.Helper()
	listener, err := Listen("unix:"+path, access)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}

func refused(t *testing.T, address, why string) {
	t.Helper()
	if listener, err := Listen(address, Access{}); err == nil || !strings.Contains(err.Error(), why) {
		if err == nil {
			listener.Close()
		}
		t.Errorf("%s: got %v, want %q", address, err, why)
	}
}
