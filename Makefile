# What a developer and the continuous integration run. `make` alone lists it.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
PYTHON ?= python3
# Tools and reference data live with what cargo builds, and go with it.
target := $(abspath $(or $(CARGO_TARGET_DIR),target))
tools := $(target)/tools
reference := $(target)/reference

# The folder of cases that some tests replay; they say so where it is absent.
CODAPE_SHARED ?= $(abspath ../shared)
# The reference programs, and their answers.
CODAPE_PYTHON ?= $(reference)/venv/bin/python
CODAPE_REFERENCE ?= $(reference)/data
# The tracking server that the registry is tested against.
MLFLOW_VERSION ?= 3.17.2
CODAPE_MLFLOW ?= $(reference)/venv-mlflow/bin/mlflow
# Python's client of S3, beside it.
BOTO3_VERSION := 1.44.5
# The S3 server that it is tested against.
GARAGE_VERSION := 2.5.0
GARAGE := $(tools)/garage-$(GARAGE_VERSION)
CODAPE_GARAGE ?= $(GARAGE)/bin/garage
# The programs that read the archives of business records.
CODAPE_TABLES_PYTHON ?= $(reference)/venv-tables/bin/python
export CODAPE_SHARED CODAPE_PYTHON CODAPE_REFERENCE CODAPE_MLFLOW CODAPE_GARAGE CODAPE_TABLES_PYTHON
# The client that downloads are compared with.
AWSCLI_VERSION := 1.46.3

CARGO_DENY_VERSION := 0.20.2
CARGO_FUZZ_VERSION := 0.13.2
CARGO_DENY := $(tools)/cargo-deny-$(CARGO_DENY_VERSION)
CARGO_FUZZ := $(tools)/cargo-fuzz-$(CARGO_FUZZ_VERSION)

# Executions of the long fuzz campaign.
RUNS ?= 10000000
# Processes that share them.
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

# Where the bundled package is made.
bundled := $(target)/bundled
# The folder of the official files that its model learns from; see models/naf-rev2/README.md.
SOURCES ?=

# Make runs one thing at a time here: cargo uses the cores already.
.NOTPARALLEL:
.PHONY: help run test unit fmt clippy doc deny invariants reference fuzz fuzz-short mlflow s3 tables awscli faults kills power reloads bench bench-batch bench-fetch bench-growth bench-journal bench-service bench-train bundled-package hostile

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: ## build and start the service on the package that the program carries
	$(CARGO) run --release --locked -p codape -- serve

test: ## install what the tests need, then run every check
	@$(MAKE) --no-print-directory reference \
	  || echo 'WARNING: no reference programs (above is why): the tests that compare with them will say that they were skipped' >&2
	@$(MAKE) --no-print-directory mlflow \
	  || echo 'WARNING: no MLflow (above is why): the tests that ask one will say that they were skipped' >&2
	@$(MAKE) --no-print-directory s3 \
	  || echo 'WARNING: no S3 server (above is why): the tests that ask one will say that they were skipped' >&2
	@$(MAKE) --no-print-directory tables \
	  || echo 'WARNING: no DuckDB (above is why): the test that asks it will say that it was skipped' >&2
	@$(MAKE) --no-print-directory fmt clippy unit invariants fuzz-short doc deny
	@if [ -f '$(CODAPE_REFERENCE)/manifest.json' ]; then echo 'make test: all passed'; \
	  else echo 'make test: passed, WITHOUT the comparison with the reference programs' >&2; fi

unit: ## the tests of all crates
	$(CARGO) test --locked --workspace

fmt: ## check the format of the code
	@$(CARGO) fmt --version >/dev/null 2>&1 || rustup component add rustfmt
	$(CARGO) fmt --all --check

clippy: ## lint the code; a warning is an error
	@$(CARGO) clippy --version >/dev/null 2>&1 || rustup component add clippy
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

doc: ## build the documentation; a warning is an error
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --workspace --no-deps

deny: $(CARGO_DENY) ## check licences, bans and sources of the dependencies
	'$(CARGO_DENY)/bin/cargo-deny' --workspace --locked check --hide-inclusion-graph licenses bans sources

invariants: ## check the invariants of ARCHITECTURE.md that are tests of their own
	$(CARGO) test --locked -p codape-testkit --test it invariants

reference: ## install the reference programs and write down their answers
	PYTHON='$(PYTHON)' scripts/install-python '$(reference)/venv'
	'$(CODAPE_PYTHON)' crates/codape-testkit/python/reference.py '$(reference)/data' --shared '$(CODAPE_SHARED)'

