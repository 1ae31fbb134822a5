package edge

import (
	"container/list"
	"errors"
	"net"
	"sync"
	"syscall"

	"hotpath/go_sidecar/gateway/settings"
)

// kept is how many file descriptors are for what is no connection of a client.
const kept = 256

// pool bounds all connections; where there are too many, those go that have waited longest.
type pool struct {
	mu        sync.Mutex
	most      int
	mostOfOne int // of one address; 0: any number
	open      map[*connection]struct{}
	byAddress map[string]int
	waiting   list.List // of *connection without a request, the longest first
}

func newPool(s *settings.Settings) *pool {
	return &pool{most: min(s.MaxConnections, descriptors()), mostOfOne: s.MaxPerAddress, open: map[*connection]struct{}{}, byAddress: map[string]int{}}
}

func descriptors() int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil || limit.Cur > 1<<20 {
		return 1 << 20
	}
	return max(int(limit.Cur)-kept, int(limit.Cur)/4, 1)
}

// enter returns whether there was room, which one that waited may have made.
func (p *pool) enter(c *connection) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mostOfOne > 0 && p.byAddress[c.address] >= p.mostOfOne {
		return false
	}
	if len(p.open) >= p.most && !p.dropOldest() {
		return false
	}
	p.open[c] = struct{}{}
	p.byAddress[c.address]++
	c.place = p.waiting.PushBack(c)
	return true
}

func (p *pool) makeRoom() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dropOldest()
}

func (p *pool) dropOldest() bool {
	oldest := p.waiting.Front()
	if oldest == nil {
		return false
	}
	c := oldest.Value.(*connection)
	p.remove(c)
	c.TCPConn.Close()
	return true
}

func (p *pool) leave(c *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remove(c)
}

func (p *pool) remove(c *connection) {
	if _, is := p.open[c]; !is {
		return
	}
	delete(p.open, c)
	if p.byAddress[c.address]--; p.byAddress[c.address] == 0 {
		delete(p.byAddress, c.address)
	}
	p.stopsWaiting(c)
}

func (p *pool) waits(c *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, is := p.open[c]; is && c.place == nil {
		c.place = p.waiting.PushBack(c)
	}
}

func (p *pool) hasRequest(c *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopsWaiting(c)
}

func (p *pool) stopsWaiting(c *connection) {
	if c.place != nil {
		p.waiting.Remove(c.place)
		c.place = nil
	}
}

func isExhausted(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

func host(conn *net.TCPConn) string {
	return conn.RemoteAddr().(*net.TCPAddr).IP.String()
}
