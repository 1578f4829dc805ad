# make env | repro | verify | test | test-fast | slurm | figures | paper | notebooks | check | smoke | site | torture | lint.
# Each sets up .venv when it is absent; env does nothing else.
# In an activated environment of your own (conda): make <target> VENV=none
PYTHON ?= python3
VENV ?= .venv
PROFILE ?= default

ifeq ($(VENV),none)
  READY :=
else
  READY := $(VENV)/.installed
  export PATH := $(abspath $(VENV))/bin:$(PATH)
endif
SITE ?= build/site
DIRECTORY := $(if $(filter default,$(PROFILE)),.,profiles/$(PROFILE))

.PHONY: env repro verify test test-fast slurm figures paper notebooks check smoke site torture lint lock clean

env: $(READY)

repro: $(READY) .dvc/tmp
	dvc repro $(DIRECTORY)/dvc.yaml

# Did the rerun give the committed results again? Names the files that differ, and by how much.
verify: $(READY)
	replicate verify --params $(DIRECTORY)/params.yaml

# A file's tests share what they make. Files in the order of tests/conftest.py: the longest first.
PARALLEL := --numprocesses 2 --dist loadfile --no-loadscope-reorder

# The smoke profile's whole pipeline is one of the tests.
test: $(READY)
	python -m pytest -m "not slurm" $(PARALLEL)

# Without the pipeline, the wheel, the notebooks, compilation and other tests of more than some seconds.
test-fast: $(READY)
	python -m pytest tests -m "not pipeline and not slow and not slurm" $(PARALLEL)

# The smoke profile on a SLURM of one node that the test starts itself; as root, on Debian or Ubuntu.
slurm: $(READY)
	command -v slurmctld >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends slurmctld slurmd slurm-client munge; }
	python -m pytest tests/slurm -m slurm -s

# From the committed results: no checkpoints. Other profiles: make figures PROFILE=bsd400
figures: $(READY)
	replicate figures --params $(DIRECTORY)/params.yaml
	replicate tables --params $(DIRECTORY)/params.yaml

paper:
	@command -v latexmk >/dev/null || { echo "error: no latexmk; install LaTeX: apt-get update && apt-get install -y latexmk texlive-latex-recommended (Debian, Ubuntu), or TeX Live" >&2; exit 1; }
	cd paper && SOURCE_DATE_EPOCH=0 FORCE_SOURCE_DATE=1 latexmk -pdf -quiet -interaction=nonstopmode -halt-on-error -output-directory=build/$(PROFILE) -usepretex='\def\profile{$(PROFILE)}' main.tex
	cp paper/build/$(PROFILE)/main.pdf results/$(PROFILE)/report.pdf
	@echo "results/$(PROFILE)/report.pdf"

# Do the committed results belong to this code and these parameters? Runs nothing; names the stages that would run.
check: $(READY) .dvc/tmp
	replicate check --params $(DIRECTORY)/params.yaml

# From the committed results as well; those alone whose source, results or code have changed.
notebooks: $(READY) .dvc/tmp
	dvc repro -s notebooks/dvc.yaml

# One thread: on networks this small a second one only waits for the first.
smoke: $(READY) .dvc/tmp
	OMP_NUM_THREADS=1 dvc repro profiles/smoke/dvc.yaml

# The documentation as web pages, all of them anew, as navigation and warnings concern every page. Needs no network.
site: $(READY) build/pictures
	sphinx-build --quiet --fail-on-warning --keep-going --fresh-env --write-all -b html -c docs . $(SITE)
	@echo "$(SITE)/index.html"

build/pictures: $(wildcard docs/site/*.py docs/site/*.jinja src/wne/*.py src/wne/models/*.py results/bsd400/weights/*.safetensors)
	python -m docs.site.pictures $@

# Stages killed at random moments, damaged files, bad servers; writes docs/robustness.md. A quarter of an hour.
torture: $(READY)
	PYTHONPATH=src:tests OMP_NUM_THREADS=1 python -m torture

lint: $(READY)
	ruff check src tests benchmarks docs hubconf.py
	ruff format --check src tests benchmarks docs hubconf.py

# The pinned versions, for every platform; keeps those that are pinned already. Needs uv.
lock:
	uv pip compile pyproject.toml --universal --python-version 3.11 --extra cli --extra repro --extra docs --extra test \
	  --quiet --no-header --no-annotate --no-emit-index-url --output-file requirements.lock

clean:
	rm -rf build paper/build .pytest_cache .ruff_cache .hypothesis

$(VENV)/.installed: requirements.lock pyproject.toml
	@echo "setting up $(VENV) (about 6 GB with torch's CUDA libraries; some minutes)"
	@$(PYTHON) -c 'import sys; sys.exit("error: Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable . --editable src/replication
	touch $@

# DVC needs a git repository; a zip download has none.
.dvc/tmp:
	@git rev-parse --git-dir >/dev/null 2>&1 || { echo "note: no git repository here (a zip download?): telling DVC to go without"; dvc config --local core.no_scm true; }
	@mkdir -p .dvc/tmp
