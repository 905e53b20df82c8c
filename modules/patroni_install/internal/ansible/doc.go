// Package ansible is the Ansible module protocol for a program that is not
// written in Python: an arguments file in, one JSON object on standard output.
//
// A program describes its arguments in a [Spec] and hands a [Handler] to
// [Main], which promises:
//
//   - The handler sees only arguments that passed the specification, coerced by
//     the rules of AnsibleModule in ansible-core; what is wrong with them is
//     reported in its words and in its order.
//   - Exactly one JSON object reaches standard output, whatever the program and
//     its libraries print, whether the handler returns, fails or panics. What is
//     written to file descriptor 1 meanwhile goes to standard error.
//   - SIGTERM, SIGINT and SIGHUP cancel the handler's context and do nothing
//     else: the handler has the time it needs to undo what it began.
//   - Secrets leave the program neither in the result nor in the log; see
//     [Scrubber].
//
// This package differs from AnsibleModule on purpose: null is the same as
// an argument that was not given, elements of lists are trimmed, and the empty
// elements of a split string are dropped.
package ansible
