package systemd

import (
	"bufio"
	"encoding/binary"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	godbus "github.com/godbus/dbus/v5"
)

// fakeManager serves org.freedesktop.systemd1 on a socket, as systemd does on its private one: the
// handshake, then method calls without a bus daemon.
type fakeManager struct {
	// properties by interface and name, as in Unit.LoadState.
	properties map[string]any
	// refuse is the D-Bus error that systemd answers calls with, except to Hello and AddMatch.
	refuse string
	// hangUp ends this many connections at the first such call.
	hangUp int
	// mute answers no handshake.
	mute bool

	mu          sync.Mutex
	calls       []string
	connections int
	open        []net.Conn
}

// serve starts the fake at socket below a new root, until the test ends.
func (f *fakeManager) serve(t *testing.T, socket string) (root string) {
	t.Helper()
	root = t.TempDir()
	socket = filepath.Join(root, socket)
	if err := os.MkdirAll(filepath.Dir(socket), 0o755); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			f.record(func() { f.connections++; f.open = append(f.open, conn) })
			served.Go(func() { defer func() { _ = conn.Close() }(); f.converse(conn) })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); f.closeAll(); served.Wait() })
	return root
}

func (f *fakeManager) closeAll() {
	f.record(func() {
		for _, conn := range f.open {
			_ = conn.Close()
		}
		f.open = nil
	})
}

func (f *fakeManager) record(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// seen returns the calls so far and the number of connections made for them.
func (f *fakeManager) seen() (calls []string, connections int) {
	f.record(func() { calls, connections = slices.Clone(f.calls), f.connections })
	return calls, connections
}

func (f *fakeManager) converse(conn net.Conn) {
	in := bufio.NewReader(conn)
	for f.mute || !handshakeLine(in, conn) {
		if _, err := in.Peek(1); err != nil {
			return
		}
		if f.mute {
			_, _ = in.Discard(1)
		}
	}
	for {
		msg, err := godbus.DecodeMessage(in)
		if err != nil {
			return
		}
		if f.hangsUp(msg) {
			return
		}
		if reply := f.answer(msg); reply.EncodeTo(conn, binary.LittleEndian) != nil {
			return
		}
	}
}

// handshakeLine answers a line of the authentication protocol; it returns true at its end.
func handshakeLine(in *bufio.Reader, conn net.Conn) bool {
	line, _ := in.ReadString('\n')
	answer := ""
	switch fields := strings.Fields(strings.TrimLeft(line, "\x00")); {
	case len(fields) == 0:
	case fields[0] == "BEGIN":
		return true
	case fields[0] == "NEGOTIATE_UNIX_FD":
		answer = "ERROR"
	case len(fields) == 1:
		answer = "REJECTED EXTERNAL"
	default:
		answer = "OK 0123456789abcdef0123456789abcdef"
	}
	_, _ = conn.Write([]byte(answer + "\r\n"))
	return false
}

func isOverhead(msg *godbus.Message) bool {
	member, _ := msg.Headers[godbus.FieldMember].Value().(string)
	return member == "Hello" || member == "AddMatch"
}

func (f *fakeManager) hangsUp(msg *godbus.Message) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if isOverhead(msg) || f.hangUp == 0 {
		return false
	}
	f.hangUp--
	return true
}

func (f *fakeManager) answer(msg *godbus.Message) *godbus.Message {
	if isOverhead(msg) {
		return reply(msg, ":1.1")
	}
	member, _ := msg.Headers[godbus.FieldMember].Value().(string)
	path, _ := msg.Headers[godbus.FieldPath].Value().(godbus.ObjectPath)
	call := member
	if strings.HasPrefix(member, "Get") {
		call = strings.TrimPrefix(msg.Body[0].(string), "org.freedesktop.systemd1.")
	}
	if member == "Get" {
		call += "." + msg.Body[1].(string)
	}
	f.record(func() {
		f.calls = append(f.calls, strings.TrimPrefix(string(path), "/org/freedesktop/systemd1")+" "+call)
	})
	switch value, known := f.properties[call]; {
	case f.refuse != "":
		return refusal(msg, f.refuse)
	case call == "Reload":
		return reply(msg)
	case member == "GetAll":
		return reply(msg, f.all(call))
	case known:
		return reply(msg, godbus.MakeVariant(value))
	}
	return refusal(msg, "unknown property "+call)
}

// all returns the properties of an interface.
func (f *fakeManager) all(kind string) map[string]godbus.Variant {
	values := make(map[string]godbus.Variant)
	for name, value := range f.properties {
		if name, found := strings.CutPrefix(name, kind+"."); found {
			values[name] = godbus.MakeVariant(value)
		}
	}
	return values
}

func reply(to *godbus.Message, body ...any) *godbus.Message {
	msg := &godbus.Message{Type: godbus.TypeMethodReply, Body: body, Headers: map[godbus.HeaderField]godbus.Variant{
		godbus.FieldReplySerial: godbus.MakeVariant(to.Serial()),
	}}
	if len(body) > 0 {
		msg.Headers[godbus.FieldSignature] = godbus.MakeVariant(godbus.SignatureOf(body...))
	}
	return msg
}

func refusal(to *godbus.Message, text string) *godbus.Message {
	msg := reply(to, text)
	msg.Type = godbus.TypeError
	msg.Headers[godbus.FieldErrorName] = godbus.MakeVariant("org.freedesktop.DBus.Error.AccessDenied")
	return msg
}
