package profile

import "strings"

// insert adds the block to a text that has none; leaves tells that a shell may not reach the end of it.
func insert(text string, set content, kind Kind, leaves bool) string {
	at := len(text)
	if kind == Interactive || leaves || continued(text) {
		at = headEnd(text)
	}
	if at == len(text) && text != "" && !strings.HasSuffix(text, "\n") {
		return text + "\n" + block(set, kind, true)
	}
	return text[:at] + block(set, kind, false) + text[at:]
}

// headEnd returns the offset below the comment that heads text. A comment that runs straight into code
// belongs to that code, so only a #! line is passed over then.
func headEnd(text string) int {
	head, bang := 0, 0
	for line := range strings.Lines(text) {
		if trim(line) == "" {
			return head
		}
		if !strings.HasPrefix(trim(line), "#") {
			return bang
		}
		head += len(line)
		if bang == 0 && strings.HasPrefix(line, "#!") {
			bang = head
		}
	}
	return head
}

// continued reports whether the last line ends in a backslash that would join the next line to it.
func continued(text string) bool {
	line := strings.TrimSuffix(text, "\n")
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}
