# Everything that is needed is found or made: `make rds-apply` on a fresh machine with Rust does it all.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

ENV ?= local
export ENV

# Tests wait for servers more than they compute.
export RUST_TEST_THREADS ?= $(shell echo $$(( 2 * $$(getconf _NPROCESSORS_ONLN) )))

RDS := "$${CARGO_TARGET_DIR:-target}/release/goldenpath-rds"
# Given on make's command line, so they are in the environment, where no quoting can go wrong.
IDS := $${BUILD_ID:+--build-id "$$BUILD_ID"} $${RUN_ID:+--run-id "$$RUN_ID"}

# The local stack is thrown away afterwards, so there nobody needs to be asked.
ifeq ($(ENV),local)
RDS := scripts/local-stack run $(RDS)
AUTO_APPROVE ?= true
endif

.PHONY: help
help: ## Show this list
	@echo 'make TARGET [ENV=local|dev|…] [BUILD_ID=…] [RUN_ID=…] [AUTO_APPROVE=true] [ARGS="…"]'
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' Makefile | while IFS=$$'\t' read -r target text; do \
		printf '  %-12s %s\n' "$$target" "$$text"; done

.PHONY: build
build: ## Build the release executable
	@scripts/prerequisites build
	@cargo build --release --locked

.PHONY: rds-plan
rds-plan: build ## Show what rds-apply would change, and change nothing
	@$(RDS) plan --env "$$ENV" $(IDS) $(ARGS)

.PHONY: rds-apply
rds-apply: build ## Make the server and its secrets match envs/ENV-rds (ENV=local starts a local stack)
	@$(RDS) apply --env "$$ENV" $(IDS) $(if $(filter true,$(AUTO_APPROVE)),--auto-approve) $(ARGS)

.PHONY: local-up
local-up: ## Start the local stack: PostgreSQL as on RDS, and Secrets Manager
	@scripts/local-stack up
	@scripts/local-stack status

.PHONY: local-down
local-down: ## Stop the local stack and remove its data
	@scripts/local-stack down

.PHONY: local-env
local-env: ## Print what points psql and aws at it: eval "$(make -s local-env)"
	@scripts/local-stack env

.PHONY: test
test: ## Run all tests (ARGS="-- NAME" for some)
	@scripts/prerequisites test
	@scripts/venv requirements-local.txt
	@GOLDENPATH_TEST_PGBIN="$$(scripts/find-postgres)" \
		GOLDENPATH_TEST_MOTO="$$PWD/.local/venv/bin/moto_server" \
		cargo test --locked $(ARGS)

# Which servers `make test-matrix` runs the suite on.
POSTGRES ?= 14 15 16 17 18

.PHONY: test-matrix
test-matrix: ## Run the tests on PostgreSQL 14 to 18, downloaded into .local (POSTGRES="16 17" for some)
	@scripts/prerequisites test
	@scripts/venv requirements-local.txt
	@for major in $(POSTGRES); do \
		bin=$$(.local/venv/bin/python scripts/fetch-postgres.py "$$major"); \
		echo "PostgreSQL $$major: $$("$$bin/postgres" --version)"; \
		GOLDENPATH_TEST_PGBIN="$$bin" GOLDENPATH_TEST_MOTO="$$PWD/.local/venv/bin/moto_server" \
			cargo test --locked --test it $(ARGS); \
	done

.PHONY: test-containers
test-containers: ## Run the tests on the images postgres:14 to postgres:18, where a Docker daemon answers
	@scripts/prerequisites test
	@scripts/venv requirements-local.txt
	@docker info >/dev/null 2>&1 || { \
		echo 'error: no Docker daemon answers here, and these tests run on the images postgres:14 to postgres:18'; \
		echo 'hint: start one, or run `make test-matrix`, which needs none'; \
		exit 1; } >&2
	@for major in $(POSTGRES); do \
		echo "postgres:$$major"; \
		GOLDENPATH_TEST_POSTGRES="container:postgres:$$major" \
			GOLDENPATH_TEST_MOTO="$$PWD/.local/venv/bin/moto_server" \
			cargo test --locked --test it $(ARGS); \
	done

.PHONY: test-faults
test-faults: ## Let every request and statement fail, and kill runs at each (make test does a part)
	@scripts/prerequisites test
	@scripts/venv requirements-local.txt
	@GOLDENPATH_TEST_FAULTS=all GOLDENPATH_TEST_PGBIN="$$(scripts/find-postgres)" \
		GOLDENPATH_TEST_MOTO="$$PWD/.local/venv/bin/moto_server" \
		cargo test --locked --test it -- --nocapture faults::

.PHONY: bench
bench: ## Time the reading of 5,000 entries
	@cargo bench --locked --bench tfvars

.PHONY: lint
lint: ## Check formatting, lints, scripts, workflows and (where cargo-deny is installed) dependencies
	@scripts/prerequisites lint
	@scripts/venv requirements-lint.txt
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	.local/venv/bin/shellcheck --external-sources --source-path=SCRIPTDIR \
		$$(grep -lE '^#!.*bash|shellcheck shell=bash' scripts/* .ci/* .github/scripts/*)
	.local/venv/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	.local/venv/bin/check-jsonschema --builtin-schema vendor.github-actions .github/actions/*/action.yml
	.local/venv/bin/zizmor --offline --quiet .github
	@if command -v cargo-deny >/dev/null; then \
		set -x; cargo deny --locked check bans licenses sources; \
	else echo 'cargo deny: skipped: cargo-deny is not installed'; fi

.PHONY: fmt
fmt: ## Format the Rust code
	@cargo fmt

.PHONY: clean
clean: local-down ## Remove all that was built or installed here
	rm -rf target .local
