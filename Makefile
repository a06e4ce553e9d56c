# Thin: the work is in the program and in scripts/with-engine. SETUP=no installs and starts nothing.
SHELL := /bin/bash
SETUP ?= yes
export SETUP

.PHONY: help bench bench-load verify test lint readme

help:
	@echo "make bench   set up what is missing, build, measure the quick suite, print the rated table"
	@echo "make bench-load   the load generator beside wrk and h2load (docs/performance.md)"
	@echo "make verify  build all frameworks, check each against the whole contract, print a table"
	@echo "make test    set up what is missing, run every test"
	@echo "make readme  rating, charts and report of the reference run, in README.md and docs/reference"
	@echo "make lint    formatting, clippy, dependency rules, unused dependencies"
	@echo "SETUP=no     install and start nothing"

bench:
	@scripts/with-engine bench cargo run --release --locked --package tiermark -- run quick $(BENCH_ARGS)

bench-load:
	@scripts/bench-load

verify:
	@scripts/with-engine verify cargo run --release --locked --package tiermark -- verify $(VERIFY_ARGS)

test:
	@scripts/with-engine test scripts/test

readme:
	@scripts/readme

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
	@# The program that `make bench` builds, without the features that are off.
	cargo check --workspace --locked
	@# With the features of `make test`, which builds nothing of it again.
	cargo test --quiet --workspace --all-features --locked --test architecture --test unused_dependencies
	@if command -v cargo-deny >/dev/null; then cargo deny --offline check bans licenses sources; else echo "cargo-deny is not installed (cargo install cargo-deny): dependency rules not checked"; fi
