# The targets for people. The work is done by Go, Ansible and the scripts in molecule/ and .ci/,
# which install what the machine lacks (see molecule/hosts/setup).
MAKEFLAGS += --no-print-directory
SHELL     := /bin/bash

VERSION := $(shell sed -n 's/^version: *//p' galaxy.yml)
STAGE   := build/ansible_collections/pgedge/platform
ARCHS   := amd64 arm64
TOOLS   := molecule/hosts/tools
# The directories in which make install puts the collection, and the plugins with a short name.
COLLECTIONS ?= $(HOME)/.ansible/collections
PLUGINS     ?= $(HOME)/.ansible/plugins
# A binary is copied to the host with every task, so its size is part of its speed.
MAX_SIZE := 6291456

.PHONY: help build stage collection release install lint docs unit test test-day test-all test-fresh test-matrix \
  mutate fuzz verify-release test-cluster lock molecule bench demo clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: $(ARCHS:%=build/patroni_install_%) ## the module's binaries, static and reproducible, in build/

build/patroni_install_%: FORCE
	@CGO_ENABLED=0 GOOS=linux GOARCH=$* $(TOOLS) go build -trimpath -buildvcs=false -gcflags=all=-l \
	  -ldflags '-s -w -buildid= -X main.version=$(VERSION)' -o $@ ./modules/patroni_install
	@size=$$(stat -c %s $@); [ $$size -le $(MAX_SIZE) ] || \
	  { echo "$@ has $$size bytes, more than $(MAX_SIZE)" >&2; rm -f $@; exit 1; }

.PHONY: FORCE
FORCE:

stage: build ## the collection as a directory, which every Ansible tool here runs against
	@rm -rf $(STAGE) && mkdir -p $(STAGE)/plugins/modules
	@sed '/^# ansible-galaxy, given this repository/,/^refusal:/d' galaxy.yml >$(STAGE)/galaxy.yml
	@cp README.md LICENSE CHANGELOG.md .ansible-lint .yamllint $(STAGE)/
	@cp -R collection/. roles docs $(STAGE)/
	@for arch in $(ARCHS); do cp build/patroni_install_$$arch $(STAGE)/plugins/modules/__patroni_install_$$arch; done
	@find $(STAGE) -name __pycache__ -prune -exec rm -rf {} +

collection: stage ## the archive dist/pgedge-platform-VERSION.tar.gz for ansible-galaxy collection install
	@$(TOOLS) ansible-galaxy collection build --force --output-path dist $(STAGE)

release: ## dist/ with archive, programs and SHA256SUMS, built twice with the same bytes
	@$(TOOLS) .ci/release

verify-release: ## dist/ against SHA256SUMS, and against a build of this commit
	@$(TOOLS) .ci/verify-release

install: collection ## the collection for this user, and the short name for ansible -m patroni_install
	@$(TOOLS) ansible-galaxy collection install --force --collections-path $(COLLECTIONS) \
	  dist/pgedge-platform-$(VERSION).tar.gz
	@mkdir -p $(PLUGINS)/modules $(PLUGINS)/action
	@cp $(STAGE)/plugins/modules/*patroni_install* $(PLUGINS)/modules/
	@cp $(STAGE)/plugins/action/patroni_install.py $(PLUGINS)/action/

lint: stage ## every linter: Go, shell, YAML, Ansible
	@.ci/lint

options: ## the documentation, specifications and defaults of the module's options, from the table in options.go
	@$(TOOLS) go test ./modules/patroni_install -count 1 -run '^TestCopies$$' -update

docs: ## the documentation's site, in build/site
	@$(TOOLS) .ci/docs

unit: stage ## the tests of the Go code and of the collection's Python
	@$(TOOLS) go test -timeout 30m ./...
	@$(TOOLS) python -m pytest -q -p no:cacheprovider $(STAGE)/tests/unit

test: lint unit ## lint, unit tests and fault matrices, both families on real hosts, and a small cluster
	@molecule/run -j 2 cluster_short debian bad_cases rhel

test-day: stage ## one part of the long tests, each below 80 minutes: make test-day N=1; docs/tests.md lists them
	@.ci/day $(N)

test-all: lint ## everything, however long: race detector, double faults, all scenarios
	@for n in $$(.ci/day list | cut -d: -f1); do .ci/day $$n || exit 1; done

test-fresh: ## the README's two commands with an empty cache, as on a new machine
	@.ci/fresh make demo test

mutate: ## break the program in one place after the other: a test has to fail each time (half an hour)
	@$(TOOLS) .ci/mutate $(MUTANT)

fuzz: ## fuzz each target of the Go tests, FUZZTIME (10m) each; make unit runs their seeds
	@$(TOOLS) .ci/fuzz $(FUZZTIME)

lock: ## the lock file that the module brings, from what the package index has now
	@$(TOOLS) .ci/lock

molecule: stage ## one scenario: make molecule SCENARIO=debian
	@molecule/run $(SCENARIO)

test-cluster: stage ## a whole cluster: bad input, a lost leader, upgrade under load; the documented examples
	@molecule/run examples cluster

test-matrix: ## each way to use the module with each ansible-core; the short form: make test-matrix CORES=short
	@molecule/matrix/run $(CORES)

bench: stage ## first install and no-op run, as ratios to the same steps by Ansible's own modules
	@molecule/bench/run

demo: stage ## Patroni installed on a fresh Debian host in a container, and a second run
	@molecule/demo/run

clean: ## remove what was built (the cache stays: ~/.cache/pgedge-platform)
	@rm -rf build dist
