# Thin: the work is in the program and in scripts/setup. SETUP=no installs and starts nothing.
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
	@echo "make lint    formatting, clippy, dependency rules"
	@echo "SETUP=no     install and start nothing"

bench:
	@scripts/with-engine bench cargo run --release --locked --package tiermark -- run quick $(BENCH_ARGS)

bench-load:
	@scripts/bench-load

verify:
	@scripts/with-engine verify cargo run --release --locked --package tiermark -- verify $(VERIFY_ARGS)

test:
	@scripts/with-engine test cargo test --workspace --locked --no-fail-fast

readme:
	@scripts/readme

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	@if command -v cargo-deny >/dev/null; then cargo deny --offline check bans licenses sources; else echo "cargo-deny is not installed (cargo install cargo-deny): dependency rules not checked"; fi
