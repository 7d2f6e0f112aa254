# Every target calls one command; the logic is in builder/.
# Another spec: make image SPEC=cluster.yml

SPEC ?= examples/quickstart.yml
VENV := .venv
VIPFORGE := $(VENV)/bin/vipforge
PYTEST := $(VENV)/bin/pytest

.DEFAULT_GOAL := help
.PHONY: help setup image seeds lab-up lab-status lab-down verify rehearse proof test test-fast lint bench clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/complete ## Install what vipforge needs: .venv/ and Debian packages

$(VENV)/complete: scripts/setup.sh requirements.lock pyproject.toml debian-packages.txt
	@scripts/setup.sh

$(VENV)/test-complete: $(VENV)/complete tests/debian-packages.txt
	@scripts/setup.sh tests/debian-packages.txt
	@touch $@

image: setup ## Bake the appliance of SPEC (examples/quickstart.yml)
	@$(VIPFORGE) image $(SPEC)

seeds: setup ## Write each node's seed ISO
	@$(VIPFORGE) seed $(SPEC)

lab-up: setup ## Boot the pair on this host
	@$(VIPFORGE) lab up $(SPEC)

lab-status: setup ## Show who holds the VIP
	@$(VIPFORGE) lab status $(SPEC)

lab-down: setup ## Stop the pair and remove all of it
	@$(VIPFORGE) lab down $(SPEC)

verify: setup ## Check the running pair
	@$(VIPFORGE) verify $(SPEC)

rehearse: setup ## Break the pair in namespaces and measure what clients feel (as root)
	@$(VIPFORGE) rehearse $(SPEC)

proof: setup ## The same on the running pair
	@$(VIPFORGE) proof $(SPEC)

test: $(VENV)/test-complete ## Run every test: bakes, boots and breaks a pair as well
	@$(PYTEST)

test-fast: $(VENV)/test-complete ## Run the unit tests and the linters
	@$(PYTEST) -m "not integration and not e2e"

lint: setup ## Run the linters alone
	@$(PYTEST) tests/unit/test_linters.py

bench: setup ## Time bakes beside other ways to make the image: hours
	@$(VENV)/bin/python -m benchmarks.bake $(BENCH)

clean: ## Remove .venv/ and build/
	@rm -rf $(VENV) build
