# `make demo` and `make test` need Python 3.10 or newer and nothing else; the rest is for developers.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo test browser test-fast test-tf test-peft test-gliner test-ray test-transformers5 test-lowest coverage docs fuzz bench gpu lint types format clean

$(INSTALLED): setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable '.[dev]'
	touch $@

# STEPS: how long to train; the default takes about five minutes on two cores. TEXT: what to look at.
STEPS ?= 400
TEXT ?= Lena Brandt joined Siemens in Munich last Monday and bought a Kindle.
demo: $(INSTALLED)
	$(BIN)/python -m spacy project run all projects/quickstart --vars.steps $(STEPS) \
		--vars.text "$(TEXT)"

# One process a core, with one thread each.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal
test: $(INSTALLED)
	$(PYTEST) $(PYTEST_ARGS)

# What the tests of the service's page need: Playwright, and Chromium from the system's packages. Without
# either, these tests are skipped.
CHROMIUM := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
browser: $(VENV)/.browser
$(VENV)/.browser: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt playwright
	$(if $(CHROMIUM),,{ apt-get update -qq && \
		apt-get install -y -qq --no-install-recommends chromium >/dev/null; } || \
		echo "Chromium can't be installed, so its tests are skipped")
	touch $@

# What is not marked `slow`: for every change, while it is made.
test-fast: $(INSTALLED)
	$(PYTEST) -m 'not slow' $(PYTEST_ARGS)

# The lines of the package that the whole suite runs, those of its subprocesses too.
coverage: $(INSTALLED)
	$(PYTEST) --cov --cov-report=term-missing:skip-covered $(PYTEST_ARGS)

# The documentation as a site, in build/site. A link or an anchor that is wrong is an error.
docs: $(INSTALLED)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict

# Damaged files and stopped saves: everything that `make test` has some of. See docs/reliability.md.
fuzz: $(INSTALLED)
	SPACY_DEBERTA_FUZZ=long $(PYTEST) tests/fuzz $(PYTEST_ARGS)

