"""From the files of single runs to tidy tables of all runs, with intervals: results/<profile>/summary/.

| file | one row for each | holds |
|---|---|---|
| estimates | run or item, test set, level, quantity | mean over images with its interval: replication.results.estimates |
| training, loss | run; run and block of steps | identity, size and final loss of each run; the loss curve |
| cost, machine.json | run; | what each training took, and on which machine; which machine timed |
| errors, recipe | see the modules of these names | normalized error by difficulty; the ablation of wrapper and recipe |
| timing | device, family, mode, variant | median seconds, median paired ratio to the baseline |
| counts | family, mode, variant, card | FLOPs, bytes, operations, and the least time on a GPU: replication.results.counts |
| filters | item, run, sigma_test, pixel | rows of the Jacobian: see replication.experiments.filters |
| leakage | test image | what of it is in the training set |
| difficulty | training set, quantity, sigma, place | see replication.experiments.difficulty |
| source.json | | fingerprint of each run and analysis, and the hash of all that was read |

The runs come from params.yaml, never from a listing of the folder: a removed run leaves files behind.
Unless all reported ones are there, current and whole, nothing is written.
"""
