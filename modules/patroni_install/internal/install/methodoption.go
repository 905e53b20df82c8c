package install

import (
	"errors"
	"fmt"
)

func (d Desired) packaged() bool { return d.Method == ByPackage }

// verb is what a run does to get Patroni.
func (d Desired) verb() string {
	if d.packaged() {
		return "install"
	}
	return "build"
}

// checkMethod refuses values that the method cannot keep to.
func (d Desired) checkMethod() error {
	switch {
	case !d.packaged() && d.Packages != nil:
		return errors.New("packages can be used with method package only (in the role: patroni_method)")
	case !d.packaged():
		return nil
	case d.State == Latest:
		return errors.New("state latest cannot be had with method package: an upgrade of a package could not be undone; " +
			"upgrade it by the package manager, and set state to present")
	case d.Packages != nil && len(d.Packages) == 0:
		return errors.New("packages must name at least one package, Patroni's own first; leave it unset for the family's")
	}
	for _, o := range []struct{ name, value string }{
		{"python", d.Python}, {"constraints", d.Constraints}, {"lockfile", d.Lockfile}, {"wheelhouse", d.Wheelhouse},
	} {
		if o.value != "" {
			return fmt.Errorf("%s cannot be had with method package, where the package decides: leave it unset", o.name)
		}
	}
	return nil
}

// triedExtras are the extras whose modules must be there: with packages of the site's own choice it knows best.
func (d Desired) triedExtras() []string {
	if d.Packages != nil {
		return nil
	}
	return d.Extras
}
