# Everything a developer does here. `make` alone says what there is.
#
# One profile for all of it (--release), and always the whole workspace: a clean build of librdkafka
# and OpenSSL is paid for once.

SHELL := /bin/bash
export PATH := $(HOME)/.cargo/bin:$(PATH)

CARGO := cargo
ALL := --release --workspace
# Scenes on real brokers at a time: they wait for time-outs more than they compute.
SCENES := 4

.PHONY: help demo build test test-all pure bench soak drill fmt lint kafka

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

demo: build ## build it, then see three cities replicate to each other, without any Kafka installed
	target/release/crossdock rehearse topologies/three-cities.yaml

build:
	@scripts/need build
	$(CARGO) build $(ALL) --bin crossdock

test: kafka lint pure ## all tests, most of them on real Apache Kafka (fetched by Maven)
	$(CARGO) test $(ALL) --test '*' --no-fail-fast -- --test-threads=$(SCENES)

test-all: kafka lint pure ## the same and the long ones
	$(CARGO) test $(ALL) --test '*' --no-fail-fast -- --test-threads=$(SCENES) --include-ignored

pure: ## the tests that need no Kafka: milliseconds, once built
	@scripts/need build
	$(CARGO) test $(ALL) --lib --bins

bench: kafka ## crossdock against MirrorMaker 2, taking turns on two real brokers
	$(CARGO) build $(ALL) --bin crossdock --bin crossdock-bench
	target/release/crossdock-bench

# A seed of the clock's, printed, where none is given.
SECONDS_TO_SOAK := $(if $(filter command line,$(origin SECONDS)),$(SECONDS),600)
SEED ?= $(shell date +%s)
TOPOLOGY ?= all

soak: kafka ## all faults mixed from a seed: make soak SECONDS=600 SEED=1 TOPOLOGY=one-way|two-way|star|all
	$(CARGO) build $(ALL) --bin crossdock --bin crossdock-soak
	target/release/crossdock-soak --seconds $(SECONDS_TO_SOAK) --seed $(SEED) --topology $(TOPOLOGY)

drill: kafka ## failover and failback for real: a broker killed under load, and what it cost
	$(CARGO) build $(ALL) --bin crossdock --bin crossdock-drill
	target/release/crossdock-drill

kafka: ## fetch Apache Kafka's jars, once
	@scripts/need test
	@scripts/kafka

fmt: ## format the code
	$(CARGO) fmt --all

lint: ## format check and clippy, where they are installed
	@scripts/need build
	@if $(CARGO) fmt --version > /dev/null 2>&1; then $(CARGO) fmt --all --check; \
	else echo "rustfmt is not installed: format not checked" >&2; fi
	@if $(CARGO) clippy --version > /dev/null 2>&1; then $(CARGO) clippy $(ALL) --all-targets -- -D warnings; \
	else echo "clippy is not installed: not linted" >&2; fi
