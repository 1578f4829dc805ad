"""From the files of single runs to tidy tables of all runs, with intervals: results/<profile>/summary/.

| table | one row for each | holds |
|---|---|---|
| curves | run, test set, sigma_test | mean PSNR and SSIM (two variants) over images, with intervals |
| paired | run with a baseline, test set, sigma_test | mean difference to it on the same images and noise |
| contrasts | pair of runs, test set, sigma_test | the same difference for other pairs, e.g. WNE and NE-arch |
| jpeg | run tested on JPEG files, quality | mean PSNR and SSIM, and the gain over the baseline |
| real | run on pairs of photographs, test set | mean PSNR and SSIM, and the gain over the baseline |
| defects, defect_levels | run; run and sigma_test | equivariance defects |
| training, loss | run; run and block of steps | size, cost and final loss; the loss curve |
| filters, errors, samplers, controls | see the module of that name | analyses of trained runs |
| recipe | see replication.results.recipe | wrapper and recipe, crossed |
| timing | device, family, mode, variant | median seconds, median paired ratio to the baseline |
| leakage, unleaked | test image; run and test set with such images | what of it is in the training set; PSNR without it |
| difficulty | training set, quantity, sigma, place | numbers of `replicate difficulty`: see replication.experiments.difficulty |
| source.json | | fingerprint of each run and analysis, and the hash of all that was read |

The runs come from params.yaml, never from a listing of the folder: a removed run leaves files behind.
Unless all reported ones are there, current and whole, nothing is written.
"""
