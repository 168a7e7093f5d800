# Every target installs what it needs first; nothing has to be set up by hand.
SHELL := /bin/bash
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/node_modules/.bin:$(PATH)
export PYTHONPATH := $(CURDIR)
# Synthesis needs no account; asking an absent metadata service for one takes half a minute.
export AWS_EC2_METADATA_DISABLED := true
# What is imported once is compiled once, whatever the shell says.
export PYTHONDONTWRITEBYTECODE :=
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := 1

.PHONY: help setup hail demo test suite test-slow test-images images synth lint format

help:            ## this list
	@grep -hE '^[a-z%-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 16

setup:           ## install everything that is missing
	@python3 setup/install.py

demo: setup      ## make a sequencing run with known truth, run the whole platform on it, write demo-output/
	@genomics demo --output demo-output

test: setup      ## the whole test suite and lint, as CI runs them
	@$(MAKE) --no-print-directory --jobs 2 lint suite

suite: setup
	@pytest -m "not slow and not images" --numprocesses 4 --dist loadgroup --no-loadscope-reorder

test-slow: setup ## the long sweeps, and the property tests on new examples
	@pytest -m slow
	@pytest -m "hypothesis and not slow" --hypothesis-profile=default

hail:            ## install Hail too, an engine of the lake, which slow tests and benchmarks compare with
	@python3 setup/install.py --hail

test-images: setup ## build every tool's image and run it, with buildah and without an engine
	@BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs pytest -m images

images: setup    ## the tools' images, with docker or buildah
	@genomics images

bench-%: setup   ## one benchmark, such as bench-embedded_aws.start or bench-run_scan
	@python -m benchmarks.$*

synth: setup     ## cdk synth of every stack
	@cdk synth --quiet

lint: setup      ## ruff, mypy, import-linter, hadolint
	@ruff check . && ruff format --check .
	@mypy
	@lint-imports
	@hadolint batch_tools/*/Dockerfile

format: setup    ## let ruff put the code into shape
	@ruff check --fix --quiet . ; ruff format --quiet .
