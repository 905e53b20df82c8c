//go:build !faultpoints

package main

import "github.com/pgedge/platform/modules/patroni_install/internal/fsys"

// faultPoints is no hook: nothing stops the program that users run.
func faultPoints() fsys.Fault { return nil }
