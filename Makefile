# README's two commands are `make demo` and `make test`; `make check` is what CI asks for besides.
# Needs Python 3.11 or later and a C compiler; everything else goes into .venv.
#   make test PYTHON=python3.12 ARGS="-k golden -x"

PYTHON ?= python3
VENV ?= .venv
DEBUG_VENV ?= .venv-debug
ARGS ?=
BIN = $(VENV)/bin
KERNEL_TESTS = $(patsubst %,tests/test_%.py,codes compile debug_build differential \
	dip_differential dip_grouper dip_kernel dip_round_trip extends golden \
	group_file grouper kernel large_schemes properties regions shapes_30 synth versions)
KERNEL = $(wildcard grouper_core/*.pyx grouper_core/*.pxd) setup.py pyproject.toml

.PHONY: demo test check lint types long debug bench dist clean

demo: $(VENV)/run.stamp
	$(BIN)/drg demo

test: $(VENV)/test.stamp
	$(BIN)/pytest -n auto --dist worksteal $(ARGS)

check: lint types test

lint: $(VENV)/test.stamp
	$(BIN)/ruff check .
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/cython-lint grouper_core

types: $(VENV)/test.stamp
	$(BIN)/mypy
	$(BIN)/stubtest --mypy-config-file pyproject.toml --allowlist tests/stubtest_allowlist.txt grouper_core

# The full golden files, the packages as they are shipped, instructions per claim.
long: $(VENV)/test.stamp
	$(BIN)/pytest -n auto --dist worksteal -m long $(ARGS)

# What reaches the kernel, again on one that checks indices into memoryviews and lists (not raw C
# pointers), in an environment of its own.
debug: $(DEBUG_VENV)/debug.stamp
	DRG_DEBUG=1 $(DEBUG_VENV)/bin/pytest -n auto $(KERNEL_TESTS) $(ARGS)

bench: $(VENV)/test.stamp
	$(BIN)/pytest --benchmark-enable --benchmark-only $(or $(ARGS),bench)

dist: $(VENV)/test.stamp
	$(BIN)/python -m build --outdir dist

clean:
	rm -rf $(VENV) $(DEBUG_VENV) build dist *.egg-info grouper_core/*.so

# A stamp is newer than what it was made from, so a second call starts at once.
$(VENV)/pyvenv.cfg:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: $(VENV)/pyvenv.cfg $(KERNEL)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[all]"
	@touch $@

$(VENV)/test.stamp: $(VENV)/pyvenv.cfg $(KERNEL)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[all,test]"
	@touch $@ $(VENV)/run.stamp

$(DEBUG_VENV)/debug.stamp: $(KERNEL) $(wildcard drg/*.py drg/*/*.py drg/catalogue/*.toml tables/*/*/*)
	$(PYTHON) -m venv $(DEBUG_VENV)
	DRG_DEBUG=1 $(DEBUG_VENV)/bin/python -m pip install --quiet --disable-pip-version-check ".[all,test]"
	@touch $@