mlflow: ## install the tracking server that the tests of the registry ask, boto3, and what a model needs in Python
	PYTHON='$(PYTHON)' scripts/install-mlflow '$(reference)/venv-mlflow' $(MLFLOW_VERSION) $(BOTO3_VERSION)

s3: $(GARAGE) ## install the S3 server that the tests of the registry ask

tables: ## install DuckDB and pandas, which the tests of archives ask
	PYTHON='$(PYTHON)' scripts/install-tables '$(reference)/venv-tables'

awscli: ## install the client of S3 that downloads are compared with
	PYTHON='$(PYTHON)' scripts/install-aws '$(reference)/venv-aws' $(AWSCLI_VERSION)

fuzz: $(CARGO_FUZZ) ## fuzz the loader: RUNS executions, shared by JOBS processes (nightly)
	CARGO_FUZZ='$(CARGO_FUZZ)/bin/cargo-fuzz' RUNS='$(RUNS)' JOBS='$(JOBS)' scripts/fuzz

fuzz-short: ## the fuzz target's body on changed models, on stable Rust
	CODAPE_FUZZ_RUNS=200000 $(CARGO) test --locked -p codape-fasttext --test it -- fuzz_body

hostile: ## every prefix and every flipped bit of a 560 kB model
	CODAPE_HOSTILE=all $(CARGO) test --locked --release -p codape-fasttext --test it -- --nocapture damage

reloads: ## 200 good and 200 bad reloads of the service under load
	CODAPE_RELOADS=200 $(CARGO) test --locked --release -p codape --test it -- --nocapture reloads_cost_no_request

faults: ## 500 fetches under each fault of a network, from a real S3 and a real MLflow
	CODAPE_FAULTS=500 $(CARGO) test --locked --release -p codape-registry --test it -- --nocapture --test-threads 1 fetching::

kills: ## 1,000 kills of the service under load, each answer looked for in the archive
	CODAPE_KILLS=1000 $(CARGO) test --locked -p codape --test it -- --nocapture killing::

power: ## 30,000 power cuts under the journal and its archive, on a simulated disk
	CODAPE_POWER_CUTS=30000 $(CARGO) test --locked -p codape-journal --test it -- --nocapture power::

bench: ## time predictions against the official program and the fasttext crate
	scripts/bench

bench-growth: ## measure how the cost of a prediction grows, and plot it
	scripts/bench-growth

bench-fetch: awscli s3 ## time downloads of a model from S3 against AWS's own client
	$(CARGO) build --quiet --release --locked -p codape
	AWS='$(reference)/venv-aws/bin/aws' '$(PYTHON)' scripts/bench-fetch

bench-batch: ## time batch coding of ten million rows against pandas and the official fastText
	scripts/bench-batch

bench-journal: ## time answers at a steady rate, without and with a journal
	scripts/bench-journal

bench-service: ## compare the service with one in Python, under load
	scripts/bench-service

bench-train: ## time training against the same, and compare accuracy on public benchmarks
	scripts/bench-train

bundled-package: ## make models/naf-rev2 again: SOURCES is the folder of the official files
	$(CARGO) build --release --locked -p codape
	rm -rf '$(bundled)' && mkdir -p '$(bundled)'
	'$(PYTHON)' models/naf-rev2/corpus.py $(if $(SOURCES),--sources '$(SOURCES)') --output '$(bundled)/corpus.csv'
	'$(target)/release/codape' train-coder '$(bundled)/corpus.csv' --output '$(bundled)/package' \
	  --text libelle --code code --profile models/naf-rev2/cleaning.json --golden models/naf-rev2/golden.csv \
	  --test-share 0 --oversample 0 --seed 1 --thread 2 --loss softmax --lr 1 --epoch 8 --dim 100 \
	  --wordNgrams 2 --minn 3 --maxn 5 --bucket 200000 --quantize
	'$(PYTHON)' models/naf-rev2/evaluate.py --codape '$(target)/release/codape' --package '$(bundled)/package' \
	  --output '$(bundled)/package/metrics.json' models/naf-rev2/evaluation.csv
	cd '$(bundled)/package' && cp coder.json cleaning.json recipe.json model.ftz metrics.json '$(CURDIR)/models/naf-rev2/'

$(CARGO_DENY):
	scripts/install-tool cargo-deny $(CARGO_DENY_VERSION) '$@'

# One database, no metrics: half of what it would else be built with.
$(GARAGE):
	scripts/install-tool garage $(GARAGE_VERSION) '$@' --no-default-features --features bundled-libs,sqlite

$(CARGO_FUZZ):
	scripts/install-tool cargo-fuzz $(CARGO_FUZZ_VERSION) '$@'
