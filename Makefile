# Each target runs one command; the logic is in builder/.
# To use another spec: make image SPEC=cluster.yml

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

$(VENV)/test-complete: $(VENV)/complete tests/debian-packages.txt tests/requirements.lock tests/clients/package-lock.json
	@scripts/setup.sh tests/debian-packages.txt
	@$(VENV)/bin/pip install -qq --disable-pip-version-check --require-hashes -r tests/requirements.lock
	@$(VENV)/bin/python -m tests.clients
	@touch $@

image: setup ## Bake the appliance of SPEC (default: examples/quickstart.yml)
	@$(VIPFORGE) image $(SPEC)

seeds: setup ## Write the seed ISO of each node
	@$(VIPFORGE) seed $(SPEC)

lab-up: setup ## Boot the pair on this host
	@$(VIPFORGE) lab up $(SPEC)

lab-status: setup ## Show which node holds each VIP
	@$(VIPFORGE) lab status $(SPEC)

lab-down: setup ## Stop the pair and remove everything
	@$(VIPFORGE) lab down $(SPEC)

verify: setup ## Check the running pair
	@$(VIPFORGE) verify $(SPEC)

rehearse: setup ## Break a pair in network namespaces and measure outages (as root)
	@$(VIPFORGE) rehearse $(SPEC)

proof: setup ## Break the running pair and measure outages
	@$(VIPFORGE) proof $(SPEC)

test: $(VENV)/test-complete ## Run all tests, including baking, booting and breaking a pair
	@$(PYTEST)

test-fast: $(VENV)/test-complete ## Run the unit tests and the linters
	@$(PYTEST) -m "not integration and not e2e"

lint: setup ## Run only the linters
	@$(PYTEST) tests/unit/test_linters.py

bench: setup ## Compare bake times with other ways to make the image (takes hours)
	@$(VENV)/bin/python -m benchmarks.bake $(BENCH)

clean: ## Remove .venv/ and build/
	@rm -rf $(VENV) build
