package install

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgedge/platform/modules/patroni_install/internal/pipx"
	"github.com/pgedge/platform/modules/patroni_install/internal/pkgmgr"
)

// needs implements [method]: the family's packages and those of the extras, or those that were named.
func (m *byPackage) needs(Decision) (n needs, err error) {
	names, alternatives, err := packageNames(m.want, m.seen, m.name)
	return needs{names: names, alternatives: alternatives}, err
}

// packageNames are the packages that must be there, and alternatives that will do if no source offers the first ones.
func packageNames(want *Desired, v *View, installed string) (names []string, alternatives [][]string, err error) {
	if want.Packages != nil {
		return want.Packages, nil, nil
	}
	if v.Family.Patroni == nil {
		return nil, nil, fmt.Errorf("cannot tell which package of %s has Patroni: its family is not known here; name "+
			"it in packages (in the role: patroni_packages), with those of the database driver and of the client of "+
			"the DCS", v.Release.Name)
	}
	bases := v.Family.Patroni
	if installed != "" {
		bases = []string{installed}
	}
	for _, base := range bases {
		set := []string{base}
		for _, extra := range want.Extras {
			driver, known := v.Family.Drivers[pipx.Normalise(extra)]
			if !known {
				return nil, nil, fmt.Errorf("cannot tell which package has what Patroni's extra %q needs: name all in packages "+
					"(in the role: patroni_packages), such as %s", extra, strings.Join(bases, " or "))
			}
			if strings.HasPrefix(driver, "-") {
				driver = base + driver
			}
			if driver != "" && !slices.Contains(set, driver) {
				set = append(set, driver)
			}
		}
		alternatives = append(alternatives, set)
	}
	return alternatives[0], alternatives[1:], nil
}

// versionOfPackage is Patroni's version as Python spells it: 4.1.0rc1 of 4.1.0~rc1-2.
func versionOfPackage(p pkgmgr.Package) string {
	return strings.ReplaceAll(upstream(p.Version), "~", "")
}

// patroniNames are the names that the package with Patroni itself may have, the preferred first.
func patroniNames(want *Desired, f Family) []string {
	if want.Packages != nil {
		name, _, _ := strings.Cut(want.Packages[0], "=")
		return []string{name}
	}
	if f.Patroni == nil {
		return osPackages()
	}
	return f.Patroni
}
