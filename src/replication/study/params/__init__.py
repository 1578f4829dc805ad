"""params.yaml as frozen, typed objects: `sections.py` has its entries, `profile.py` the whole and its reading."""

from replication.study.params.profile import Params, load_params
from replication.study.params.sections import (
    ANALYSES,
    Analysis,
    Card,
    Controls,
    Difficulty,
    Distribution,
    Errors,
    Example,
    Filters,
    Group,
    Model,
    ParameterError,
    Recipe,
    Run,
    Sampler,
    Statistics,
    Task,
    TestSet,
    TimedFamily,
    Timing,
    Weights,
    analysed_runs,
)
