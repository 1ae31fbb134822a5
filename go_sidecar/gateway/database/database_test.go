package database

import (
	"strings"
	"testing"
	"time"
)

func TestWhatIsNoURLOfADatabaseIsRefusedWithoutShowingIt(t *testing.T) {
	for _, url := range []string{
		"mysql://u:hunter2@h/d", "hunter2", "sqlite:///", "sqlite:///:memory:", "sqlite:///%3Amemory%3A", "sqlite:///x?hunter2",
		"sqlite:///%zz", "postgresql://u:hunter2@h:port/d", "postgresql://u:%hunter2@h/d", "postgresql://u:hunter2@h/d?sslmode=on",
		"postgresql://u:hunter2/x@h/d",
	} {
		db, err := Open(url, 1, time.Second)
		if err == nil {
			db.Close()
			t.Errorf("%s is taken", url)
		} else if !strings.HasPrefix(err.Error(), "HOTPATH_DATABASE_URL: expected ") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", url, err)
		}
	}
}