# TensorFlow has an environment of its own: its releases and those of PyTorch want different ones of
# what they share.
TF_VENV := .venv-tf
$(TF_VENV)/.installed: Makefile
	$(PYTHON) -m venv $(TF_VENV)
	$(TF_VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
		'tensorflow==2.21.*' 'tf-keras==2.21.*' 'transformers==4.53.2' h5py numpy
	touch $@

test-tf: $(INSTALLED) $(TF_VENV)/.installed
	SPACY_DEBERTA_TF_PYTHON=$(TF_VENV)/bin/python $(PYTEST) -m tf $(PYTEST_ARGS)

PEFT_VENV := .venv-peft
$(PEFT_VENV)/.installed: Makefile
	$(PYTHON) -m venv $(PEFT_VENV)
	$(PEFT_VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
		'peft==0.21.*' 'transformers==4.53.2' 'torch==2.13.*'
	touch $@

test-peft: $(INSTALLED) $(PEFT_VENV)/.installed
	SPACY_DEBERTA_PEFT_PYTHON=$(PEFT_VENV)/bin/python $(PYTEST) \
		tests/checkpoints/layouts/test_adapters.py $(PYTEST_ARGS)

GLINER_VENV := .venv-gliner
$(GLINER_VENV)/.installed: Makefile
	$(PYTHON) -m venv $(GLINER_VENV)
	$(GLINER_VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
		'gliner==0.2.29' 'gliner-spacy==0.0.11' 'torch==2.13.*' protobuf sentencepiece
	touch $@

test-gliner: $(INSTALLED) $(GLINER_VENV)/.installed
	SPACY_DEBERTA_GLINER_PYTHON=$(GLINER_VENV)/bin/python $(PYTEST) \
		tests/pipeline/gliner/test_against_gliner.py $(PYTEST_ARGS)

RAY_VENV := .venv-ray
$(RAY_VENV)/.installed: Makefile setup.cfg constraints.txt
	$(PYTHON) -m venv $(RAY_VENV)
	$(RAY_VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable '.[ray]' hypothesis pytest pytest-xdist
	touch $@

# One process: Ray starts its own.
test-ray: $(RAY_VENV)/.installed
	OMP_NUM_THREADS=1 $(RAY_VENV)/bin/python -m pytest tests/annotation/test_ray.py $(PYTEST_ARGS)

# spacy-transformers wants transformers 4. Without it, transformers may be new: it is only what tests
# compare with. Some test modules need its old tokenizer, and are not among these.
TRANSFORMERS5_VENV := .venv-transformers5
PORTABLE_TESTS := tests/checkpoints/repository tests/layers/listening tests/layers/test_span_getters.py \
	tests/models tests/nn/test_parity.py tests/pipeline/transformer \
	$(addprefix tests/pipeline/test_,composition.py documents_without_rows.py predicting.py saving.py) \
	tests/cli/test_migrate_config.py tests/tokenization/test_saving_for_transformers.py
$(TRANSFORMERS5_VENV)/.installed: Makefile setup.cfg constraints.txt
	$(PYTHON) -m venv $(TRANSFORMERS5_VENV)
	grep -v 'transformers\|^tokenizers\|^huggingface-hub' constraints.txt \
		> $(TRANSFORMERS5_VENV)/constraints.txt
	$(TRANSFORMERS5_VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
		--constraint $(TRANSFORMERS5_VENV)/constraints.txt --editable '.[serve]' \
		'transformers>=5.3,<6' h5py hypothesis matplotlib protobuf pytest pytest-xdist
	touch $@

test-transformers5: $(TRANSFORMERS5_VENV)/.installed
	OMP_NUM_THREADS=1 $(TRANSFORMERS5_VENV)/bin/python -m pytest -n auto --dist worksteal \
		$(PORTABLE_TESTS) $(PYTEST_ARGS)

# The lowest versions that setup.cfg allows, but for torch, whose old releases bring CUDA.
LOWEST_VENV := .venv-lowest
$(LOWEST_VENV)/.installed: Makefile setup.cfg constraints.txt
	$(PYTHON) -m venv $(LOWEST_VENV)
	sed -n '/^install_requires/,/^$$/s/^ *\([^>]*\)>=\([^,]*\).*/\1==\2/p' setup.cfg \
		| grep -v '^torch' > $(LOWEST_VENV)/constraints.txt
	grep '^torch' constraints.txt >> $(LOWEST_VENV)/constraints.txt
	$(LOWEST_VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
		--constraint $(LOWEST_VENV)/constraints.txt --editable '.[serve]' \
		'transformers==4.53.2' h5py hypothesis matplotlib protobuf pytest pytest-xdist
	touch $@

test-lowest: $(LOWEST_VENV)/.installed
	OMP_NUM_THREADS=1 $(LOWEST_VENV)/bin/python -m pytest -n auto --dist worksteal \
		tests/tokenization/engines $(PORTABLE_TESTS) $(PYTEST_ARGS)

# What is measured on: a vocabulary, documents and entities; see docs/performance.md.
VOCABULARY ?= spm.model
DOCUMENTS ?= projects/parsing_ud_ewt/assets/en_ewt-ud-test.conllu
ENTITIES ?= projects/ner_wnut17/assets/wnut17train.conll
BENCH_ARGS ?=
$(VENV)/.bench: $(INSTALLED) benchmarks/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --requirement benchmarks/requirements.txt
	touch $@

bench: $(VENV)/.bench $(GLINER_VENV)/.installed
	$(BIN)/python -m benchmarks run --vocabulary $(VOCABULARY) --documents $(DOCUMENTS) \
		--entities $(ENTITIES) --gliner-python $(GLINER_VENV)/bin/python $(BENCH_ARGS)

# All that needs a GPU, in eight minutes: checks, then measurements; see CONTRIBUTING.md. With an archive
# of packages in .gpu, nothing is installed, and PYTHON is the one that has PyTorch and CuPy.
DATA ?=
GPU_ARGS ?=
ARCHIVE := $(wildcard .gpu/site.tar.xz)
gpu: $(if $(ARCHIVE),,$(VENV)/.bench .gpu/spm.model)
	$(if $(ARCHIVE),$(PYTHON),$(BIN)/python) -m benchmarks.gpu $(GPU_ARGS)

.gpu/spm.model: $(INSTALLED)
	$(BIN)/python -m benchmarks.gpu.pack --vocabulary $(VOCABULARY) $(if $(DATA),--data $(DATA))

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED)
	$(BIN)/mypy

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) $(TF_VENV) $(PEFT_VENV) $(GLINER_VENV) $(RAY_VENV) $(TRANSFORMERS5_VENV) build dist *.egg-info
	rm -rf $(foreach part,corpus training metrics packages pages,$(wildcard projects/*/$(part)))
