package install

import (
	"context"
	"fmt"

	"github.com/pgedge/platform/modules/patroni_install/internal/txn"
)

// method is how Patroni comes to a host. The two differ in what is looked for, in the packages of the operating system
// that it takes, in what these may be, and in the parts of an installation.
type method interface {
	Part // what the method itself refuses

	// find finds what is installed.
	find(ctx context.Context, o *observer) error
	// list are the parts in the order in which they are made, and going those of a removal.
	list() (list, going group)
	// needs names the packages that must be there.
	needs(d Decision) (needs, error)
	// refuseOffered refuses packages that do not bring what is needed, now that they are known.
	refuseOffered(d Decision) error
	// prepare gives the steps before packages are added, and those before something is built.
	prepare(d Decision) (packages, stage []txn.Step)
	// version is the one that a run ends with, "" if that is not known before it.
	version(d Decision) string
	// stays says for people what a removal leaves, "" for nothing.
	stays() string
}

// newMethod is the one that was asked for.
// pending tells that an interrupted run is still to be undone or finished, and beforePackages is the one of the look
// before this run added packages.
func newMethod(b base, pending bool, beforePackages method) method {
	if b.want.packaged() {
		earlier, _ := beforePackages.(*byPackage)
		return newByPackage(b, pending, earlier)
	}
	return newByPipx(b, pending)
}

// byPipx is Patroni in a venv.
type byPipx struct {
	base

	osPackage string // the operating system's own Patroni, "" for none
	stages    *stages
	parts     group
	going     group
	rules     *rules
}

var _ method = (*byPipx)(nil)

// newByPipx makes the parts.
func newByPipx(b base, pending bool) *byPipx {
	m := &byPipx{base: b, stages: &stages{base: b, pending: pending}, rules: &rules{base: b}}
	both := newBoth(b, m.rules, noPackages{})
	trees, record, oldHome := &trees{base: b}, &record{base: b}, &oldHome{b}
	dirs := &dirs{base: b, rules: m.rules, parts: func() group { return m.parts }, earlier: m.stage}
	// They look in this order, too, and some read what others have found: places the links, profiles the former bin_dir.
	m.parts = group{
		m,                                     // nothing of another method
		&runnable{base: b},                    // what is built can be run
		m.stages,                              // nothing that an interrupted run has left
		&userPipx{base: b, links: both.links}, // pipx in the user's environment, if it came by pip
		trees,                                 // the venv, and pipx's shared libraries if they are new
		record,                                // what the venv holds
		m.rules,                               // so that systemd may execute the programs
		&labels{base: b},                      // the same, for programs that are there
		dirs,                                  // missing if no build made them
		both.links,                            // the programs in bin_dir
		both.former,                           // which is another one than before
		both.places,                           // nothing that lets the user become root
		oldHome,                               // so that an old pipx finds its home
		both.config,                           // for setup_patroni to fill
		both.profiles,                         // bin_dir on the PATH, and the configuration for patronictl
		both.comforts,                         // what other programs are told about Patroni
		both.unit,                             // the service, neither enabled nor started; it starts all that
	}
	// Backwards in the large: what is visible goes before what it leads to. But the files for comfort go at once with
	// the unit; and the directories of others, which may be found in use, come last. Directories, the user's pipx and
	// labels stay.
	m.going = group{
		both.unit,     // first: it must not start what is going
		both.comforts, // which tell of it
		both.links,    // nothing leads to the programs any more
		both.former,   // the same
		both.profiles, // nor puts them on a PATH
		trees,         // the programs
		record,        // what was known of them
		m.rules,       // of SELinux
		oldHome,       // a link to pipx's home
		both.config,   // if it is empty
	}
	return m
}

// both are the parts that Patroni has by either method.
type both struct {
	links    *links
	former   *formerBin
	places   *places
	config   *configDir
	profiles *profiles
	comforts group
	unit     *unit
}

func newBoth(b base, rules *rules, packages ownPackages) both {
	links, former := &links{base: b, rules: rules}, &formerBin{base: b, rules: rules}
	places := &places{base: b, links: links}
	return both{
		links: links, former: former, places: places,
		config:   &configDir{base: b, places: places, packages: packages},
		profiles: &profiles{base: b, former: former},
		comforts: comforts(b),
		unit:     &unit{base: b, packages: packages, enabling: &enabling{base: b, packages: packages}},
	}
}

func (m *byPipx) list() (list, going group) { return m.parts, m.going }

// find implements [method]. The package database is read only if the program of a package is there.
func (m *byPipx) find(ctx context.Context, o *observer) error {
	if err := o.findVenv(); err != nil {
		return err
	}
	if m.seen.finds(osProgram) {
		installed, err := o.ofPatroni(ctx, osPackages())
		if err != nil {
			return err
		}
		if len(installed) > 0 {
			m.osPackage = installed[0].Name
		}
	}
	if err := o.findTools(); err != nil {
		return err
	}
	return m.seen.lookSELinux()
}

// Refuse implements [Part].
func (m *byPipx) Refuse() error {
	verb := "install"
	if m.removes() {
		verb = "remove"
	}
	switch {
	case m.seen.exists(m.seen.dropIn()):
		return fmt.Errorf("cannot %s what pipx installs: Patroni was installed as a package, as %s tells; set "+
			"method to package (in the role: patroni_method), to keep it or, with state absent, to remove what belongs "+
			"to it", verb, m.seen.dropIn())
	case m.osPackage == "" || m.removes():
		return nil
	}
	return fmt.Errorf("cannot install Patroni beside the operating system's package %s, whose unit and programs ours "+
		"would shadow: set method to package (in the role: patroni_method) to use it, or run this once with that and "+
		"state absent, and then remove it (%s %s)", m.osPackage, m.seen.Family.Remove, m.osPackage)
}

// needs implements [method]: a pipx that is there is enough, unless packages were asked for by name.
func (m *byPipx) needs(d Decision) (n needs, err error) {
	v := m.seen
	n.names = m.want.Prerequisites
	if n.names == nil && v.Pipx == nil && d.Builds() {
		if n.names = v.Family.Prerequisites; n.names == nil {
			return n, unknownFamily(v.Release)
		}
	}
	if m.want.Prerequisites == nil && m.want.InstallPrerequisites && len(m.rules.lacking()) > 0 && !v.SELinux.Tools {
		n.names = append(append([]string{}, n.names...), policyTools)
	}
	if d.Builds() && m.want.BuildDependencies {
		var run []string
		if n.build, run = v.Family.compiler(*m.want); n.build == nil {
			return n, unknownCompiler(v.Release)
		}
		n.names = append(append([]string{}, n.names...), run...)
	}
	return n, nil
}

// stage are the steps before the build.
func (m *byPipx) stage(d Decision) []txn.Step { return m.stages.steps(d) }

// prepare implements [method].
func (m *byPipx) prepare(d Decision) (packages, stage []txn.Step) { return nil, m.stage(d) }

// version implements [method].
func (m *byPipx) version(d Decision) string { return d.version(m.want) }

// stays implements [method].
func (m *byPipx) stays() string { return "" }
