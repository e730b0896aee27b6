# Tenet.  `make` lists the targets; every target that needs .venv makes it first.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.NOTPARALLEL:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PIP := -m pip --disable-pip-version-check --no-input
INSTALLED := $(VENV)/.installed
RYU_VENV := .venv-ryu
RYU_INSTALLED := $(RYU_VENV)/.installed
IDENTITY_VENV := .venv-identity
IDENTITY_INSTALLED := $(IDENTITY_VENV)/.installed
TEMPEST_VENV := .venv-tempest
TEMPEST_INSTALLED := $(TEMPEST_VENV)/.installed
export PATH := $(PATH):/usr/sbin:/sbin

# Suites that use sockets, switches or disks; every other folder of tests/ is pure and belongs to test-unit.
SUITES := store openflow ovsdb api servers hostile identity clients tempest e2e mininet cluster
UNIT := $(filter-out $(addprefix tests/,$(addsuffix /,$(SUITES) lab bench)),$(wildcard tests/*/)) $(wildcard tests/test_*.py)
UNIT := $(filter-out tests/__pycache__/,$(UNIT))

# Pure tests take all of the processor: one process a core.
EVERY_CORE := -n auto --dist worksteal

OPENVSWITCH := openvswitch-switch:ovs-vswitchd openvswitch-switch:ovsdb-server openvswitch-common:ovs-ofctl
LAB := $(OPENVSWITCH) iproute2:ip ethtool:ethtool iputils-ping:ping procps:ps
CERTIFICATES := openssl:openssl
DHCP_CLIENTS := isc-dhcp-client:dhclient udhcpc:udhcpc dhcpcd-base:dhcpcd ndisc6:rdisc6
ETCD := etcd-server:etcd
SERVERS := bind9:named bind9-dnsutils:nsupdate kea-dhcp4-server:kea-dhcp4 kea-dhcp6-server:kea-dhcp6 iproute2:ip
OVN := ovn-central:ovn-northd ovn-host:ovn-controller iperf3:iperf3

# Of test-cluster, what has sites of its own, and what runs with patched sockets: half of the time, beside the rest.
CLUSTER_SITES := $(foreach name,minute partitions secure space upgrade wired,tests/cluster/test_$(name).py)
CLUSTER_PATCHED := tests/cluster/test_etcd_members.py

.PHONY: help install run lint format test test-unit test-store test-openflow test-ovsdb test-api test-servers test-hostile test-identity test-tempest \
        test-e2e test-mininet test-cluster test-ryu \
        bench bench-peers soak demo demo-cluster clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

install: $(INSTALLED)  ## .venv with every package pinned, and Tenet itself (editable)

$(INSTALLED): requirements.txt requirements-dev.txt pyproject.toml
	@tools/venv.sh $(VENV)
	$(BIN)/python $(PIP) install --quiet -r requirements-dev.txt
	$(BIN)/python $(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

run: install  ## the controller, with nothing to configure
	@exec $(BIN)/tenet run

lint: install  ## ruff (rules and format), mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install  ## put the source into its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: test-unit test-store test-openflow test-ovsdb test-api test-servers test-hostile test-identity test-tempest test-ryu test-e2e test-mininet test-cluster  ## every suite, in this order, until one fails
	@echo "all suites passed"

test-unit: install  ## the pure parts: no sockets, no switches
	$(BIN)/pytest -q $(EVERY_CORE) $(UNIT)

test-store: install  ## the store's contract and its engines, on a real etcd
	@tools/need.sh $(ETCD) $(CERTIFICATES)
	$(BIN)/pytest -q tests/store

test-openflow: install  ## OpenFlow against simulated and real switches, and hostile peers
	@tools/need.sh $(OPENVSWITCH) $(CERTIFICATES)
	$(BIN)/pytest -q tests/openflow

test-ovsdb: install  ## OVSDB against real servers, and hostile peers
	@tools/need.sh $(OPENVSWITCH) $(CERTIFICATES)
	$(BIN)/pytest -q tests/ovsdb

test-api: install  ## both tenant APIs
	@tools/need.sh $(OPENVSWITCH) $(CERTIFICATES) util-linux:setpriv
	$(BIN)/pytest -q tests/api

test-servers: install  ## a real BIND that names are published on, a real Kea behind the DHCP relay (root)
	@tools/need.sh $(SERVERS) $(LAB) $(DHCP_CLIENTS)
	$(BIN)/pytest -q tests/servers

# The table of rights and the description of the API with tenants' tokens are among the tests of the API.
RIGHTS := $(foreach name,rights isolation_everywhere streams slow,tests/api/test_$(name).py) \
    "tests/api/test_schemathesis.py::test_whatever_is_asked_is_answered_as_described[coverage-tenant]"

test-hostile: install  ## tenants, clients and hosts that mean harm: rights, cost, slow clients, lying hypervisors
	@tools/need.sh $(OPENVSWITCH) $(CERTIFICATES) util-linux:setpriv
	$(BIN)/pytest -q tests/hostile $(RIGHTS)

test-identity: install $(IDENTITY_INSTALLED)  ## a real Keystone, and OpenStack's own clients
	@tools/need.sh $(OPENVSWITCH) util-linux:setpriv
	$(BIN)/pytest -q tests/identity tests/clients

$(IDENTITY_INSTALLED): requirements-identity.txt
	@tools/venv.sh $(IDENTITY_VENV)
	$(IDENTITY_VENV)/bin/python $(PIP) install --quiet -r requirements-identity.txt
	@touch $@

test-tempest: install $(IDENTITY_INSTALLED) $(TEMPEST_INSTALLED)  ## Tempest's API tests, with a real Keystone
	@tools/need.sh $(OPENVSWITCH) util-linux:setpriv
	$(BIN)/pytest -q tests/tempest
	@directory=$$(mktemp -d); trap 'rm -rf "$$directory"' EXIT; $(BIN)/python -m tests.tempest.run "$$directory/run"

$(TEMPEST_INSTALLED): requirements-tempest.txt
	@tools/venv.sh $(TEMPEST_VENV)
	$(TEMPEST_VENV)/bin/python $(PIP) install --quiet -r requirements-tempest.txt
	@touch $@

test-e2e: install  ## hypervisors, VMs and packets on real Open vSwitch (root)
	@tools/need.sh $(LAB) $(CERTIFICATES) $(DHCP_CLIENTS) $(SERVERS) cloud-init:cloud-init curl:curl \
	    bind9-dnsutils:dig dnsmasq-base:dnsmasq
	$(BIN)/pytest -q tests/e2e

# more random topologies than three: TENET_TEST_GRAPHS=20 make test-mininet
test-mininet: install  ## wired switches, experiments and physical networks on Mininet, in namespaces of their own (root)
	@tools/need.sh $(LAB) $(DHCP_CLIENTS) mininet:mn curl:curl jq:jq iperf3:iperf3 bind9-dnsutils:dig
	tools/alone.sh $(BIN)/pytest -q tests/mininet

test-cluster: install  ## members of etcd and of Tenet that die, stop and are cut off (root)
	@tools/need.sh $(LAB) $(ETCD) $(CERTIFICATES) $(DHCP_CLIENTS) faketime:faketime
	@tools/together.sh "$(BIN)/pytest -q tests/cluster $(addprefix --ignore ,$(CLUSTER_SITES) $(CLUSTER_PATCHED))" \
	    "$(BIN)/pytest -q $(CLUSTER_PATCHED) && $(BIN)/pytest -q $(CLUSTER_SITES)"

test-ryu: $(RYU_INSTALLED)  ## the same on ryu 4.34, in a venv of its own
	@tools/need.sh $(OPENVSWITCH) $(CERTIFICATES)
	TENET_FRAMEWORK=ryu $(RYU_VENV)/bin/python -m pytest -q -p no:cacheprovider $(EVERY_CORE) $(UNIT)
	TENET_FRAMEWORK=ryu $(RYU_VENV)/bin/python -m pytest -q -p no:cacheprovider tests/openflow

# ryu 4.34 builds with setuptools before 58 only, and not in isolation, where pip would take a newer one
$(RYU_INSTALLED): requirements-ryu.txt
	@tools/venv.sh $(RYU_VENV)
	$(RYU_VENV)/bin/python $(PIP) install --quiet "$$(grep ^setuptools== requirements-ryu.txt)" "$$(grep ^wheel== requirements-ryu.txt)"
	$(RYU_VENV)/bin/python $(PIP) install --quiet --no-build-isolation -r requirements-ryu.txt
	@touch $@

bench: install  ## the figures of tests/bench, on real Open vSwitch (root)
	@tools/need.sh $(LAB) $(ETCD) $(OVN) dnsmasq-base:dnsmasq
	$(BIN)/python -m tests.bench

bench-peers: install  ## Debian's OVN and Tenet in turns, on as many hypervisors each (root)
	@tools/need.sh $(LAB) $(OVN)
	$(BIN)/python -m tests.bench.peers

# a shorter attack than ten minutes: ATTACK_SECONDS=60 .venv/bin/python -m tests.soak attack
soak: install  ## everything at once on real Open vSwitch, then in a cluster, then an attack on one; all must be right (root)
	@tools/need.sh $(LAB) $(ETCD) $(CERTIFICATES)
	$(BIN)/python -m tests.soak
	$(BIN)/python -m tests.soak cluster
	$(BIN)/python -m tests.soak attack

demo: install  ## two tenants with equal addresses on three hypervisors, live (root)
	@tools/need.sh $(LAB)
	@exec $(BIN)/python -m tools.demo

demo-cluster: install  ## three members over one etcd on this machine, one of which dies (root)
	@tools/need.sh $(LAB) $(ETCD)
	@exec $(BIN)/python -m tools.demo_cluster

clean:  ## remove what make made, except var/ (the store)
	rm -rf $(VENV) $(RYU_VENV) $(IDENTITY_VENV) $(TEMPEST_VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
