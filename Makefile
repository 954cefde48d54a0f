# README's two commands are `make demo` and `make test`; `make check` is what CI asks for besides.
# Needs Python 3.11 or later and a C compiler; everything else goes into .venv.
#   make test PYTHON=python3.12 ARGS="-k golden -x"

PYTHON ?= python3
VENV ?= .venv
DEBUG_VENV ?= .venv-debug
ARGS ?=
BIN = $(VENV)/bin
# What reaches the kernel; the first with every small object of Python in a block of its own.
CLOSE_TESTS = $(patsubst %,tests/test_%.py,debug_build dip_kernel \
	dip_kernel_batches fuzz_corpus kernel)
KERNEL_TESTS = $(patsubst %,tests/test_%.py,codes compile differential dip_differential \
	dip_grouper extends group_file grouper large_schemes properties regions shapes_30 versions) \
	tests/test_golden.py::test_sample_by_both_groupers
KERNEL = $(wildcard grouper_core/*.pyx grouper_core/*.pxd) setup.py pyproject.toml

# GCC's sanitizers are built in where its library of them is there, which has to be loaded first.
CC_OF_PYTHON = $(shell $(PYTHON) -c 'import sysconfig; print(sysconfig.get_config_var("CC") or "cc")')
ASAN = $(shell echo 'int main(void) { return 0; }' | $(CC_OF_PYTHON) -fsanitize=address,undefined \
	-x c - -o /dev/null 2>/dev/null && $(CC_OF_PYTHON) -print-file-name=libasan.so | grep /)
# CPython frees little at its end, so leaks are not looked for.
SANITIZED = $(if $(ASAN),DRG_SANITIZE=1 LD_PRELOAD=$(ASAN) ASAN_OPTIONS=detect_leaks=0 \
	UBSAN_OPTIONS=print_stacktrace=1)
FUZZ_SECONDS ?= 20

.PHONY: demo test check lint types long debug fuzz bench dist wheelhouse clean

demo: $(VENV)/run.stamp
	$(BIN)/drg demo

test: $(VENV)/test.stamp
	$(BIN)/pytest -n auto --dist worksteal $(ARGS)

check: lint types test

lint: $(VENV)/test.stamp
	$(BIN)/ruff check .
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/cython-lint grouper_core

# Twice: the second time as Windows sees it, where much of os, signal and fcntl is not there.
types: $(VENV)/test.stamp
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/windows
	$(BIN)/stubtest --mypy-config-file pyproject.toml --allowlist tests/stubtest_allowlist.txt grouper_core

# The full golden files, the packages as they are shipped, instructions per claim.
long: $(VENV)/test.stamp
	$(BIN)/pytest -n auto --dist worksteal -m long $(ARGS)

# What reaches the kernel, again on one that checks indices into memoryviews and lists, and every
# address and operation where the compiler has sanitizers; in an environment of its own.
debug: $(DEBUG_VENV)/debug.stamp
	@test -n "$(ASAN)" || echo "NOT CHECKED: addresses in the kernel (the compiler has no sanitizers)"
	DRG_DEBUG=1 DRG_HYPOTHESIS=debug $(SANITIZED) PYTHONMALLOC=malloc \
		$(DEBUG_VENV)/bin/pytest -n auto --dist worksteal $(CLOSE_TESTS) $(ARGS)
	DRG_DEBUG=1 DRG_HYPOTHESIS=debug $(SANITIZED) \
		$(DEBUG_VENV)/bin/pytest -n auto --dist worksteal $(KERNEL_TESTS) $(ARGS)

# Inputs at random around those of tests/fuzz/corpus, guided by what they reach.
fuzz: $(VENV)/test.stamp
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "atheris>=3" || true
	$(BIN)/python tests/fuzz/run.py --seconds $(FUZZ_SECONDS) $(ARGS)

bench: $(VENV)/test.stamp
	$(BIN)/pytest --benchmark-enable --benchmark-only $(or $(ARGS),bench)

dist: $(VENV)/test.stamp
	$(BIN)/python -m build --outdir dist
	cd dist && $(abspath $(BIN))/python -c 'import hashlib, pathlib; pathlib.Path("SHA256SUMS").write_text( \
		"".join(f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}\n" \
		for p in sorted(pathlib.Path().glob("drg_engine-*"))), encoding="utf-8", newline="\n")'

# An offline bundle, PLATFORM=windows-amd64 PYTHON_VERSION=3.12 WHEEL=file for another machine.
wheelhouse: $(VENV)/test.stamp
	$(BIN)/python .ci/wheelhouse.py dist $(if $(PLATFORM),--platform $(PLATFORM)) \
		$(if $(PYTHON_VERSION),--python-version $(PYTHON_VERSION)) $(if $(WHEEL),--wheel $(WHEEL))

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
	DRG_DEBUG=1 DRG_SANITIZE=$(if $(ASAN),1,0) $(DEBUG_VENV)/bin/python -m pip install --quiet --disable-pip-version-check ".[all,test]"
	@touch $@
