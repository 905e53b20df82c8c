package host

import (
	"bytes"
	"sync"
)

// serialised wraps a line callback so that the two streams of a command never call it at once.
func serialised(line func(string)) func(string) {
	if line == nil {
		return nil
	}
	var mu sync.Mutex
	return func(text string) {
		mu.Lock()
		defer mu.Unlock()
		line(text)
	}
}

// tail keeps the last part of a stream and hands out its lines.
type tail struct {
	buf  []byte
	part []byte // an unfinished line
	line func(string)
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.buf = append(t.buf, p...)
	if len(t.buf) > 2*outputLimit {
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-outputLimit:]...)
	}
	if t.line != nil {
		t.split(p)
	}
	return len(p), nil
}

// split hands out the lines that p completes, and a part that is longer than any line.
func (t *tail) split(p []byte) {
	t.part = append(t.part, p...)
	for {
		text, rest, found := bytes.Cut(t.part, []byte{'\n'})
		if !found {
			break
		}
		t.line(string(bytes.TrimRight(text, "\r")))
		t.part = rest
	}
	if len(t.part) > outputLimit {
		t.end()
	}
}

// end hands out a last line that no newline ended.
func (t *tail) end() {
	if t.line != nil && len(t.part) > 0 {
		t.line(string(bytes.TrimRight(t.part, "\r")))
	}
	t.part = nil
}

// bytes returns the kept part.
func (t *tail) bytes() []byte {
	return t.buf[max(0, len(t.buf)-outputLimit):]
}
