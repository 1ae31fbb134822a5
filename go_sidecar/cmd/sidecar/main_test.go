package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test's own binary stand for the sidecar.
func TestMain(m *testing.M) {
	if os.Getenv("RUN_SIDECAR") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestOneHandshakeLineThenStdoutEnds(t *testing.T) {
	s := begin(t)
	if s.hello.Protocol != 1 || s.hello.Address != s.address || s.hello.PID != s.command.Process.Pid || s.hello.Version != version {
		t.Errorf("%+v", s.hello)
	}
	if rest, err := io.ReadAll(s.stdout); len(rest) != 0 || err != nil {
		t.Errorf("after the handshake: %q %v", rest, err)
	}
}

func TestHealthCommandTellsByItsStatus(t *testing.T) {
	s := begin(t)
	if output, err := sidecar("-health", s.address).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, output)
	}
	if err := sidecar("-health", s.address+"-nobody").Run(); err == nil {
		t.Error("healthy without a server")
	}
}

func TestStopsCleanly(t *testing.T) {
	for name, stop := range map[string]func(s *started) error{
		"SIGTERM":      func(s *started) error { return s.command.Process.Signal(syscall.SIGTERM) },
		"SIGINT":       func(s *started) error { return s.command.Process.Signal(syscall.SIGINT) },
		"stdin closed": func(s *started) error { return s.stdin.Close() },
	} {
		s := begin(t)
		if err := stop(s); err != nil {
			t.Fatal(err)
		}
		if err := s.wait(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(strings.TrimPrefix(s.address, "unix:")); !os.IsNotExist(err) {
			t.Errorf("%s: the socket is left behind: %v", name, err)
		}
	}
}

func TestWrongFlagsAreExplained(t *testing.T) {
	for want, arguments := range map[string][]string{
		"listen: expected an address":    {},
		"threads: expected 1 at least":   {"-listen", "unix:/x", "-threads", "0"},
		"concurrency: expected 1":        {"-listen", "unix:/x", "-concurrency", "0"},
		"grace: expected 0 at least":     {"-listen", "unix:/x", "-grace", "-1s"},
		"arguments: expected only flags": {"-listen", "unix:/x", "extra"},
		"address: expected unix:":        {"-listen", "nonsense"},
	} {
		output, err := sidecar(arguments...).CombinedOutput()
		if err == nil || !strings.Contains(string(output), want) {
			t.Errorf("%v: %v, %q, want %q", arguments, err, output, want)
		}
	}
}

type started struct {
	command *exec.Cmd
	address string
	stdin   io.WriteCloser
	stdout  *bufio.Reader
	hello   handshake
	done    chan error
}

func sidecar(arguments ...string) *exec.Cmd {
	command := exec.Command(os.Args[0], arguments...)
	command.Env = append(os.Environ(), "RUN_SIDECAR=1")
	return command
}

func begin(t *testing.T) *started {
	t.Helper()
	directory, err := os.MkdirTemp("", "hotpath") // t.TempDir's path can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	address := "unix:" + filepath.Join(directory, "s")
	s := &started{command: sidecar("-listen", address, "-exit-on-stdin-close"), address: address, done: make(chan error, 1)}
	if s.stdin, err = s.command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	// A pipe of our own: exec's is closed by Wait, perhaps before all is read.
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s.command.Stdout, s.stdout = writer, bufio.NewReader(reader)
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	go func() { s.done <- s.command.Wait() }()
	t.Cleanup(func() {
		s.command.Process.Kill()
		reader.Close()
		os.RemoveAll(directory)
	})
	line, err := s.stdout.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(line, &s.hello); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *started) wait() error {
	select {
	case err := <-s.done:
		return err
	case <-time.After(time.Minute):
		return os.ErrDeadlineExceeded
	}
}
